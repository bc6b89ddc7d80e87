"""A plugin's configuration as the doctor takes it: broken, or from its runtime."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nri_cdi.config import BY_KEY
from nri_cdi.doctor import Node, Plugin, examine, read_plugin, to_plain
from nri_cdi.doctor.node import CONFIG_LIMIT
from tests.unit.doctor.trees import NRI_ON, RUNTIME_PID, SOCKET, Tree

FILE = "/etc/nri-cdi/config.yaml"
ALL = frozenset(BY_KEY)
PYTHON = "/usr/bin/python3.11"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("socket: /run/a.sock\n", frozenset()),
        ("socket: /run/a.sock\npolicy: {default: no}\n", {"policy"}),
        ("socket: /run/a.sock\nindex: 5\nexclusive: [a]\n", {"index", "exclusive"}),
        ("socket: /run/a.sock\nsocket: /run/b.sock\n", frozenset()),
        ("socket: [x]\n", {"socket"}),
        # What the key was to be is anybody's guess.
        ("spec_dir: [/x]\ninjection: auto\n", ALL - {"injection"}),
        ("socket: /run/a.sock\n]\n", ALL),
        ("", ALL),
        ("- x\n", ALL),
    ],
)
def test_what_a_broken_file_hides_is_not_taken_for_its_default(
    tree: Tree, text: str, unknown: frozenset[str]
) -> None:
    tree.write(FILE, text)
    plugin = read_plugin(Node(str(tree.root)), FILE)
    assert plugin.unknown == unknown
    assert plugin.config_path == FILE


def test_what_can_be_made_out_counts(tree: Tree) -> None:
    tree.write(FILE, "socket: /run/a.sock\nindex: 5\n")
    plugin = read_plugin(Node(str(tree.root)), FILE)
    assert plugin.config.socket == "/run/a.sock"
    assert plugin.broken is not None


@pytest.mark.parametrize("there", [True, False])
def test_a_file_that_can_not_be_read_hides_everything(
    tree: Tree, *, there: bool
) -> None:
    if there:
        tree.write(FILE, "#" * (CONFIG_LIMIT + 1))
    plugin = read_plugin(Node(str(tree.root)), FILE)
    assert plugin.broken is not None
    assert str(plugin.broken).startswith(f"{FILE}: ")
    assert plugin.unknown == ALL


PROGRAM = "/opt/nri/plugins/20-nri-cdi"
RESOLVE, DELEGATE = "injection: resolve\n", "injection: delegate\n"


def launched(tree: Tree, confs: dict[str, str]) -> Plugin | None:
    """The plugin of a runtime that has these configurations for its plugins."""
    tree.containerd(config=f'{NRI_ON}plugin_config_path = "/confs"\n')
    tree.process(9, PYTHON, PROGRAM, program=PYTHON, parent=RUNTIME_PID)
    tree.write(FILE, "injection: auto\nname: service\n")
    for name, text in confs.items():
        tree.write(f"/confs/{name}", text)
    return tree.facts().launched


@pytest.mark.parametrize(
    ("confs", "path", "injection"),
    [
        ({}, None, "auto"),
        ({"10-nri-cdi.conf": RESOLVE}, None, "auto"),
        ({"nri-cdi.conf": RESOLVE}, "/confs/nri-cdi.conf", "resolve"),
        (
            {"nri-cdi.conf": RESOLVE, "20-nri-cdi.conf": DELEGATE},
            "/confs/20-nri-cdi.conf",
            "delegate",
        ),
        ({"20-nri-cdi.conf": ""}, "/confs/20-nri-cdi.conf", "auto"),
    ],
)
def test_a_plugin_that_a_runtime_started_has_the_runtimes_configuration(
    tree: Tree, confs: dict[str, str], path: str | None, injection: str
) -> None:
    plugin = launched(tree, confs)
    assert plugin is not None
    assert plugin.config_path == path
    assert plugin.config.injection == injection
    assert (plugin.config.index, plugin.config.name) == ("20", "nri-cdi")
    assert plugin.broken is None
    assert plugin.launcher_pid == RUNTIME_PID


def test_of_a_runtimes_broken_configuration_name_and_socket_are_known(
    tree: Tree,
) -> None:
    plugin = launched(tree, {"nri-cdi.conf": "spec_dir: /x\n"})
    assert plugin is not None
    assert plugin.broken is not None
    assert ALL - plugin.unknown == {"socket", "name", "index"}


@pytest.mark.parametrize(
    ("arguments", "is_launched"),
    [
        (("/usr/bin/nri-cdi", "run", "--socket", SOCKET), False),
        (("/usr/bin/nri-cdi", "run", "--socket", "/run/other.sock"), True),
        # One that gives nothing may well run beside it.
        (("/usr/bin/nri-cdi", "run", "--validate-only", "--socket", SOCKET), True),
    ],
)
def test_a_plugin_that_runs_as_a_service_is_the_one_to_look_at(
    tree: Tree, arguments: tuple[str, ...], *, is_launched: bool
) -> None:
    tree.process(40, PYTHON, *arguments, program=PYTHON)
    assert (launched(tree, {}) is not None) is is_launched


def test_a_plugin_whose_runtime_is_not_seen_is_not_taken_for_a_launched_one(
    tree: Tree,
) -> None:
    tree.process(9, PYTHON, PROGRAM, program=PYTHON, parent=1)
    assert tree.facts().launched is None


def test_the_runtime_that_started_the_plugin_is_the_one_it_serves(tree: Tree) -> None:
    plugin = launched(tree, {})
    assert plugin is not None
    other = "/run/other.sock"
    tree.write("/other.toml", NRI_ON.replace(SOCKET, other))
    tree.containerd("2.1.9", None, "-c", "/other.toml", pid=6, socket=other)
    plugin = replace(plugin, config=replace(plugin.config, socket=other))
    facts = tree.facts().with_plugin(plugin)
    assert facts.own is not None
    assert facts.own.pid == RUNTIME_PID
    report = examine(facts)
    assert "other-socket" not in {found.rule for found in report.findings}
    assert to_plain(report)["plugin"]["socket"] is None
