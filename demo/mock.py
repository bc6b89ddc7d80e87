"""Mock devices and the CDI specs that describe them.

What a driver package would put on a node lives in a private folder here; in containers
it shows up where the real thing would.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

GPU = "mock.com/gpu"
GPUS = tuple(f"device_{number}" for number in range(8))

CAMERA = "mock.com/camera"
CAMERA_NODE = "camera_front"
CAMERA_ENV = ("MOCK_CAMERA", "front")

DEVICES = "/dev/mock"
LIBRARIES = "/mock/so"
LIST_DEVICE = "/usr/local/bin/list_device.sh"

MAJOR = 240
"""For local and experimental use (Linux, admin-guide/devices.txt): nobody's driver."""

CAMERA_MINOR = 100
ANYONE = 0o666
NULL = Path("/dev/null")
EXECUTABLE = 0o755

CDI_VERSION = "0.5.0"
"""The first with ``hostPath`` of a device node."""

SCRIPT = f"""#!/bin/sh
# Lists the mock devices of this container, each with its numbers and its library.
for node in {DEVICES}/device_*; do
    [ -c "$node" ] || continue
    name=${{node##*/}}
    numbers=$(printf '%d:%d' $(stat -c '0x%t 0x%T' "$node"))
    echo "$name  $numbers  $(cat "{LIBRARIES}/$name.so")"
done
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A device node on the host, and its major and minor number."""

    path: Path
    numbers: tuple[int, int]


def make_gpus(folder: Path) -> Mapping[str, Node]:
    """Make the nodes, libraries and the script; the nodes come back by device name."""
    (folder / "so").mkdir(parents=True)
    for name in GPUS:
        (folder / f"so/{name}.so").write_text(f"library of {name}\n")
    script = folder / "list_device.sh"
    script.write_text(SCRIPT)
    script.chmod(EXECUTABLE)
    return {name: make_node(folder / name, GPUS.index(name)) for name in GPUS}


def make_node(path: Path, minor: int) -> Node:
    """A character device, or /dev/null where this machine lets nobody make one."""
    try:
        os.mknod(path, stat.S_IFCHR, os.makedev(MAJOR, minor))
        path.chmod(ANYONE)
    except PermissionError:
        path = NULL
    number = path.stat().st_rdev
    return Node(path=path, numbers=(os.major(number), os.minor(number)))


def gpu_spec(folder: Path, nodes: Mapping[str, Node]) -> str:
    """The spec of all GPUs: each brings its node and its library, all the script."""
    devices = [
        {
            "name": name,
            "containerEdits": {
                "deviceNodes": [_device_node(node, name)],
                "mounts": [_mount(folder / f"so/{name}.so", f"{LIBRARIES}/{name}.so")],
            },
        }
        for name, node in nodes.items()
    ]
    every = {"mounts": [_mount(folder / "list_device.sh", LIST_DEVICE)]}
    return _spec(GPU, devices, every)


def camera_spec(node: Node) -> str:
    """The spec of one camera: a node, and a variable that names it."""
    edits = {
        "deviceNodes": [_device_node(node, CAMERA_NODE)],
        "env": ["=".join(CAMERA_ENV)],
    }
    return _spec(CAMERA, [{"name": "front", "containerEdits": edits}])


def _device_node(node: Node, name: str) -> dict[str, str]:
    return {
        "path": f"{DEVICES}/{name}",
        "hostPath": str(node.path),
        "type": "c",
        "permissions": "rw",
    }


def _mount(host_path: Path, container_path: str) -> dict[str, Any]:
    return {
        "hostPath": str(host_path),
        "containerPath": container_path,
        "options": ["ro", "nosuid", "nodev", "bind"],
    }


def _spec(
    kind: str, devices: list[dict[str, Any]], every: dict[str, Any] | None = None
) -> str:
    """A CDI spec as YAML; ``every`` are the edits that come with any of its devices."""
    document: dict[str, Any] = {
        "cdiVersion": CDI_VERSION,
        "kind": kind,
        "devices": devices,
    }
    if every:
        document["containerEdits"] = every
    return yaml.safe_dump(document, sort_keys=False)
