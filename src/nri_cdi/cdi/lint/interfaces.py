"""Network interfaces that no kernel would move or name so.

Source: Linux, net/core/dev.c, dev_valid_name and __dev_alloc_name; IFNAMSIZ.
"""

from __future__ import annotations

from nri_cdi.cdi.lint.findings import Finding, finding
from nri_cdi.cdi.lint.rules import LintRule
from nri_cdi.cdi.model import LinuxNetDevice
from nri_cdi.quoting import quoted

MAX_NAME = 15
"""Bytes of an interface's name: IFNAMSIZ less the NUL at the end."""

LOOPBACK = "lo"

# What the kernel's isspace() takes for a space: Latin-1's, byte by byte.
_SPACES = b" \t\n\v\f\r\xa0"
_REFUSED = b"/:"
_PATTERN = b"%"


def lint_net_device(net_device: LinuxNetDevice) -> list[Finding]:
    """What is doubtful about a network device, whatever the host has."""
    return [
        *_name("hostInterfaceName", net_device.host_interface_name),
        *_name("name", net_device.name),
    ]


def why_no_name(name: str) -> str:
    """What the kernel has against an interface's name; empty if nothing."""
    data = name.encode(errors="surrogatepass")
    if len(data) > MAX_NAME:
        return f"has {len(data)} bytes; at most {MAX_NAME} are possible"
    if name in (".", ".."):
        return "can't be a name"
    for byte in data:
        if byte in _REFUSED:
            return f"has {chr(byte)!r} in it, which the kernel refuses"
        if byte in _SPACES:
            return "has a space in it, which the kernel refuses"
        if byte in _PATTERN:
            return "has '%' in it, which the kernel takes for a pattern"
    return ""


def _name(field: str, name: str) -> list[Finding]:
    reason = why_no_name(name)
    if reason:
        message = f"interface {quoted(name)} {reason}"
        return [finding(LintRule.INTERFACE_NAME, field, message)]
    if name != LOOPBACK:
        return []
    message = "'lo' can't be moved, and every container has one; name another interface"
    return [finding(LintRule.LOOPBACK_INTERFACE, field, message)]
