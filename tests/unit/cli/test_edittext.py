"""Container edits in words."""

from __future__ import annotations

import pytest

from nri_cdi.cdi.model import (
    ContainerEdits,
    DeviceNode,
    Hook,
    IntelRdt,
    LinuxNetDevice,
    Mount,
)
from nri_cdi.cli.edittext import describe


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        (ContainerEdits(env=("A=b c",)), ("env", "A=b c")),
        (
            ContainerEdits(device_nodes=(DeviceNode(path="/dev/a"),)),
            ("device node", "/dev/a"),
        ),
        (
            ContainerEdits(
                device_nodes=(DeviceNode(path="/dev/a", host_path="/dev/a"),)
            ),
            ("device node", "/dev/a"),
        ),
        (
            ContainerEdits(
                device_nodes=(
                    DeviceNode(
                        path="/dev/a",
                        host_path="/dev/b",
                        type="c",
                        major=1,
                        minor=0,
                        file_mode=0o60,
                        permissions="rw",
                        uid=0,
                        gid=44,
                    ),
                )
            ),
            (
                "device node",
                "/dev/a (host /dev/b, type c, number 1:0, mode 0060, permissions rw, "
                "uid 0, gid 44)",
            ),
        ),
        (
            ContainerEdits(
                net_devices=(LinuxNetDevice(host_interface_name="a", name="b"),)
            ),
            ("net device", "b (host a)"),
        ),
        (
            ContainerEdits(mounts=(Mount(host_path="/a", container_path="/a"),)),
            ("mount", "/a"),
        ),
        (
            ContainerEdits(
                mounts=(
                    Mount(
                        host_path="/a",
                        container_path="/b",
                        options=("ro", "bind"),
                        type="none",
                    ),
                )
            ),
            ("mount", "/b (host /a, type none, options ro,bind)"),
        ),
        (
            ContainerEdits(hooks=(Hook(hook_name="prestart", path="/bin/a"),)),
            ("hook", "prestart /bin/a"),
        ),
        (
            ContainerEdits(
                hooks=(
                    Hook(
                        hook_name="poststop",
                        path="/bin/a",
                        args=("a", "b c", ""),
                        env=("A=1", "B=x y"),
                        timeout=0,
                    ),
                )
            ),
            ("hook", "poststop /bin/a 'b c' '' (env A=1 'B=x y', timeout 0 s)"),
        ),
        (
            ContainerEdits(
                hooks=(Hook(hook_name="poststop", path="/bin/a", args=("x",)),)
            ),
            ("hook", "poststop /bin/a (as x)"),
        ),
        (
            ContainerEdits(
                hooks=(Hook(hook_name="poststop", path="/bin/a", args=("/bin/a",)),)
            ),
            ("hook", "poststop /bin/a"),
        ),
        (ContainerEdits(intel_rdt=IntelRdt()), ("intel rdt", "no settings")),
        (
            ContainerEdits(
                intel_rdt=IntelRdt(
                    clos_id="a",
                    l3_cache_schema="L3:0=f",
                    mem_bw_schema="MB:0=9",
                    schemata=("x", "y"),
                    enable_monitoring=True,
                )
            ),
            (
                "intel rdt",
                "closID a; l3CacheSchema L3:0=f; memBwSchema MB:0=9; schemata x, y; "
                "enableMonitoring",
            ),
        ),
        (
            ContainerEdits(intel_rdt=IntelRdt(schemata=())),
            ("intel rdt", "schemata"),
        ),
        (ContainerEdits(additional_gids=(5,)), ("additional gid", "5")),
    ],
)
def test_each_edit_says_all_that_is_set(
    edits: ContainerEdits, expected: tuple[str, str]
) -> None:
    assert list(describe(edits)) == [expected]


def test_there_is_a_line_for_each_edit() -> None:
    edits = ContainerEdits(
        env=("A=1", "B=2"),
        device_nodes=(DeviceNode(path="/dev/a"),),
        additional_gids=(5, 6),
    )
    assert len(list(describe(edits))) == len(edits)
