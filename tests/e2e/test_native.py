"""The runtime's own CDI against the plugin: the same spec, the same container.

Where the two differ is what NRI can't say, and is written down here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.containerd import Containerd
from tests.e2e import specs
from tests.e2e.node import Config, Node
from tests.e2e.pluginprocess import serving

DEVICE = f"{specs.KIND}=one"


@pytest.fixture
def both(resolving: Containerd, tmp_path: Path) -> Iterator[Node]:
    """A runtime with CDI on, and the plugin, which has the same spec directory."""
    socket, spec_dir = resolving.nri_socket, resolving.cdi_spec_dir
    arguments = ["--socket", str(socket), "--spec-dir", str(spec_dir)]
    with serving(resolving, arguments, tmp_path / "plugin.log") as plugin:
        yield Node(
            containerd=resolving, plugin=plugin, spec_dir=spec_dir, folder=tmp_path
        )


def furnish(node: Node) -> None:
    """Define a device with most kinds of edits."""
    char = specs.make_node(node.folder / "char", "c", 1, 11)
    block = specs.make_node(node.folder / "block", "b", 7, 201)
    library = specs.make_file(node.folder / "library.so", "")
    mode = {"fileMode": 0o640}
    device = {
        "env": ["COLOUR=blue", "PATH=/opt/bin"],
        "deviceNodes": [
            # Before version 1.1 of the CDI library only a spec could say the mode.
            {"path": "/dev/given/char", "hostPath": str(char), **mode},
            {
                "path": "/dev/given/rw",
                "hostPath": str(char),
                "permissions": "rw",
                **mode,
            },
            {"path": "/dev/given/block", "hostPath": str(block), "uid": 7, **mode},
            {"path": "/dev/given/made", "type": "c", "major": 1, "minor": 3},
            {"path": "/dev/null", **mode},
        ],
        "mounts": [
            {
                "hostPath": str(library),
                "containerPath": "/z/library.so",
                "options": ["ro", "nosuid", "nodev", "bind"],
            },
            {
                "hostPath": str(node.folder),
                "containerPath": "/a",
                "options": ["rbind", "private"],
            },
            {
                "hostPath": "tmpfs",
                "containerPath": "/a/tmp",
                "type": "tmpfs",
                "options": ["size=1m"],
            },
        ],
        "hooks": [
            {"hookName": "createContainer", "path": "/bin/true", "args": ["true", "1"]},
            {"hookName": "poststop", "path": "/bin/true", "env": ["A=b"], "timeout": 3},
        ],
    }
    shared = {"env": ["SHAPE=round", "COLOUR=red"]}
    spec = specs.spec({"one": device}, edits=shared, version="0.7.0")
    specs.write(node.spec_dir / "one.json", spec)


def test_a_container_is_as_with_the_runtimes_own_cdi(both: Node) -> None:
    furnish(both)

    with both.pod() as pod:
        native = pod.create(cdi_devices=[DEVICE]).config()
    with both.created(DEVICE) as container:
        ours = container.config()

    marks_creation = both.runtime.capabilities.device_rules
    for part in (process_env, hooks, nodes, mounts):
        assert part(ours) == part(native), part.__name__
    assert rules(ours, with_mknod=marks_creation) == rules(
        native, with_mknod=marks_creation
    )


def process_env(config: Config) -> dict[str, str]:
    """The variables. The runtime's CDI leaves the old one, too: the last one counts."""
    return dict(entry.split("=", 1) for entry in config["process"]["env"])


def hooks(config: Config) -> Any:
    return config["hooks"]


def nodes(config: Config) -> list[Any]:
    return sorted(config["linux"]["devices"], key=lambda node: str(node["path"]))


def mounts(config: Config) -> dict[str, Any]:
    """The spec's mounts. The plugin says which propagation is the default one."""
    found = {}
    for mount in config["mounts"]:
        if mount["destination"].startswith(("/a", "/z")):
            options = [each for each in mount["options"] if each != "rprivate"]
            found[mount["destination"]] = {**mount, "options": options}
    return found


def rules(config: Config, *, with_mknod: bool) -> set[tuple[str, int, int, str]]:
    """The rules of the device cgroup that allow something, for the spec's devices.

    Before NRI 0.10 a character device comes without ``m``, which runc gives anyway.
    """
    return {
        (rule["type"], rule["major"], rule["minor"], letter)
        for rule in config["linux"]["resources"]["devices"]
        if rule["allow"] and "major" in rule and "minor" in rule
        for letter in rule["access"]
        if with_mknod or letter != "m"
    }


def test_a_device_asked_for_in_both_ways_is_there_once(both: Node) -> None:
    furnish(both)

    with both.running(DEVICE, cdi_devices=[DEVICE]) as container:
        config = container.config()
        listed = container.output("/bin/ls", "/dev/given").split()

    paths = [node["path"] for node in config["linux"]["devices"]]
    destinations = [mount["destination"] for mount in config["mounts"]]
    assert listed == ["block", "char", "made", "rw"]
    assert len(paths) == len(set(paths))
    assert len(destinations) == len(set(destinations))
    assert config["process"]["env"].count("COLOUR=blue") == 1
