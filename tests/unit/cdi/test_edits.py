"""Edits put together."""

from __future__ import annotations

import pytest

from nri_cdi.cdi.edits import Resolution, SourcedEdits, merge
from nri_cdi.cdi.model import (
    NO_EDITS,
    ContainerEdits,
    DeviceNode,
    Hook,
    IntelRdt,
    LinuxNetDevice,
    Mount,
)


def _full(tag: str, gid: int) -> ContainerEdits:
    return ContainerEdits(
        env=(f"{tag}=1",),
        device_nodes=(DeviceNode(path=f"/dev/{tag}"),),
        net_devices=(LinuxNetDevice(host_interface_name=tag, name=tag),),
        hooks=(Hook(hook_name="prestart", path=f"/{tag}"),),
        mounts=(Mount(host_path=f"/{tag}", container_path=f"/{tag}"),),
        intel_rdt=IntelRdt(clos_id=tag),
        additional_gids=(gid,),
    )


def test_lists_are_joined_in_order_and_the_last_rdt_wins() -> None:
    a, b = _full("a", 1), _full("b", 2)
    assert merge([a, ContainerEdits(env=("x=y",)), b]) == ContainerEdits(
        env=("a=1", "x=y", "b=1"),
        device_nodes=a.device_nodes + b.device_nodes,
        net_devices=a.net_devices + b.net_devices,
        hooks=a.hooks + b.hooks,
        mounts=a.mounts + b.mounts,
        intel_rdt=b.intel_rdt,
        additional_gids=(1, 2),
    )


def test_nothing_joined_is_nothing() -> None:
    assert merge([]) == NO_EDITS
    assert merge([NO_EDITS, NO_EDITS]) == NO_EDITS


def test_one_block_of_edits_is_itself() -> None:
    edits = _full("a", 1)
    assert merge([NO_EDITS, edits]) is edits


def test_a_resolution_joins_its_parts() -> None:
    parts = tuple(
        SourcedEdits(
            edits=_full(tag, 1), kind="v/c", device=f"v/c={tag}", path="/etc/cdi/v.yaml"
        )
        for tag in ("a", "b")
    )
    merged = Resolution(devices=("v/c=a", "v/c=b"), parts=parts).merged()
    assert merged.env == ("a=1", "b=1")
    assert merged.intel_rdt == IntelRdt(clos_id="b")


@pytest.mark.parametrize(
    ("device", "origin"),
    [
        ("v/c=a", "device v/c=a (/etc/cdi/v.yaml)"),
        ("", "containerEdits of v/c (/etc/cdi/v.yaml)"),
    ],
)
def test_the_origin_of_edits_is_told_in_words(device: str, origin: str) -> None:
    part = SourcedEdits(
        edits=NO_EDITS, kind="v/c", device=device, path="/etc/cdi/v.yaml"
    )
    assert part.origin == origin


def test_the_origin_of_edits_is_one_line_whatever_the_file_is_called() -> None:
    path = "/a\nnri-cdi: b"
    part = SourcedEdits(edits=NO_EDITS, kind="v/c", device="v/c=a", path=path)
    assert part.origin == r"device v/c=a (/a\nnri-cdi: b)"
