"""What the doctor finds on nodes of all kinds."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.doctor import Check, examine, to_plain
from nri_cdi.errors import ConfigError, Problem
from tests.unit.doctor.trees import NOW_S, NRI_ON, SAME_DIRS, SOCKET, SPEC, Tree, fine

NODE = {"deviceNodes": [{"path": "/dev/gpu0"}]}
DRIFTED = {
    "deviceNodes": [{"path": "/dev/gpu0", "type": "c", "major": 1, "minor": 200}]
}
HOOK = {"hooks": [{"hookName": "createRuntime", "path": "/usr/bin/hook"}]}
GIDS = {"additionalGids": [44]}


UNKNOWN = ["nri-unknown", "socket-dead", "version-unknown"]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return fine(tmp_path)


def test_a_node_that_is_fine_has_no_findings(tree: Tree) -> None:
    assert tree.rules() == []
    assert examine(tree.facts()).is_fine


def containerd(version: str = "2.1.9", config: str | None = NRI_ON, **more: Any) -> Any:
    return lambda tree: tree.containerd(version, config, **more)


def off(tree: Tree) -> None:
    tree.containerd(config=NRI_ON.replace("false", "true"))


def no_connections(tree: Tree) -> None:
    tree.containerd(config=f"{NRI_ON}disable_connections = true\n")


def other_socket(tree: Tree) -> None:
    tree.configure(socket="/run/other.sock")


def newer_config(tree: Tree) -> None:
    os.utime(tree.root / "etc/containerd/config.toml", (NOW_S, NOW_S))


def not_toml(tree: Tree) -> None:
    tree.containerd(config="version = = 2")


def no_cri(tree: Tree) -> None:
    config = 'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n' + NRI_ON
    tree.containerd(config=config)


def bad_plugin_file(tree: Tree) -> None:
    tree.write("/opt/nri/plugins/nri-cdi", "#!/bin/sh", 0o755)


def harmless_plugin_files(tree: Tree) -> None:
    tree.write("/opt/nri/plugins/README", "", 0o644)
    tree.write("/opt/nri/plugins/folder/x", "", 0o755)
    tree.write("/opt/nri/plugins/20-other", "", 0o755)


def replaced(tree: Tree) -> None:
    exe = tree.root / "proc/7/exe"
    exe.unlink()
    exe.symlink_to("/usr/bin/containerd (deleted)")


def docker(tree: Tree) -> None:
    tree.process(20, "/usr/bin/dockerd", "-H", "fd://")


def two_runtimes(tree: Tree) -> None:
    socket = "/run/k3s/nri.sock"
    tree.write("/k3s.toml", f"{NRI_ON}".replace(SOCKET, socket))
    tree.containerd("2.1.9", None, "-c", "/k3s.toml", pid=30, socket=socket)


def launched_twice(tree: Tree) -> None:
    tree.write("/opt/nri/plugins/10-nri-cdi", "", 0o755)


def two_instances(tree: Tree) -> None:
    tree.running_plugin("--index", "20", pid=40)


def validator(tree: Tree) -> None:
    tree.running_plugin("--validate-only", "--index", "99", pid=40)


def elsewhere(tree: Tree) -> None:
    (tree.root / "proc/9/cmdline").unlink()
    (tree.root / "proc/9/exe").unlink()
    tree.running_plugin("--socket", "/run/other.sock", pid=40)


def away(tree: Tree) -> None:
    (tree.root / "proc/9/cmdline").unlink()
    (tree.root / "proc/9/exe").unlink()


def broken_spec(tree: Tree) -> None:
    tree.spec({**SPEC, "kind": "nothing"})


def conflict(tree: Tree) -> None:
    tree.spec(SPEC, "other.json")


def no_spec_dir(tree: Tree) -> None:
    tree.configure(spec_dirs=("/nowhere",), injection="resolve")


def hooks_rejected(tree: Tree) -> None:
    tree.write("/usr/bin/hook", "", 0o755)
    tree.devices(a=HOOK)
    table = "[plugins.'io.containerd.nri.v1.nri'.default_validator]\nenable = true\n"
    config = f"{NRI_ON}{table}reject_oci_hook_adjustment = true\n{SAME_DIRS}"
    tree.containerd("2.3.0", config)


def required(tree: Tree) -> None:
    table = "[plugins.'io.containerd.nri.v1.nri'.default_validator]\nenable = true\n"
    config = f"{NRI_ON}{table}required_plugins = ['10-nri-cdi']\n{SAME_DIRS}"
    tree.containerd("2.3.0", config)


def required_and_away(tree: Tree) -> None:
    required(tree)
    away(tree)


def required_without(tree: Tree) -> None:
    table = "[plugins.'io.containerd.nri.v1.nri'.default_validator]\n"
    config = f"{NRI_ON}{table}required_plugins = ['nri-cdi']\n{SAME_DIRS}"
    tree.containerd("2.3.0", config)


def devices(**edits: Any) -> Callable[[Tree], None]:
    return lambda tree: tree.devices(**edits)


def delegated(version: str, *, enable_cdi: bool) -> Callable[[Tree], None]:
    word = "true" if enable_cdi else "false"

    def change(tree: Tree) -> None:
        tree.configure(injection="delegate")
        tree.containerd(version, f"{NRI_ON}{SAME_DIRS}enable_cdi = {word}\n")

    return change


def expressed(version: str) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        tree.devices(a=GIDS)
        tree.containerd(version, f"{NRI_ON}{SAME_DIRS}")

    return change


def resolved(version: str) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        expressed(version)(tree)
        tree.configure(injection="resolve")

    return change


def no_listing(tree: Tree) -> None:
    tree.write("/etc/file", "")
    tree.configure(spec_dirs=("/etc/file",))


def invalid_config(tree: Tree) -> None:
    problem = Problem(rule="x", message="unknown setting", line=2, column=1)
    error = ConfigError("/etc/nri-cdi/config.yaml", [problem, problem])
    tree.plugin = replace(tree.plugin, broken=error)


def few_instances(tree: Tree) -> None:
    tree.write("/proc/sys/fs/inotify/max_user_instances", "10\n")
    tree.write("/proc/sys/fs/inotify/max_user_watches", "100\n")
    tree.process(50, "/usr/bin/watcher", inotify=[1] * 9)


def few_watches(tree: Tree) -> None:
    tree.write("/proc/sys/fs/inotify/max_user_watches", "100\n")
    tree.process(50, "/usr/bin/watcher", inotify=[60, 30])


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
        (validator, []),
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


SNAPSHOT: dict[str, Any] = {
    "runtime": {
        "connected": True,
        "synchronized": True,
        "name": "containerd",
        "version": "1.7.24~ds1",
        "reason": "",
    },
    "configuration": {"path": "/etc/nri-cdi/config.yaml", "error": None},
    "drifted": [],
}
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
