"""What a spec means on a host, compared with what the host has."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from nri_cdi.cdi.devnodes import (
    FIFO,
    DeviceNodeError,
    ResolvedNode,
    is_complete,
    resolve_node,
)
from nri_cdi.cdi.lint.findings import Finding, each, finding
from nri_cdi.cdi.lint.hooks import START_CONTAINER
from nri_cdi.cdi.lint.host import Host
from nri_cdi.cdi.lint.interfaces import why_no_name
from nri_cdi.cdi.lint.mounts import is_bind
from nri_cdi.cdi.lint.nodes import UNBUFFERED
from nri_cdi.cdi.lint.rules import LintRule
from nri_cdi.cdi.model import ContainerEdits, DeviceNode, Hook, LinuxNetDevice, Mount
from nri_cdi.quoting import quoted, quoted_path

# Source: Documentation/ABI/testing/sysfs-class-net.
INTERFACES = "/sys/class/net"

# Nothing is there: other errors say that we may not see what is.
_ABSENT = (errno.ENOENT, errno.ENOTDIR)

_Look = Callable[[str], os.stat_result]


def lint_on_host(edits: ContainerEdits, host: Host) -> list[Finding]:
    """What of these edits does not work on this host; places start at the block."""
    return [
        *each("deviceNodes", edits.device_nodes, lambda node: _node(node, host)),
        *each("netDevices", edits.net_devices, lambda item: _interface(item, host)),
        *each("hooks", edits.hooks, lambda hook: _hook(hook, host)),
        *each("mounts", edits.mounts, lambda mount: _mount(mount, host)),
    ]


def _node(node: DeviceNode, host: Host) -> list[Finding]:
    path = node.host_path or node.path
    field = "hostPath" if node.host_path else "path"
    if not path.startswith("/"):
        return []  # has a finding of its own
    status = _look(host.lstat, path)
    if status is None:
        reason = f"there is no {quoted_path(path)} on this host"
        return [_no_node(node, field, reason, "is the driver loaded?")]
    if isinstance(status, OSError):
        return [_unchecked(field, path, status)]
    try:
        there = resolve_node(DeviceNode(path=path), lambda _: status)
    except DeviceNodeError:
        if stat.S_ISLNK(status.st_mode):
            reason = f"{quoted_path(path)} is a symbolic link, not a device node"
            return [_no_node(node, field, reason, "name what it leads to")]
        reason = f"{quoted_path(path)} is no device node on this host"
        return [_no_node(node, field, reason, "name one")]
    return _drift(node, there, field)


def _no_node(node: DeviceNode, field: str, reason: str, advice: str) -> Finding:
    if is_complete(node):
        message = f"{reason}; containers get one of the numbers given all the same"
        return finding(LintRule.NODE_UNKNOWN, field, message)
    message = f"{reason}, so containers that want it fail; {advice}"
    return finding(LintRule.NODE_MISSING, field, message)


def _drift(node: DeviceNode, there: ResolvedNode, field: str) -> list[Finding]:
    # An unbuffered character device is a character device to Linux.
    wanted_type = "c" if node.type == UNBUFFERED else node.type or there.type
    wanted = (node.major, node.minor) if node.major else None
    numbers = (there.major, there.minor)
    if wanted_type == there.type and (
        there.type == FIFO or wanted is None or wanted == numbers
    ):
        return []
    message = (
        f"{quoted_path(node.host_path or node.path)} is {_name(there.type, numbers)} "
        f"on this host, not {_name(wanted_type, wanted)}"
    )
    return [finding(LintRule.NODE_DRIFT, field, message)]


def _name(type_: str, numbers: tuple[int, int] | None) -> str:
    if type_ == FIFO:
        return "a FIFO"
    return f"{type_} {numbers[0]}:{numbers[1]}" if numbers else f"of type {type_}"


def _mount(mount: Mount, host: Host) -> list[Finding]:
    path = mount.host_path
    if not is_bind(mount) or not path.startswith("/"):
        return []
    status = _needed(host, path, "hostPath", LintRule.MOUNT_SOURCE_MISSING)
    if isinstance(status, Finding):
        return [status]
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        message = (
            f"{quoted_path(path)} is a device node; a mount gives no right to open it: "
            "list it in deviceNodes"
        )
        return [finding(LintRule.MOUNTED_DEVICE, "hostPath", message)]
    return []


def _hook(hook: Hook, host: Host) -> list[Finding]:
    path = hook.path
    # A startContainer hook is looked for in the container. Source: OCI runtime-spec.
    if hook.hook_name == START_CONTAINER or not path.startswith("/"):
        return []
    status = _needed(host, path, "path", LintRule.HOOK_MISSING)
    if isinstance(status, Finding):
        return [status]
    if not stat.S_ISREG(status.st_mode) or not status.st_mode & 0o111:
        message = f"{quoted_path(path)} is no executable file on this host"
        return [finding(LintRule.HOOK_NOT_EXECUTABLE, "path", message)]
    if status.st_mode & stat.S_IWOTH:
        message = (
            f"every user may write {quoted_path(path)}, which root runs: chmod o-w"
        )
        return [finding(LintRule.HOOK_WRITABLE, "path", message)]
    return []


def _interface(net_device: LinuxNetDevice, host: Host) -> list[Finding]:
    name = net_device.host_interface_name
    if not name or why_no_name(name):
        return []
    field = "hostInterfaceName"
    folder = _look(host.stat, INTERFACES)
    if folder is None:  # the root of a host need not have its /sys
        folder = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    if isinstance(folder, OSError):
        return [_unchecked(field, INTERFACES, folder)]
    status = _look(host.lstat, f"{INTERFACES}/{name}")
    if status is not None:
        return []
    message = f"there is no interface {quoted(name)} on this host now"
    return [finding(LintRule.INTERFACE_MISSING, field, message)]


def _needed(
    host: Host, path: str, field: str, missing: LintRule
) -> os.stat_result | Finding:
    """The status of what containers fail without, or why there is none."""
    status = _look(host.stat, path)
    if status is None:
        message = (
            f"there is no {quoted_path(path)} on this host; containers fail without it"
        )
        return finding(missing, field, message)
    return _unchecked(field, path, status) if isinstance(status, OSError) else status


def _look(look: _Look, path: str) -> os.stat_result | OSError | None:
    """The status of a path; None if nothing is there, or what went wrong."""
    try:
        return look(path)
    except OSError as error:
        return None if error.errno in _ABSENT else error


def _unchecked(field: str, path: str, error: OSError) -> Finding:
    reason = os.strerror(error.errno or errno.EIO).lower()
    message = f"{quoted_path(path)} can't be looked at: {reason}"
    return finding(LintRule.UNCHECKED_PATH, field, message)
