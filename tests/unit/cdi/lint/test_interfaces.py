"""Network interfaces that no kernel would move or name so."""

from __future__ import annotations

import pytest

from nri_cdi.cdi.lint.interfaces import lint_net_device
from nri_cdi.cdi.model import LinuxNetDevice
from tests.unit.cdi.lint.said import said


def test_fifteen_bytes_are_fine() -> None:
    name = "enp0s31f6.1234a"
    assert len(name) == 15
    net_device = LinuxNetDevice(host_interface_name=name, name="net0")
    assert lint_net_device(net_device) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("enp0s31f6.1234ab", "has 16 bytes; at most 15 are possible"),
        ("ä" * 8, "has 16 bytes; at most 15 are possible"),
        (".", "can't be a name"),
        ("..", "can't be a name"),
        ("a/b", "has '/' in it, which the kernel refuses"),
        ("eth0:1", "has ':' in it, which the kernel refuses"),
        ("a b", "has a space in it, which the kernel refuses"),
        ("a\n", "has a space in it, which the kernel refuses"),
        ("à", "has a space in it, which the kernel refuses"),  # its last byte is 0xa0
        ("eth%d", "has '%' in it, which the kernel takes for a pattern"),
    ],
)
def test_a_name_that_no_kernel_has_is_found_on_both_sides(
    name: str, reason: str
) -> None:
    message = f"interface {name!r} {reason}"
    inside = LinuxNetDevice(host_interface_name="eth0", name=name)
    assert said(lint_net_device(inside)) == [("interface-name", "name", message)]
    outside = LinuxNetDevice(host_interface_name=name, name="eth0")
    assert said(lint_net_device(outside)) == [
        ("interface-name", "hostInterfaceName", message)
    ]


def test_loopback_stays_where_it_is() -> None:
    net_device = LinuxNetDevice(host_interface_name="lo", name="lo")
    message = "'lo' can't be moved, and every container has one; name another interface"
    assert said(lint_net_device(net_device)) == [
        ("loopback-interface", "hostInterfaceName", message),
        ("loopback-interface", "name", message),
    ]
