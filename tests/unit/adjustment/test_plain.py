"""Adjustments in the words of the OCI runtime specification."""

from __future__ import annotations

from typing import Any

import pytest

from nri_cdi._pb.nri import api_pb2
from nri_cdi.adjustment import compile_adjustment
from nri_cdi.adjustment.plain import to_plain
from nri_cdi.cdi.edits import Resolution, SourcedEdits
from nri_cdi.cdi.model import (
    ContainerEdits,
    DeviceNode,
    Hook,
    IntelRdt,
    LinuxNetDevice,
    Mount,
)
from nri_cdi.nri.capabilities import runtime_named

NOTHING: dict[str, Any] = {
    "devices": [],
    "deviceRules": [],
    "mounts": [],
    "env": [],
    "hooks": {},
    "netDevices": {},
}


def plain(edits: ContainerEdits, runtime: str = "containerd:2.3.0") -> dict[str, Any]:
    part = SourcedEdits(edits=edits, kind="v.com/c", device="v.com/c=d", path="/s.yaml")
    resolution = Resolution(devices=("v.com/c=d",), parts=(part,))
    compiled = compile_adjustment(resolution, runtime_named(runtime))
    return to_plain(compiled.for_container(api_pb2.Container()))


def test_an_empty_adjustment_has_all_lists() -> None:
    assert to_plain(api_pb2.ContainerAdjustment()) == NOTHING


ROWS = [
    (
        ContainerEdits(
            device_nodes=(
                DeviceNode(path="/dev/a", type="c", major=1, minor=3, file_mode=0o666),
                DeviceNode(
                    path="/dev/b",
                    type="b",
                    major=8,
                    minor=0,
                    file_mode=0,
                    permissions="r",
                    uid=0,
                    gid=44,
                ),
            )
        ),
        {
            "devices": [
                {
                    "path": "/dev/a",
                    "type": "c",
                    "major": 1,
                    "minor": 3,
                    "fileMode": 0o666,
                },
                {
                    "path": "/dev/b",
                    "type": "b",
                    "major": 8,
                    "minor": 0,
                    "fileMode": 0,
                    "uid": 0,
                    "gid": 44,
                },
            ],
            "deviceRules": [
                {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"},
                {"allow": True, "type": "b", "major": 8, "minor": 0, "access": "r"},
            ],
        },
    ),
    (
        # The host has no such node: it has no mode.
        ContainerEdits(
            device_nodes=(DeviceNode(path="/nonexistent/a", type="b", major=1),)
        ),
        {
            "devices": [
                {"path": "/nonexistent/a", "type": "b", "major": 1, "minor": 0}
            ],
            "deviceRules": [
                {"allow": True, "type": "b", "major": 1, "minor": 0, "access": "rwm"}
            ],
        },
    ),
    (
        ContainerEdits(
            mounts=(
                Mount(host_path="/h", container_path="/c", options=("ro", "rslave")),
                Mount(host_path="t", container_path="/t", type="tmpfs"),
            )
        ),
        {
            "mounts": [
                {"destination": "/c", "source": "/h", "options": ["ro", "rslave"]},
                {
                    "destination": "/t",
                    "type": "tmpfs",
                    "source": "t",
                    "options": ["rprivate"],
                },
            ]
        },
    ),
    (ContainerEdits(env=("A=1", "B=", "A=2=3")), {"env": ["A=2=3", "B="]}),
    (
        ContainerEdits(
            hooks=(
                Hook(hook_name="poststop", path="/b"),
                Hook(
                    hook_name="createContainer",
                    path="/a",
                    args=("a", "b"),
                    env=("X=1",),
                    timeout=0,
                ),
                Hook(hook_name="createContainer", path="/c"),
            )
        ),
        {
            "hooks": {
                "createContainer": [
                    {"path": "/a", "args": ["a", "b"], "env": ["X=1"], "timeout": 0},
                    {"path": "/c"},
                ],
                "poststop": [{"path": "/b"}],
            }
        },
    ),
    (
        ContainerEdits(
            net_devices=(
                LinuxNetDevice(host_interface_name="eth2", name="b"),
                LinuxNetDevice(host_interface_name="eth1", name="a"),
            )
        ),
        {"netDevices": {"eth1": {"name": "a"}, "eth2": {"name": "b"}}},
    ),
    (
        ContainerEdits(
            intel_rdt=IntelRdt(
                clos_id="gold", schemata=("MB:0=20",), enable_monitoring=True
            )
        ),
        {
            "intelRdt": {
                "closID": "gold",
                "schemata": ["MB:0=20"],
                "enableMonitoring": True,
            }
        },
    ),
]


@pytest.mark.parametrize(("edits", "expected"), ROWS)
def test_edits_come_out_as_the_oci_specification_has_them(
    edits: ContainerEdits, expected: dict[str, Any]
) -> None:
    assert plain(edits) == NOTHING | expected


@pytest.mark.parametrize(
    ("type_", "permissions", "allow", "access"),
    [
        ("c", "", True, "rwm"),
        ("c", "rw", True, "rw"),
        ("c", "r", True, "r"),
        ("c", "rm", True, "rm"),
        ("c", "m", True, "m"),
        ("c", "none", False, "rw"),
        ("b", "", True, "rwm"),
        ("b", "w", True, "w"),
        ("b", "none", False, "rwm"),
    ],
)
def test_a_rule_has_the_access_to_a_device_in_the_end(
    type_: str, permissions: str, allow: bool, access: str
) -> None:
    node = DeviceNode(
        path="/dev/a", type=type_, major=1, file_mode=0, permissions=permissions
    )
    assert plain(ContainerEdits(device_nodes=(node,)))["deviceRules"] == [
        {"allow": allow, "type": type_, "major": 1, "minor": 0, "access": access}
    ]


def test_a_runtime_without_rules_in_nri_gives_what_it_gives_to_all_devices() -> None:
    node = DeviceNode(path="/dev/a", type="c", major=1, file_mode=0)
    edits = ContainerEdits(device_nodes=(node,))
    assert plain(edits, "containerd:2.1")["deviceRules"] == [
        {"allow": True, "type": "c", "major": 1, "minor": 0, "access": "rw"}
    ]


def test_an_older_runtime_has_a_class_of_its_own_words() -> None:
    edits = ContainerEdits(intel_rdt=IntelRdt(clos_id="gold"))
    assert plain(edits, "containerd:2.1") == NOTHING | {"rdtClass": "gold"}
