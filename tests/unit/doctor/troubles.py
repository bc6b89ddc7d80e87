"""What can be wrong with a node that was fine, and what a plugin says of itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nri_cdi.errors import ConfigError, Problem
from tests.unit.doctor.trees import NOW_S, NRI_ON, SAME_DIRS, SOCKET, SPEC, Tree

NODE = {"deviceNodes": [{"path": "/dev/gpu0"}]}
DRIFTED = {
    "deviceNodes": [{"path": "/dev/gpu0", "type": "c", "major": 1, "minor": 200}]
}
HOOK = {"hooks": [{"hookName": "createRuntime", "path": "/usr/bin/hook"}]}
GIDS = {"additionalGids": [44]}


SNAPSHOT: dict[str, Any] = {
    "runtime": {
        "connected": True,
        "synchronized": True,
        "name": "containerd",
        "version": "1.7.24~ds1",
        "reason": "",
    },
    "configuration": {
        "path": "/etc/nri-cdi/config.yaml",
        "error": None,
        "injection": "auto",
        "validate": "false",
    },
    "drifted": [],
}


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


def validator_of(version: str) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        validator(tree)
        tree.containerd(version, f"{NRI_ON}{SAME_DIRS}")

    return change


def validating(version: str, validate: str) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        tree.configure(validate=validate)
        if validate == "only":
            tree.running_plugin("--socket", SOCKET, "--config", "/none", pid=40)
        tree.containerd(version, f"{NRI_ON}{SAME_DIRS}")

    return change


def validating_by_flag(tree: Tree) -> None:
    tree.running_plugin("--validate")


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
