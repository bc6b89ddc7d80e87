"""The spec files that the benchmarks read: many devices, or one.

A device sets one variable, and has one device node and one mount: about 280 bytes of
YAML, which is what the figures of the design are about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from nri_cdi.nri import api

VERSION = "0.6.0"
MANY_KIND = "bench.test/many"
ONE_KIND = "bench.test/one"
ONE_NAME = "dev"
ONE_DEVICE = f"{ONE_KIND}={ONE_NAME}"

MAJOR = 240
"""For local and experimental use (Linux, admin-guide/devices.txt): nobody's driver."""
MINORS = 1 << 20

VALUE = "present"

HOST_NODE = "/dev/null"
"""A node that every host has, so that the plugin looks at the host for it."""


def many_devices(numbers: Iterable[int]) -> dict[str, Any]:
    """A spec with a device for each number."""
    return _spec(MANY_KIND, [_device(number) for number in numbers])


def altered(text: str, note: str) -> str:
    """The same text, but for ``note`` in the value of the first variable."""
    return text.replace(VALUE, VALUE + note, 1)


def many_device(number: int) -> str:
    """The qualified name of a device of `many_devices`."""
    return f"{MANY_KIND}={_name(number)}"


def add_many_device(container: api.Container, number: int) -> None:
    """What a container has that was created with a device of `many_devices`."""
    edits = _device(number)["containerEdits"]
    container.env.extend(edits["env"])
    [node] = edits["deviceNodes"]
    container.linux.devices.add(**node)
    [mount] = edits["mounts"]
    container.mounts.add(
        source=mount["hostPath"],
        destination=mount["containerPath"],
        type="bind",
        options=mount["options"],
    )


def host_devices(numbers: Iterable[int]) -> dict[str, Any]:
    """As `many_devices`, and the plugin has to look at the host for each node."""
    spec = many_devices(numbers)
    for number, device in enumerate(spec["devices"]):
        path = device["containerEdits"]["deviceNodes"][0]["path"]
        device["containerEdits"]["deviceNodes"] = [
            {"path": path, "hostPath": _host_node(number)}
        ]
    return spec


def one_device(kind: str = ONE_KIND) -> dict[str, Any]:
    """A spec with one device, whose node the plugin has to look at on the host."""
    edits = {
        "env": ["BENCH_DEVICE=one"],
        "deviceNodes": [{"path": "/dev/bench", "hostPath": HOST_NODE}],
        "mounts": [_mount("/usr/lib/bench/one")],
    }
    return _spec(kind, [{"name": ONE_NAME, "containerEdits": edits}])


def to_yaml(spec: dict[str, Any]) -> str:
    """YAML as people and generators write it: block style, a value a line."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(spec, Dumper=dumper, sort_keys=False))


def to_json(spec: dict[str, Any]) -> str:
    return json.dumps(spec)


def describe(devices: int, files: int) -> str:
    """So many devices in so many files, in words."""
    return f"{devices} devices in {files} file{'' if files == 1 else 's'}"


def write_split(
    folder: Path, files: int, devices: int, extension: str = "yaml"
) -> None:
    """Write ``devices`` devices as so many files of the same size."""
    size = devices // files
    write = to_json if extension == "json" else to_yaml
    for file in range(files):
        numbers = range(file * size, (file + 1) * size)
        path = folder / f"many-{file:03}.{extension}"
        path.write_text(write(many_devices(numbers)))


def _spec(kind: str, devices: list[dict[str, Any]]) -> dict[str, Any]:
    return {"cdiVersion": VERSION, "kind": kind, "devices": devices}


def _device(number: int) -> dict[str, Any]:
    node = {
        "path": f"/dev/bench{number:05}",
        "type": "c",
        "major": MAJOR,
        "minor": number % MINORS,
    }
    edits = {
        "env": [f"BENCH_DEVICE_{number:05}={VALUE}"],
        "deviceNodes": [node],
        "mounts": [_mount(f"/usr/lib/bench/{number:05}")],
    }
    return {"name": _name(number), "containerEdits": edits}


def _host_node(number: int) -> str:
    """A path of `HOST_NODE` for each number: no host has so many nodes of its own."""
    folder, name = HOST_NODE.rsplit("/", 1)
    return f"{folder}/{'./' * number}{name}"


def _name(number: int) -> str:
    return f"dev{number:05}"


def _mount(path: str) -> dict[str, Any]:
    options = ["ro", "bind"]
    return {"hostPath": path, "containerPath": path, "options": options}
