"""Edits of one container that meet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given

from nri_cdi.cdi.lint.overlaps import Overlaps
from nri_cdi.cdi.model import (
    NO_EDITS,
    ContainerEdits,
    DeviceNode,
    Hook,
    IntelRdt,
    LinuxNetDevice,
    Mount,
)
from tests.unit.cdi import strategies
from tests.unit.cdi.lint.said import Said, said

NODE = DeviceNode(path="/dev/a")
MOUNT = Mount(host_path="/a", container_path="/b", options=("bind",))
HOOK = Hook(hook_name="poststop", path="/h")
RDT = IntelRdt(clos_id="a")


def _nodes(*nodes: DeviceNode) -> ContainerEdits:
    return ContainerEdits(device_nodes=nodes)


def _net(*pairs: tuple[str, str]) -> ContainerEdits:
    return ContainerEdits(
        net_devices=tuple(
            LinuxNetDevice(host_interface_name=host, name=name) for host, name in pairs
        )
    )


def _met(*blocks: ContainerEdits) -> list[Said]:
    """What the last of the blocks meets."""
    overlaps = Overlaps()
    met: list[Said] = []
    for number, block in enumerate(blocks):
        met = said(overlaps.add(block, f"block {number}, {{}}".format))
    return met


@pytest.mark.parametrize(
    "blocks",
    [
        (NO_EDITS, NO_EDITS),
        (ContainerEdits(env=("A=b",)), ContainerEdits(env=("A=b", "B=b"))),
        (_nodes(NODE), _nodes(replace(NODE, host_path="/dev/a"))),
        (_nodes(NODE), _nodes(replace(NODE, path="/dev/b", host_path="/dev/a"))),
        (ContainerEdits(mounts=(MOUNT,)), ContainerEdits(mounts=(MOUNT,))),
        (_net(("a", "b")), _net(("a", "b"), ("b", "a"))),
        (ContainerEdits(intel_rdt=RDT), ContainerEdits(intel_rdt=RDT)),
        (
            ContainerEdits(hooks=(HOOK,)),
            ContainerEdits(hooks=(replace(HOOK, env=("A=",)),)),
        ),
        (ContainerEdits(additional_gids=(5,)), ContainerEdits(additional_gids=(5,))),
    ],
)
def test_edits_that_agree_do_not_meet(blocks: tuple[ContainerEdits, ...]) -> None:
    assert _met(*blocks) == []


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (
            ContainerEdits(env=("B=c", "A=b")),
            ContainerEdits(env=("A=c",)),
            (
                "variable-overlap",
                "env[0]",
                "'A' replaces another value of the variable: block 0, env[1]",
            ),
        ),
        (
            _nodes(NODE),
            _nodes(replace(NODE, path="/dev/b"), replace(NODE, permissions="r")),
            (
                "node-overlap",
                "deviceNodes[1]",
                "'/dev/a' replaces another device node at this path: block 0, "
                "deviceNodes[0]",
            ),
        ),
        (
            ContainerEdits(mounts=(MOUNT,)),
            ContainerEdits(mounts=(replace(MOUNT, options=("rbind",)),)),
            (
                "mount-overlap",
                "mounts[0]",
                "'/b' replaces another mount at this path: block 0, mounts[0]",
            ),
        ),
        (
            ContainerEdits(mounts=(replace(MOUNT, container_path="/{x}"),)),
            ContainerEdits(
                mounts=(replace(MOUNT, container_path="/{x}", host_path="/{y}"),)
            ),
            (
                "mount-overlap",
                "mounts[0]",
                "'/{x}' replaces another mount at this path: block 0, mounts[0]",
            ),
        ),
        (
            _net(("eth0", "a")),
            _net(("eth0", "b")),
            (
                "interface-overlap",
                "netDevices[0]",
                "the interface 'eth0' has another name elsewhere, and can have only "
                "one: block 0, netDevices[0]",
            ),
        ),
        (
            _net(("eth0", "a")),
            _net(("eth1", "a")),
            (
                "interface-overlap",
                "netDevices[0]",
                "another interface becomes 'a' too, and only one can: block 0, "
                "netDevices[0]",
            ),
        ),
        (
            ContainerEdits(hooks=(HOOK,)),
            ContainerEdits(hooks=(HOOK,)),
            (
                "repeated-hook",
                "hooks[0]",
                "the same hook runs once more: block 0, hooks[0]",
            ),
        ),
        (
            ContainerEdits(intel_rdt=RDT),
            ContainerEdits(intel_rdt=IntelRdt(clos_id="b")),
            (
                "rdt-overlap",
                "intelRdt",
                "it replaces another intelRdt as a whole: block 0, intelRdt",
            ),
        ),
    ],
)
def test_edits_that_differ_meet(
    first: ContainerEdits, second: ContainerEdits, expected: Said
) -> None:
    assert _met(first, second) == [expected]


def test_edits_of_one_block_meet_each_other() -> None:
    assert _met(ContainerEdits(env=("A=b", "A=c"))) == [
        (
            "variable-overlap",
            "env[1]",
            "'A' replaces another value of the variable: block 0, env[0]",
        )
    ]


def test_the_last_value_is_the_one_that_is_met() -> None:
    blocks = [ContainerEdits(env=(f"A={value}",)) for value in ("b", "c", "c")]
    assert _met(*blocks) == []


def test_a_base_is_looked_at_and_not_changed() -> None:
    base = Overlaps()
    base.add(ContainerEdits(env=("A=b",)), str)
    for _ in range(2):
        met = Overlaps(base=base).add(ContainerEdits(env=("A=c", "B=c")), str)
        assert [found.pointer for found in met] == ["env[0]"]
    assert base.add(ContainerEdits(env=("A=b", "B=d")), str) == []


@given(strategies.edits)
def test_edits_that_come_again_meet_nothing_but_their_hooks(
    edits: ContainerEdits,
) -> None:
    overlaps = Overlaps()
    assume(not overlaps.add(edits, str))
    again = overlaps.add(edits, str)
    assert [found.rule for found in again] == ["repeated-hook"] * len(edits.hooks)
