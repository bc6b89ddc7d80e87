"""Device nodes, completed with what the host knows of them.

The host is asked for each container anew: a driver that is loaded again may get other
numbers, and the spec stays as it was written.

Source: CDI container-edits_unix.go, fillMissingInfo.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass

from nri_cdi.cdi.model import DeviceNode
from nri_cdi.errors import RequestError
from nri_cdi.quoting import quoted_path

FIFO = "p"
_TYPES = {stat.S_IFBLK: "b", stat.S_IFCHR: "c", stat.S_IFIFO: FIFO}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostNode:
    """A device node of the host; ``mode`` has the permission bits alone."""

    type: str
    major: int
    minor: int
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedNode:
    """A device node as it shall be in the container, with nothing left to be found out.

    ``file_mode`` is None where neither the spec nor the host has one; ``uid`` and
    ``gid`` are None where the spec has none, and never the host's.
    """

    path: str
    type: str
    major: int
    minor: int
    file_mode: int | None
    permissions: str
    uid: int | None
    gid: int | None


class DeviceNodeError(RequestError):
    """A device node that the host doesn't have, or has otherwise."""

    def __init__(self, node: DeviceNode, reason: str) -> None:
        self.path = node.path
        self.host_path = node.host_path or node.path
        self.reason = reason
        super().__init__(
            f"device node {quoted_path(self.path)}: "
            f"host path {quoted_path(self.host_path)}: {reason}"
        )


def is_complete(node: DeviceNode) -> bool:
    """Whether a node can be made without the host: all but its mode is known."""
    return node.type != "" and (node.major != 0 or node.type == FIFO)


def resolve_node(
    node: DeviceNode, lstat: Callable[[str], os.stat_result] = os.lstat
) -> ResolvedNode:
    """``node`` with type, numbers and mode from the host where it gives none itself.

    A node with a type and a major number is good without the host, and so is a FIFO;
    what such a node says is not compared with the host. ``lstat`` is called once, or
    not at all if nothing is missing.

    Raises:
        DeviceNodeError: the host has no such node, or one of another type.
    """
    # A link is no device node, as in the reference: so lstat, and not stat.
    if is_complete(node):
        mode = node.file_mode
        if mode is None:
            host = _host_node(node, lstat)
            mode = host.mode if isinstance(host, HostNode) else None
        return _resolved(node, node.type, node.major, node.minor, mode)
    host = _host_node(node, lstat)
    if isinstance(host, str):
        raise DeviceNodeError(node, host)
    if node.type not in ("", host.type):
        raise DeviceNodeError(
            node, f"it is of type {host.type} on the host, not {node.type}"
        )
    mode = host.mode if node.file_mode is None else node.file_mode
    if node.major != 0 or host.type == FIFO:
        return _resolved(node, host.type, node.major, node.minor, mode)
    return _resolved(node, host.type, host.major, host.minor, mode)


def _host_node(
    node: DeviceNode, lstat: Callable[[str], os.stat_result]
) -> HostNode | str:
    """The node on the host; or in words, why there is none."""
    try:
        status = lstat(node.host_path or node.path)
    except OSError as error:
        reason = error.strerror or "unknown error"
        return f"{reason[:1].lower()}{reason[1:]}"
    except ValueError:
        return "not the name of a file"
    kind = _TYPES.get(stat.S_IFMT(status.st_mode))
    if kind is None:
        return "not a device node"
    return HostNode(
        type=kind,
        major=os.major(status.st_rdev),
        minor=os.minor(status.st_rdev),
        mode=stat.S_IMODE(status.st_mode),
    )


def _resolved(
    node: DeviceNode, type_: str, major: int, minor: int, mode: int | None
) -> ResolvedNode:
    return ResolvedNode(
        path=node.path,
        type=type_,
        major=major,
        minor=minor,
        file_mode=mode,
        permissions=node.permissions,
        uid=node.uid,
        gid=node.gid,
    )
