"""A node whose plugin has a broken configuration: what can't be known is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nri_cdi.config import BY_KEY
from nri_cdi.doctor import examine, to_plain
from tests.unit.doctor.trees import NRI_ON, Tree, fine
from tests.unit.doctor.troubles import (
    GIDS,
    SNAPSHOT,
    away,
    containerd,
    elsewhere,
    hooks_rejected,
    invalid_config,
    off,
    required_and_away,
    two_instances,
    two_runtimes,
)

ALL = frozenset(BY_KEY)
EVERYTHING_ELSE = '[plugins."io.containerd.grpc.v1.cri"]\n  cdi_spec_dirs = ["/x"]\n'


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return fine(tmp_path)


def hidden(tree: Tree, *settings: str) -> None:
    """The plugin's configuration is broken: these settings have a default by chance."""
    invalid_config(tree)
    tree.configure(socket="/chance.sock", spec_dirs=("/chance",), injection="delegate")
    tree.plugin = replace(tree.plugin, unknown=frozenset(settings) or ALL)


def as_it_is(_tree: Tree) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (as_it_is, []),
        (two_runtimes, []),
        (elsewhere, []),
        (two_instances, []),
        (containerd("2.1.9", f"{NRI_ON}{EVERYTHING_ELSE}"), []),
        (containerd("1.7.24", f"{NRI_ON}{EVERYTHING_ELSE}"), []),
        (hooks_rejected, []),
        (required_and_away, ["plugin-away"]),
        # What does not depend on the plugin's settings is found as ever.
        (containerd(listens=False), ["socket-dead"]),
        (off, ["nri-off"]),
        (away, ["plugin-away"]),
    ],
)
def test_what_depends_on_a_setting_that_can_not_be_known_is_left_out(
    tree: Tree, change: Callable[[Tree], None], rules: list[str]
) -> None:
    change(tree)
    hidden(tree)
    assert sorted(tree.rules()) == sorted(["config-invalid", *rules])


@pytest.mark.parametrize(
    ("setting", "rules"),
    [
        ("socket", ["cdi-dirs-differ", "no-usable-device"]),
        ("spec_dirs", ["other-socket"]),
        ("injection", ["no-usable-device", "other-socket"]),
    ],
)
def test_what_depends_on_other_settings_is_found(
    tree: Tree, setting: str, rules: list[str]
) -> None:
    hidden(tree, setting)
    assert sorted(tree.rules()) == sorted(["config-invalid", *rules])


def test_a_setting_that_can_not_be_known_is_asked_of_the_plugin(tree: Tree) -> None:
    hidden(tree)
    tree.devices(a=GIDS)
    settings = {**SNAPSHOT["configuration"], "injection": "resolve", "validate": "true"}
    snapshot = {
        **SNAPSHOT,
        "configuration": settings,
        "specs": {"directories": [{"path": "/etc/cdi", "error": ""}]},
    }
    tree.plugin = replace(tree.plugin, snapshot=snapshot)
    assert tree.rules() == [
        "config-invalid",
        "unsupported-edit",
        "validate-without-effect",
    ]


def test_programs_get_null_for_what_can_not_be_known(tree: Tree) -> None:
    hidden(tree)
    plain = to_plain(examine(tree.facts()))
    assert plain["plugin"]["socket"] is None
    assert plain["plugin"]["injection"] is None
    assert plain["specs"]["directories"] == []
