"""Devices as edits and as names: what comes of both in a real container."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from testbed.containerd import Containerd
from tests.e2e import specs
from tests.e2e.node import Config, Node
from tests.e2e.pluginprocess import serving

DEVICE = f"{specs.KIND}=one"
GROUPS = f"{specs.KIND}=groups"
OTHER_KIND = "other.test/device"
OTHER = f"{OTHER_KIND}=one"

RESOLVED, DELEGATED = "nri-cdi/resolved", "nri-cdi/delegated"

DIFFERENT = {
    "the mark": "it says which way was taken",
    "mknod on character devices": "before NRI 0.10 no rule can say so; runc lets it",
    "rprivate": "the plugin says which propagation is the default one",
    "the order of mounts": "NRI sorts all of them by the depth of their destination",
    "variables that are set twice": "the runtime's CDI support leaves the old one too",
}
"""In what a delegated device differs from the same one resolved, and why."""


@contextmanager
def injecting(runtime: Containerd, folder: Path, mode: str) -> Iterator[Node]:
    """The runtime with a plugin that reads the same specs."""
    socket, spec_dir = runtime.nri_socket, runtime.cdi_spec_dir
    arguments = ["--socket", str(socket), "--spec-dir", str(spec_dir)]
    arguments += ["--injection", mode]
    with serving(runtime, arguments, folder / f"{mode}.log") as plugin:
        yield Node(containerd=runtime, plugin=plugin, spec_dir=spec_dir, folder=folder)


def furnish(spec_dir: Path, folder: Path) -> None:
    char = specs.make_node(folder / "char", "c", 1, 11)
    library = specs.make_file(folder / "library.so", "")
    one = {
        "env": ["COLOUR=blue", "PATH=/opt/bin"],
        "deviceNodes": [
            {"path": "/dev/given", "hostPath": str(char), "fileMode": 0o640},
            {"path": "/dev/made", "type": "c", "major": 1, "minor": 3, "fileMode": 438},
        ],
        "mounts": [
            {
                "hostPath": str(library),
                "containerPath": "/z/library.so",
                "options": ["ro", "nosuid", "nodev", "bind"],
            }
        ],
        "hooks": [
            {"hookName": "createContainer", "path": "/bin/true", "args": ["true", "1"]}
        ],
    }
    groups = {"env": ["GROUPS=yes"], "additionalGids": [4242]}
    spec = specs.spec(
        {"one": one, "groups": groups}, edits=specs.env(SHARED="x"), version="0.7.0"
    )
    specs.write(spec_dir / "one.json", spec)
    other = specs.spec({"one": specs.env(OTHER="yes")}, kind=OTHER_KIND)
    specs.write(spec_dir / "other.json", other)


def created(runtime: Containerd, folder: Path, mode: str, *devices: str) -> Config:
    """The configuration of a container that got devices in this way."""
    with (
        injecting(runtime, folder, mode) as node,
        node.created(*devices) as container,
    ):
        return container.config()


def comparable(config: Config) -> dict[str, Any]:
    """All of a configuration but for what is in DIFFERENT and differs anyway."""
    process, linux = config["process"], config["linux"]
    annotations = config["annotations"]
    return {
        **config,
        "process": {**process, "env": dict(e.split("=", 1) for e in process["env"])},
        "mounts": {each["destination"]: _mount(each) for each in config["mounts"]},
        "annotations": {
            key: value
            for key, value in annotations.items()
            if key not in (RESOLVED, DELEGATED) and "sandbox" not in key
        },
        "linux": {
            **linux,
            "cgroupsPath": "",
            "namespaces": "",
            "resources": {**linux["resources"], "devices": _rules(linux)},
        },
        "root": "",
    }


def _mount(mount: dict[str, Any]) -> dict[str, Any]:
    options = [each for each in mount.get("options", ()) if each != "rprivate"]
    source = mount["source"]
    # What the runtime mounts of its own is of this pod.
    pods_own = "sandboxes" in source or "containers" in source
    return {**mount, "options": options, "source": "" if pods_own else source}


def _rules(linux: dict[str, Any]) -> list[tuple[Any, ...]]:
    return sorted(
        (
            rule["allow"],
            rule.get("type", ""),
            rule.get("major", -1),
            rule.get("minor", -1),
            rule["access"].replace("m", ""),
        )
        for rule in linux["resources"]["devices"]
    )


def test_delegated_and_resolved_devices_make_the_same_container(
    resolving: Containerd, tmp_path: Path
) -> None:
    furnish(resolving.cdi_spec_dir, tmp_path)
    resolved = created(resolving, tmp_path, "resolve", DEVICE)
    assert resolved["annotations"][RESOLVED] == DEVICE
    with injecting(resolving, tmp_path, "delegate") as node:
        if not node.runtime.capabilities.delegated_cdi:
            assert "injection = delegate" in node.refusal(DEVICE)
            return
        with node.created(DEVICE) as container:
            delegated = container.config()
    assert delegated["annotations"][DELEGATED] == DEVICE
    assert comparable(delegated) == comparable(resolved)


def test_what_no_adjustment_can_carry_is_delegated_where_that_is_honoured(
    resolving: Containerd, tmp_path: Path
) -> None:
    furnish(resolving.cdi_spec_dir, tmp_path)
    with injecting(resolving, tmp_path, "auto") as node:
        if not node.runtime.capabilities.delegated_cdi:
            assert "can't add group 4242" in node.refusal(GROUPS)
            return
        with node.running(GROUPS, OTHER) as container:
            config = container.config()
            groups = container.output("/bin/id", "-G").split()
            env = container.env()
        node.plugin.await_line("(resolve+delegate)")
    assert "4242" in groups
    assert (env["GROUPS"], env["OTHER"], env["SHARED"]) == ("yes", "yes", "x")
    assert config["annotations"][DELEGATED] == GROUPS
    assert config["annotations"][RESOLVED] == OTHER


def test_devices_of_one_spec_go_one_way(resolving: Containerd, tmp_path: Path) -> None:
    furnish(resolving.cdi_spec_dir, tmp_path)
    with injecting(resolving, tmp_path, "auto") as node:
        if not node.runtime.capabilities.delegated_cdi:
            assert "can't add group 4242" in node.refusal(DEVICE, GROUPS)
            return
        with node.created(DEVICE, GROUPS) as container:
            config = container.config()
    assert config["process"]["env"].count("SHARED=x") == 1
    assert config["annotations"][DELEGATED] == f"{DEVICE},{GROUPS}"
    assert len(config["hooks"]["createContainer"]) == 1


@pytest.mark.parametrize("mode", ["resolve", "delegate"])
def test_two_instances_do_not_fail_a_container(
    resolving: Containerd, tmp_path: Path, mode: str
) -> None:
    """As in a rolling update, for as long as the old one has not gone."""
    furnish(resolving.cdi_spec_dir, tmp_path)
    for name in ("second", "alone"):
        (tmp_path / name).mkdir()
    with (
        injecting(resolving, tmp_path, mode) as node,
        injecting(resolving, tmp_path / "second", mode),
    ):
        if mode == "delegate" and not node.runtime.capabilities.delegated_cdi:
            return
        with node.created(DEVICE) as container:
            config = container.config()
    alone = created(resolving, tmp_path / "alone", mode, DEVICE)
    assert comparable(config) == comparable(alone)
    assert len(config["hooks"]["createContainer"]) == 1
