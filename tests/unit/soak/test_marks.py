from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from soak import marks
from soak.marks import Device, MarkError

HOST = Path("/host")
GPU, NET = Device("gpu", "1"), Device("net", "eth")

Config = dict[str, Any]


def config(generation: int, *devices: Device) -> Config:
    """An OCI configuration with these devices, as their specs have them."""
    made: Config = {
        "process": {"env": ["PATH=/bin"]},
        "mounts": [{"destination": "/proc", "source": "proc"}],
        "linux": {"resources": {"devices": [{"allow": False, "access": "rwm"}]}},
    }
    for device in devices:
        add(made, marks.spec(device.class_, generation, HOST), device, generation)
    return made


def add(made: Config, spec: Config, device: Device, generation: int) -> None:
    (edits,) = (
        each["containerEdits"]
        for each in spec["devices"]
        if each["name"] == device.name
    )
    minor = marks.MINORS[generation % len(marks.MINORS)]
    numbers = {"type": "c", "major": marks.MAJOR, "minor": minor}
    made["process"]["env"] += edits["env"]
    (node,), (mount,) = edits["deviceNodes"], edits["mounts"]
    made["linux"].setdefault("devices", []).append({"path": node["path"], **numbers})
    rule = {"allow": True, "access": "rw", **numbers}
    made["linux"]["resources"]["devices"].append(rule)
    made["mounts"].append(
        {"destination": mount["containerPath"], "source": mount["hostPath"]}
    )


@pytest.mark.parametrize("generation", [1, 2, 3, 4, 5, 12_345])
def test_devices_are_found_with_their_generation(generation: int) -> None:
    found = marks.read(config(generation, GPU, NET))

    assert found == {GPU: generation, NET: generation}


def test_a_container_without_devices_has_none() -> None:
    assert marks.read(config(1)) == {}


def without_variable(made: Config) -> None:
    made["process"]["env"].pop()


def without_mount(made: Config) -> None:
    made["mounts"].pop()


def without_node(made: Config) -> None:
    made["linux"]["devices"].pop()


def without_rule(made: Config) -> None:
    made["linux"]["resources"]["devices"].pop()


def with_another_node(made: Config) -> None:
    made["linux"]["devices"][0]["minor"] = 8


def with_another_variable(made: Config) -> None:
    made["process"]["env"][-1] = f"{GPU.variable}=g00000002"


def with_a_strange_variable(made: Config) -> None:
    made["process"]["env"].append("SOAK_GPU_17=g00000001")


def with_a_strange_node(made: Config) -> None:
    made["linux"]["devices"].append({"path": "/dev/soak/other"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_variable, "part of soak.test/gpu=1: None"),
        (without_mount, "part of soak.test/gpu=1: g00000001"),
        (without_node, "part of soak.test/gpu=1: g00000001, None"),
        (without_rule, "has a node that its cgroup doesn't allow"),
        (with_another_node, "soak.test/gpu=1 is mixed: g00000001, node ('c', 1, 8)"),
        (with_another_variable, "soak.test/gpu=1 is mixed: g00000002"),
        (with_a_strange_variable, "unknown: SOAK_GPU_17"),
        (with_a_strange_node, "unknown: /dev/soak/other"),
    ],
)
def test_what_no_spec_can_have_given_is_an_error(
    change: Callable[[Config], None], message: str
) -> None:
    made = config(1, GPU)
    change(made)

    with pytest.raises(MarkError) as caught:
        marks.read(made)
    assert message in str(caught.value)


def test_every_generation_of_a_spec_is_as_long_as_the_others() -> None:
    lengths = {len(repr(marks.spec("gpu", number, HOST))) for number in (1, 10, 99_999)}

    assert len(lengths) == 1


def test_the_numbers_are_as_stat_prints_them() -> None:
    assert [marks.numbers(generation) for generation in range(3)] == [
        "1:3",
        "1:5",
        "1:7",
    ]
