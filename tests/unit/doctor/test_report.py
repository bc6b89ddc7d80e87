"""What the doctor finds on nodes of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.doctor import Check, examine, to_plain
from tests.unit.doctor.trees import NRI_ON, SAME_DIRS, SOCKET, Tree, fine
from tests.unit.doctor.troubles import (
    DRIFTED,
    GIDS,
    HOOK,
    NODE,
    SNAPSHOT,
    away,
    bad_plugin_file,
    broken_spec,
    conflict,
    containerd,
    delegated,
    devices,
    docker,
    elsewhere,
    expressed,
    few_instances,
    few_watches,
    harmless_plugin_files,
    hooks_rejected,
    invalid_config,
    launched_twice,
    newer_config,
    no_connections,
    no_cri,
    no_listing,
    no_spec_dir,
    not_toml,
    off,
    other_socket,
    replaced,
    required,
    required_and_away,
    required_without,
    resolved,
    two_instances,
    two_runtimes,
    validating,
    validating_by_flag,
    validator,
    validator_of,
)

UNKNOWN = ["nri-unknown", "socket-dead", "version-unknown"]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return fine(tmp_path)


def test_a_node_that_is_fine_has_no_findings(tree: Tree) -> None:
    assert tree.rules() == []
    assert examine(tree.facts()).is_fine


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (off, ["nri-off"]),
        (containerd("1.7.24", "version = 2"), ["nri-off"]),
        (containerd("1.7.24", None, listens=False), ["socket-dead"]),
        (containerd("2.1.9", "version = 3", listens=False), ["socket-dead"]),
        (containerd("1.6.20"), ["runtime-too-old"]),
        (containerd(""), ["version-unknown"]),
        (containerd("", "", listens=False), UNKNOWN),
        (containerd(listens=False), ["socket-dead"]),
        (containerd(), []),
        (containerd("1.7.24"), []),
        (no_connections, ["connections-off"]),
        (other_socket, ["other-socket"]),
        (newer_config, ["restart-needed"]),
        (not_toml, ["runtime-config"]),
        (no_cri, ["cri-off"]),
        (bad_plugin_file, ["plugin-file-name"]),
        (harmless_plugin_files, []),
        (replaced, ["runtime-replaced"]),
        (docker, ["docker"]),
        (two_runtimes, ["other-runtime"]),
        (launched_twice, ["launched-and-service"]),
        (two_instances, ["two-instances"]),
        (validator, ["validate-without-effect"]),
        (validator_of("2.3.0"), []),
        (validating("2.1.9", "true"), ["validate-without-effect"]),
        (validating("2.1.9", "only"), ["validate-without-effect"]),
        (validating("2.2.0", "true"), []),
        (validating("", "true"), ["version-unknown"]),
        (validating_by_flag, ["validate-without-effect"]),
        (away, ["plugin-away"]),
        (elsewhere, ["plugin-away"]),
        (broken_spec, ["spec-broken", "no-usable-device"]),
        (conflict, ["conflicting-device", "no-usable-device"]),
        (no_spec_dir, ["no-usable-device"]),
        (devices(a=NODE), ["node-missing"]),
        (devices(a=HOOK), ["hook-missing"]),
        (devices(a=GIDS), ["delegated-edit"]),
        (hooks_rejected, ["hooks-rejected"]),
        (required, []),
        (required_and_away, ["plugin-away", "required-plugin-away"]),
        (required_without, ["required-without-validator"]),
        (delegated("1.7.24", enable_cdi=True), ["delegation-dropped"]),
        (delegated("2.0.5", enable_cdi=True), ["delegation-dropped"]),
        (delegated("1.7.30", enable_cdi=False), ["cdi-off"]),
        (delegated("1.7.30", enable_cdi=True), []),
        (delegated("2.1.9", enable_cdi=True), []),
        (expressed("1.7.24"), ["unsupported-edit"]),
        (expressed("2.1.9"), ["delegated-edit"]),
        (resolved("1.7.24"), ["unsupported-edit"]),
        (resolved("2.1.9"), ["unsupported-edit"]),
        (no_listing, ["spec-dir-unreadable", "no-usable-device"]),
        (invalid_config, ["config-invalid"]),
        (few_instances, ["inotify-instances"]),
        (few_watches, ["inotify-watches"]),
    ],
)
def test_what_is_wrong_is_found(
    tree: Tree, change: Callable[[Tree], None], rules: list[str]
) -> None:
    change(tree)
    assert sorted(tree.rules()) == sorted(rules)


@pytest.mark.parametrize(
    ("version", "flags", "listens", "rules"),
    [
        ("1.34.0", [], True, []),
        ("1.29.4", [], False, ["nri-off"]),
        ("1.29.4", ["--enable-nri"], True, []),
        ("1.34.0", ["--nri-listen", "/run/x.sock"], True, ["other-socket"]),
        ("1.34.0", ["--nri-disable-connections"], False, ["connections-off"]),
        ("1.25.0", ["--enable-nri"], True, ["runtime-too-old"]),
    ],
)
def test_what_is_wrong_with_crio_is_found(
    version: str, flags: list[str], listens: bool, rules: list[str], tmp_path: Path
) -> None:
    tree = Tree(tmp_path)
    tree.crio(version, *flags, listens=listens)
    tree.running_plugin()
    assert tree.rules() == rules


def test_validation_without_effect_says_since_when_there_is_one(
    tmp_path: Path,
) -> None:
    tree = Tree(tmp_path)
    tree.crio("1.33.0")
    tree.running_plugin("--validate")
    found = tree.finding("validate-without-effect")
    assert found.message == (
        "validate: true, and it asks no plugin to validate a container; that came with "
        "cri-o 1.34.0"
    )
    assert found.remedy == "leave validate out, or update cri-o"


@pytest.mark.parametrize(
    ("version", "remedy"),
    [
        (
            "2.1.9",
            "update containerd to 2.2.0; until then start the plugin before it, as "
            "systemd/nri-cdi.service does",
        ),
        ("2.2.0", "nri-cdi config fail-closed"),
    ],
)
def test_a_runtime_that_fails_open_is_updated_before_it_is_told_not_to(
    tree: Tree, version: str, remedy: str
) -> None:
    tree.containerd(version, f"{NRI_ON}{SAME_DIRS}")
    assert tree.finding("fails-open").remedy == remedy


def test_nri_of_crio_is_switched_on_in_a_drop_in(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.crio("1.29.4")
    assert tree.finding("nri-off").remedy == (
        "[crio.nri] enable_nri = true in /etc/crio/crio.conf.d/99-nri.conf; "
        "systemctl restart crio"
    )


def test_a_file_in_the_place_of_a_device_node_is_found(tree: Tree) -> None:
    tree.write("/dev/gpu0", "")
    tree.devices(a=DRIFTED)
    assert tree.rules() == ["node-unknown"]


def test_an_empty_node_has_neither_runtime_nor_plugin(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    assert tree.rules() == ["no-runtime", "plugin-away"]
    assert tree.finding("no-runtime").remedy == "install containerd or CRI-O"


def test_a_runtime_that_only_the_plugin_sees_is_no_error(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.plugin = replace(tree.plugin, snapshot=SNAPSHOT)
    assert tree.rules() == ["runtime-unseen"]
    assert tree.finding("runtime-unseen").subject == "containerd 1.7.24~ds1 (NRI 0.6)"


def test_a_runtime_that_does_not_run_is_named(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.write("/usr/bin/crio", "", 0o755)
    tree.running_plugin()
    assert tree.finding("no-runtime").remedy == "systemctl enable --now crio"


def test_errors_come_first_and_every_finding_has_words(tree: Tree) -> None:
    few_watches(tree)
    broken_spec(tree)
    docker(tree)
    findings = tree.findings()
    severities = [str(found.severity) for found in findings]
    assert severities == ["error", "warning", "warning", "info", "info"]
    assert all(found.subject and found.message for found in findings)


def test_a_finding_says_what_to_write_where(tree: Tree) -> None:
    off(tree)
    assert tree.finding("nri-off").remedy == (
        '[plugins."io.containerd.nri.v1.nri"] disable = false in '
        "/etc/containerd/config.toml; systemctl restart containerd"
    )


def test_devices_with_the_same_trouble_share_a_finding(tree: Tree) -> None:
    tree.devices(a=NODE, b=NODE, c=NODE, d=NODE)
    assert tree.finding("node-missing").subject == (
        "vendor.com/gpu=a, vendor.com/gpu=b, vendor.com/gpu=c and 1 more"
    )


def test_many_findings_of_one_rule_are_counted(tree: Tree) -> None:
    edits = {f"d{number}": _node(number) for number in range(8)}
    tree.devices(**edits)
    found = [each for each in tree.findings() if each.rule == "node-missing"]
    assert [each.message for each in found][5:] == ["3 more of these"]


def _node(number: int) -> dict[str, Any]:
    return {"deviceNodes": [{"path": f"/dev/gpu{number}"}]}


NET: dict[str, Any] = {"netDevices": [{"hostInterfaceName": "lo", "name": "x0"}]}
WAITING = {**SNAPSHOT["runtime"], "connected": False, "synchronized": False}


@pytest.mark.parametrize(
    ("snapshot", "rules"),
    [
        ({}, []),
        ({"runtime": WAITING}, ["not-connected"]),
        ({"configuration": {"path": "/c", "error": "bad"}}, ["config-not-applied"]),
        ({"drifted": [{"namespace": "a", "pod": "b"}] * 3}, ["drifted-containers"]),
    ],
)
def test_what_the_plugin_says_of_itself_counts(
    tree: Tree, snapshot: dict[str, Any], rules: list[str]
) -> None:
    tree.plugin = replace(tree.plugin, snapshot={**SNAPSHOT, **snapshot})
    assert tree.rules() == rules


def test_a_plugin_that_answers_runs_wherever_that_is(tree: Tree) -> None:
    away(tree)
    tree.plugin = replace(tree.plugin, snapshot=SNAPSHOT)
    assert tree.rules() == []


def test_the_runtime_that_the_plugin_met_is_believed(tree: Tree) -> None:
    tree.containerd("", f"{NRI_ON}{SAME_DIRS}")
    tree.devices(a=GIDS)
    tree.plugin = replace(tree.plugin, snapshot=SNAPSHOT)
    assert tree.rules() == ["unsupported-edit"]


def test_what_a_runtime_that_is_not_seen_injects_itself_is_no_error(
    tree: Tree,
) -> None:
    away(tree)
    (tree.root / "proc/7/cmdline").unlink()
    (tree.root / "proc/7/exe").unlink()
    tree.devices(a=NET)
    met = {**SNAPSHOT["runtime"], "version": "2.1.9"}
    tree.plugin = replace(tree.plugin, snapshot={**SNAPSHOT, "runtime": met})
    assert {"delegated-edit", "unsupported-edit"}.intersection(tree.rules()) == {
        "delegated-edit"
    }
    met["version"] = "2.0.5"  # which drops the names of devices
    tree.plugin = replace(tree.plugin, snapshot={**SNAPSHOT, "runtime": met})
    assert tree.finding("unsupported-edit").subject == "vendor.com/gpu=a"


def test_a_status_address_without_an_answer_is_told(tree: Tree) -> None:
    tree.configure(status="/run/nri-cdi/status.sock")
    tree.plugin = replace(tree.plugin, silence="connection refused")
    assert tree.finding("status-unreachable").message == "connection refused"


def test_what_may_not_be_looked_at_is_told(tree: Tree) -> None:
    facts = tree.facts()
    facts.node.refused["/etc/secret"] = "permission denied"
    rules = [found.rule for found in examine(facts).findings]
    assert rules == ["unchecked", "fails-open"]


def test_programs_get_facts_and_findings(tree: Tree) -> None:
    plain = to_plain(examine(tree.facts()))
    assert plain["ok"] is True
    [runtime] = plain["runtimes"]
    assert (runtime["name"], runtime["version"], runtime["pid"]) == (
        "containerd",
        "2.1.9",
        7,
    )
    assert runtime["nri"]["socket"] == SOCKET
    assert runtime["listens"] is True
    assert plain["capabilities"]["delegatedCdi"] is True
    assert plain["capabilities"]["netDevices"] is False
    assert plain["specs"]["devices"] == 1
    [found] = plain["findings"]
    assert (found["rule"], found["severity"]) == ("fails-open", "info")


def test_every_check_has_an_identifier_of_its_own() -> None:
    names = [check.id for check in Check]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("kind", "remedy"), [("file", "chmod a-x"), ("link", "rm")])
def test_a_program_with_a_wrong_name_is_disarmed(
    kind: str, remedy: str, tmp_path: Path
) -> None:
    tree = fine(tmp_path)
    path = tree.write("/opt/nri/plugins/x y", "", 0o755)
    if kind == "link":
        # What it leads to may be needed elsewhere, and its own mode can't be changed.
        path.unlink()
        path.symlink_to("/usr/bin/true")
    found = tree.finding("plugin-file-name")
    assert found.remedy == f"{remedy} '/opt/nri/plugins/x y'"
