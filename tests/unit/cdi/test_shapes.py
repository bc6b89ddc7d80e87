"""The fields of a spec."""

from __future__ import annotations

from typing import Any

import pytest

from nri_cdi.cdi.model import (
    ContainerEdits,
    Device,
    DeviceNode,
    Hook,
    IntelRdt,
    LinuxNetDevice,
    Mount,
    Spec,
)
from nri_cdi.cdi.shapes import build_spec

EVERYTHING: dict[str, Any] = {
    "cdiVersion": "1.1.0",
    "kind": "vendor.com/class",
    "annotations": {"a": "b"},
    "devices": [
        {
            "name": "dev",
            "annotations": {"c": "d"},
            "containerEdits": {
                "env": ["A=b"],
                "deviceNodes": [
                    {
                        "path": "/dev/a",
                        "hostPath": "/dev/b",
                        "type": "c",
                        "major": 1,
                        "minor": 2,
                        "fileMode": 438,
                        "permissions": "rw",
                        "uid": 3,
                        "gid": 0,
                    }
                ],
                "netDevices": [{"hostInterfaceName": "eth0", "name": "net0"}],
                "hooks": [
                    {
                        "hookName": "prestart",
                        "path": "/bin/a",
                        "args": ["a", "b"],
                        "env": ["C=d"],
                        "timeout": 4,
                    }
                ],
                "mounts": [
                    {
                        "hostPath": "/e",
                        "containerPath": "/f",
                        "options": ["ro"],
                        "type": "bind",
                    }
                ],
                "intelRdt": {
                    "closID": "g",
                    "l3CacheSchema": "h",
                    "memBwSchema": "i",
                    "schemata": ["j"],
                    "enableMonitoring": True,
                },
                "additionalGids": [5, 6],
            },
        }
    ],
    "containerEdits": {"env": ["K=l"]},
}

BUILT = Spec(
    cdi_version="1.1.0",
    kind="vendor.com/class",
    annotations={"a": "b"},
    devices=(
        Device(
            name="dev",
            annotations={"c": "d"},
            container_edits=ContainerEdits(
                env=("A=b",),
                device_nodes=(
                    DeviceNode(
                        path="/dev/a",
                        host_path="/dev/b",
                        type="c",
                        major=1,
                        minor=2,
                        file_mode=438,
                        permissions="rw",
                        uid=3,
                        gid=0,
                    ),
                ),
                net_devices=(LinuxNetDevice(host_interface_name="eth0", name="net0"),),
                hooks=(
                    Hook(
                        hook_name="prestart",
                        path="/bin/a",
                        args=("a", "b"),
                        env=("C=d",),
                        timeout=4,
                    ),
                ),
                mounts=(
                    Mount(
                        host_path="/e",
                        container_path="/f",
                        options=("ro",),
                        type="bind",
                    ),
                ),
                intel_rdt=IntelRdt(
                    clos_id="g",
                    l3_cache_schema="h",
                    mem_bw_schema="i",
                    schemata=("j",),
                    enable_monitoring=True,
                ),
                additional_gids=(5, 6),
            ),
        ),
    ),
    container_edits=ContainerEdits(env=("K=l",)),
)


def test_every_field_has_its_attribute() -> None:
    built = build_spec(EVERYTHING)
    assert (built.problems, built.warnings) == ((), ())
    assert built.spec == BUILT


def _other_case(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.swapcase(): _other_case(item) for key, item in value.items()}
    return [_other_case(item) for item in value] if isinstance(value, list) else value


def test_the_case_of_fields_does_not_count() -> None:
    value = _other_case(EVERYTHING)
    value["ANNOTATIONS"] = {"a": "b"}
    value["DEVICES"][0]["ANNOTATIONS"] = {"c": "d"}
    built = build_spec(value)
    assert (built.problems, built.warnings) == ((), ())
    assert built.spec == BUILT


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        (None, ContainerEdits()),
        ({}, ContainerEdits()),
        (dict.fromkeys(EVERYTHING["devices"][0]["containerEdits"]), ContainerEdits()),
        ({"intelRdt": {}}, ContainerEdits(intel_rdt=IntelRdt())),
        (
            {"intelRdt": {"schemata": [], "enableMonitoring": None}},
            ContainerEdits(intel_rdt=IntelRdt(schemata=())),
        ),
        (
            {"deviceNodes": [{"path": None, "major": None, "uid": None}]},
            ContainerEdits(device_nodes=(DeviceNode(path=""),)),
        ),
        (
            {"hooks": [{}], "mounts": [{}], "netDevices": [{}]},
            ContainerEdits(
                hooks=(Hook(hook_name="", path=""),),
                mounts=(Mount(host_path="", container_path=""),),
                net_devices=(LinuxNetDevice(host_interface_name="", name=""),),
            ),
        ),
    ],
)
def test_what_is_null_or_missing_is_empty(
    edits: object, expected: ContainerEdits
) -> None:
    built = build_spec({"containerEdits": edits})
    assert built.problems == ()
    assert built.spec.container_edits == expected
