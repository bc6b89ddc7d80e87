"""Who has a device, as it is shown, and as the plugin decides by it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.model import ContainerEdits, Device, DeviceNode, Spec
from nri_cdi.cdi.registry import Registry, build_registry, register
from nri_cdi.holders import Holder, Holders
from nri_cdi.injection import nodes_of
from nri_cdi.policy import matcher
from nri_cdi.status.occupancy import Occupancy
from tests.unit.status.living import KIND

NODES = {
    "0": "ab",
    "0-again": "ba",
    "1": "ac",
    "all": "abc",
    "slice-1": "abx",
    "slice-2": "aby",
    "bare": "",
}
"""Devices by their nodes: ``a`` is one that all GPUs share."""


def registry_of(nodes: Mapping[str, str]) -> Registry:
    devices = tuple(
        Device(
            name=name,
            container_edits=ContainerEdits(
                device_nodes=tuple(DeviceNode(path=path) for path in paths)
            ),
        )
        for name, paths in nodes.items()
    )
    spec = Spec(cdi_version="1.1.0", kind=KIND, devices=devices)
    return build_registry([register("/x.json", 0, spec)])


def holder(number: int, registry: Registry, *names: str) -> Holder:
    devices = tuple(f"{KIND}={name}" for name in names)
    return Holder(
        namespace="ns",
        pod=f"pod-{number}",
        container="main",
        container_id=str(number),
        pod_uid=str(number),
        devices=devices,
        nodes=nodes_of(registry, devices),
    )


def shown(exclusive: str, *held: tuple[str, ...]) -> dict[str, list[str]]:
    """By device, its holders' pods, and the other names; without those of nobody."""
    registry = registry_of(NODES)
    holders = [holder(number, registry, *names) for number, names in enumerate(held)]
    is_exclusive = matcher((f"{KIND}={exclusive}",))
    occupancy = Occupancy(holders, registry, is_exclusive)
    found: dict[str, list[str]] = {}
    for name in NODES:
        device = f"{KIND}={name}"
        for each in occupancy.of(device, exclusive=is_exclusive(device)):
            by = f" as {each.by.removeprefix(f'{KIND}=')}" if each.by else ""
            found.setdefault(name, []).append(f"{each.holder.pod}{by}")
    return found


TABLE: tuple[
    tuple[str, str, tuple[tuple[str, ...], ...], dict[str, list[str]]], ...
] = (
    (
        "other names of a GPU, all GPUs and parts of it are held with it",
        "*",
        (("0",),),
        {
            "0": ["pod-0"],
            "0-again": ["pod-0 as 0"],
            "all": ["pod-0 as 0"],
            "slice-1": ["pod-0 as 0"],
            "slice-2": ["pod-0 as 0"],
        },
    ),
    (
        "two parts of a GPU are not each other",
        "*",
        (("slice-1",),),
        {
            "slice-1": ["pod-0"],
            "0": ["pod-0 as slice-1"],
            "0-again": ["pod-0 as slice-1"],
        },
    ),
    (
        "it is enough that the held one is exclusive",
        "0",
        (("0",),),
        {
            "0": ["pod-0"],
            "0-again": ["pod-0 as 0"],
            "all": ["pod-0 as 0"],
            "slice-1": ["pod-0 as 0"],
            "slice-2": ["pod-0 as 0"],
        },
    ),
    (
        "it is enough that the other one is exclusive",
        "all",
        (("0",), ("1",)),
        {"0": ["pod-0"], "1": ["pod-1"], "all": ["pod-0 as 0", "pod-1 as 1"]},
    ),
    (
        "what is not exclusive is held by its name alone",
        "none-of-them",
        (("0",), ("0",)),
        {"0": ["pod-0", "pod-1"]},
    ),
    (
        "a container is there once, by the name that it used",
        "all",
        (("all", "0", "1"),),
        {
            "0": ["pod-0"],
            "0-again": ["pod-0 as all"],
            "1": ["pod-0"],
            "all": ["pod-0"],
        },
    ),
    ("a device without nodes is no other's", "*", (("bare",),), {"bare": ["pod-0"]}),
    ("nobody holds anything", "*", (), {}),
)


@pytest.mark.parametrize(
    ("exclusive", "held", "expected"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_a_device_is_shown_with_who_keeps_it_from_others(
    exclusive: str, held: tuple[tuple[str, ...], ...], expected: dict[str, list[str]]
) -> None:
    assert shown(exclusive, *held) == expected


PATHS = st.text("abcd", max_size=3)
NAMES = st.sampled_from("0123")


@given(
    st.fixed_dictionaries(dict.fromkeys("0123", PATHS)),
    st.lists(st.lists(NAMES, unique=True, min_size=1), max_size=4),
    st.frozensets(NAMES),
)
def test_who_is_refused_a_device_is_shown_why(
    nodes: dict[str, str], held: list[list[str]], exclusive: frozenset[str]
) -> None:
    registry = registry_of(nodes)
    holders = Holders()
    for number, names in enumerate(held):
        holders.add(holder(number, registry, *names))
    is_exclusive = frozenset(f"{KIND}={name}" for name in exclusive).__contains__
    occupancy = Occupancy(holders.all(), registry, is_exclusive)
    for name in nodes:
        asking = holder(-1, registry, name)
        [device] = asking.devices
        found = occupancy.of(device, exclusive=is_exclusive(device))
        claim = holders.conflict(asking, is_exclusive)
        if claim is not None:
            assert claim.holder in [each.holder for each in found]
        elif not is_exclusive(device):
            assert [each.by for each in found if each.by] == []
        else:
            assert found == ()


@given(st.permutations(tuple(NODES)))
def test_the_order_is_that_of_the_holders(names: list[str]) -> None:
    found = shown("*", *((name,) for name in names))
    for pods in found.values():
        other = [int(pod.split()[0][4:]) for pod in pods if " as " in pod]
        assert other == sorted(other)
