from __future__ import annotations

import json
from pathlib import Path

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
from nri_cdi.cdi.plain import to_plain
from nri_cdi.cdi.reading import parse_spec, read_file
from nri_cdi.cdi.yamltext import to_yaml

EVERYTHING = ContainerEdits(
    env=("A=b",),
    device_nodes=(
        DeviceNode(
            path="/dev/a",
            host_path="/dev/b",
            type="c",
            major=1,
            minor=3,
            file_mode=0o666,
            permissions="rw",
            uid=0,
            gid=5,
        ),
    ),
    net_devices=(LinuxNetDevice(host_interface_name="eth1", name="net1"),),
    hooks=(
        Hook(hook_name="prestart", path="/h", args=("h",), env=("B=c",), timeout=0),
    ),
    mounts=(Mount(host_path="/a", container_path="/b", options=("ro",), type="bind"),),
    intel_rdt=IntelRdt(
        clos_id="one",
        l3_cache_schema="L3:0=f",
        mem_bw_schema="MB:0=50",
        schemata=(),
        enable_monitoring=True,
    ),
    additional_gids=(0, 44),
)
SPEC = Spec(
    cdi_version="1.1.0",
    kind="vendor.com/device",
    annotations={"a.b/c": "d"},
    devices=(
        Device(name="0", annotations={"e": "f"}, container_edits=EVERYTHING),
        Device(name="1", container_edits=ContainerEdits(env=("A=b",))),
    ),
    container_edits=EVERYTHING,
)
EVERYTHING_PLAIN = {
    "env": ["A=b"],
    "deviceNodes": [
        {
            "path": "/dev/a",
            "hostPath": "/dev/b",
            "type": "c",
            "major": 1,
            "minor": 3,
            "fileMode": 0o666,
            "permissions": "rw",
            "uid": 0,
            "gid": 5,
        }
    ],
    "netDevices": [{"hostInterfaceName": "eth1", "name": "net1"}],
    "hooks": [
        {
            "hookName": "prestart",
            "path": "/h",
            "args": ["h"],
            "env": ["B=c"],
            "timeout": 0,
        }
    ],
    "mounts": [
        {"hostPath": "/a", "containerPath": "/b", "options": ["ro"], "type": "bind"}
    ],
    "intelRdt": {
        "closID": "one",
        "l3CacheSchema": "L3:0=f",
        "memBwSchema": "MB:0=50",
        "schemata": [],
        "enableMonitoring": True,
    },
    "additionalGids": [0, 44],
}
PLAIN = {
    "cdiVersion": "1.1.0",
    "kind": "vendor.com/device",
    "annotations": {"a.b/c": "d"},
    "devices": [
        {"name": "0", "annotations": {"e": "f"}, "containerEdits": EVERYTHING_PLAIN},
        {"name": "1", "containerEdits": {"env": ["A=b"]}},
    ],
    "containerEdits": EVERYTHING_PLAIN,
}


def test_every_field_of_a_spec_is_there() -> None:
    assert to_plain(SPEC) == PLAIN


def test_the_fields_are_in_the_order_of_the_specification() -> None:
    assert json.dumps(to_plain(SPEC)) == json.dumps(PLAIN)


@pytest.mark.parametrize("write", [to_yaml, json.dumps])
def test_a_spec_that_is_written_reads_as_the_same(write: object) -> None:
    assert callable(write)
    assert parse_spec(write(to_plain(SPEC)).encode(), "f").spec == SPEC


def test_what_is_unset_is_left_out() -> None:
    assert to_plain(ContainerEdits(intel_rdt=IntelRdt())) == {"intelRdt": {}}


SHARED = Path(__file__).parents[4] / "shared" / "data" / "specs"
REAL = sorted(SHARED.glob("*.yaml"))


@pytest.mark.skipif(not REAL, reason=f"{SHARED} is not there")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_specs_survive(path: Path) -> None:
    spec = parse_spec(read_file(str(path)), "f").spec
    assert parse_spec(to_yaml(to_plain(spec)).encode(), "f").spec == spec
