"""How a container shows which devices it got, and from which generation of the specs.

Every device is a variable, a device node and a mount, and each of the three says the
generation: the variable in full, the numbers of the node and the source of the mount by
a remainder. A container with the variable of one generation and the node of another got
a mixture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VENDOR = "soak.test"
CDI_VERSION = "0.6.0"

MAJOR = 1
MINORS = (3, 5, 7, 8, 9)
"""Of /dev/null, zero, full, random and urandom: Linux, admin-guide/devices.txt."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "gpu": ("0", "1", "2", "3"),
    "net": ("eth",),
    "secret": ("key",),
    "whole": ("0", "1"),
    "switch": ("0",),
}
"""The devices by the class of their kind; each class has a spec file of its own."""

DEVICE_DIR = "/dev/soak"
MOUNT_DIR = "/soak"


class MarkError(Exception):
    """A container has something of a device that no spec can have given it."""


@dataclass(frozen=True, slots=True, order=True)
class Device:
    """A device that the specs have, or none has."""

    class_: str
    name: str

    def __str__(self) -> str:
        """Its qualified name."""
        return f"{VENDOR}/{self.class_}={self.name}"

    @property
    def label(self) -> str:
        return f"{self.class_}-{self.name}"

    @property
    def variable(self) -> str:
        return f"SOAK_{self.class_}_{self.name}".upper()


Found = Mapping[Device, int]
"""The devices of a container, each with its generation."""


def every_device() -> Iterator[Device]:
    for class_, names in KINDS.items():
        for name in names:
            yield Device(class_, name)


def host_node(folder: Path, device: Device, generation: int) -> Path:
    """The host's node; each device has its own, as they must not exclude each other."""
    return folder / f"{device.label}-{_minor(generation)}"


def host_file(folder: Path, generation: int) -> Path:
    return folder / f"library-{_minor(generation)}"


def spec(class_: str, generation: int, folder: Path) -> dict[str, Any]:
    """The spec of a class's devices. Every generation has the same length."""
    devices = [Device(class_, name) for name in KINDS[class_]]
    return {
        "cdiVersion": CDI_VERSION,
        "kind": f"{VENDOR}/{class_}",
        "devices": [
            {"name": each.name, "containerEdits": _edits(each, generation, folder)}
            for each in devices
        ],
    }


def _edits(device: Device, generation: int, folder: Path) -> dict[str, Any]:
    return {
        "env": [f"{device.variable}={_text(generation)}"],
        "deviceNodes": [
            {
                "path": f"{DEVICE_DIR}/{device.label}",
                "hostPath": str(host_node(folder, device, generation)),
            }
        ],
        "mounts": [
            {
                "hostPath": str(host_file(folder, generation)),
                "containerPath": f"{MOUNT_DIR}/{device.label}",
                "options": ["ro", "bind"],
            }
        ],
    }


def read(config: Mapping[str, Any]) -> Found:
    """The devices that an OCI configuration has, each whole and of one generation.

    Raises: MarkError.
    """
    variables = dict(entry.partition("=")[::2] for entry in config["process"]["env"])
    nodes = {each["path"]: each for each in config["linux"].get("devices", ())}
    mounts = {each["destination"]: each for each in config["mounts"]}
    _check_strays(nodes, mounts, variables)
    found = {}
    for device in every_device():
        node = nodes.get(f"{DEVICE_DIR}/{device.label}")
        mount = mounts.get(f"{MOUNT_DIR}/{device.label}")
        variable = variables.get(device.variable)
        if (node, mount, variable) == (None, None, None):
            continue
        if node is None or mount is None or variable is None:
            raise MarkError(f"part of {device}: {variable}, {node}, {mount}")
        found[device] = _generation(device, variable, node, mount)
        if not _is_allowed(config, node):
            raise MarkError(f"{device} has a node that its cgroup doesn't allow")
    return found


def _generation(
    device: Device, variable: str, node: Mapping[str, Any], mount: Mapping[str, Any]
) -> int:
    generation = int(variable.removeprefix("g"))
    minor = _minor(generation)
    numbers = (node["type"], node["major"], node["minor"])
    source = Path(mount["source"]).name
    if numbers != ("c", MAJOR, minor) or source != f"library-{minor}":
        raise MarkError(f"{device} is mixed: {variable}, node {numbers}, {source}")
    return generation


def _is_allowed(config: Mapping[str, Any], node: Mapping[str, Any]) -> bool:
    rules = config["linux"]["resources"]["devices"]
    return any(
        rule["allow"]
        and (rule.get("major"), rule.get("minor")) == (node["major"], node["minor"])
        for rule in rules
    )


def _check_strays(*tables: Mapping[str, Any]) -> None:
    """Raises: MarkError, for what is of no device that there is."""
    known = set()
    for device in every_device():
        known |= {f"{DEVICE_DIR}/{device.label}", f"{MOUNT_DIR}/{device.label}"}
        known.add(device.variable)
    ours = (f"{DEVICE_DIR}/", f"{MOUNT_DIR}/", "SOAK_")
    asked = {"SOAK_VISIBLE_DEVICES"}
    for table in tables:
        strays = {key for key in table if key.startswith(ours)} - known - asked
        if strays:
            raise MarkError(f"unknown: {', '.join(sorted(strays))}")


def numbers(generation: int) -> str:
    """The node's numbers as ``stat -c %t:%T`` prints them, in hex."""
    return f"{MAJOR:x}:{_minor(generation):x}"


def _minor(generation: int) -> int:
    return MINORS[generation % len(MINORS)]


def _text(generation: int) -> str:
    return f"g{generation:08}"
