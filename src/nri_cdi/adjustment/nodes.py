"""Device nodes of an adjustment, and the rules that give CDI's access to them.

Source: CDI pkg/cdi/container-edits.go, Apply; container-edits_unix.go.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from nri_cdi._pb.nri import api_pb2
from nri_cdi.adjustment.places import Place, Target, placed
from nri_cdi.cdi.devnodes import DeviceNodeError, ResolvedNode, resolve_node
from nri_cdi.cdi.edits import Resolution
from nri_cdi.cdi.model import DeviceNode
from nri_cdi.errors import RequestError, UnsupportedEditError
from nri_cdi.nri.capabilities import SUPPORT
from nri_cdi.nri.deviceaccess import (
    ALL_ACCESS,
    AUTOMATIC_ACCESS,
    READ_WRITE,
    DeviceNumber,
    correct_access,
    granted_access,
    parse_access,
)
from nri_cdi.quoting import quoted

Lstat = Callable[[str], os.stat_result]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledNode:
    """A device node, and what is known of it before the request.

    ``access`` is what CDI gives for it, even if it is ``hidden`` by a later node with
    the same path. ``fixed`` is the resolved node where the host has no say.
    """

    node: DeviceNode
    access: int
    hidden: bool
    fixed: ResolvedNode | None
    place: Place

    @property
    def host_path(self) -> str:
        """Where the node is on the host."""
        return self.node.host_path or self.node.path

    def resolve(self, lstat: Lstat) -> ResolvedNode:
        """Look at the host, if need be.

        Raises: RequestError if it lacks the node, UnsupportedEditError.
        """
        if self.fixed is not None:
            return self.fixed
        try:
            resolved = resolve_node(self.node, lstat)
        except DeviceNodeError as error:
            raise RequestError(f"{self.place}: {error}") from error
        if resolved.type not in AUTOMATIC_ACCESS:
            raise _unsupported_type(self.place, resolved.path, resolved.type)
        return resolved


def compile_nodes(resolution: Resolution, target: Target) -> tuple[CompiledNode, ...]:
    """The device nodes, each once, in the order in which CDI would add them.

    Raises: UnsupportedEditError.
    """
    nodes = tuple(_distinct(resolution, target))
    if not target.capabilities.device_rules:
        _refuse_narrow(nodes)
    return nodes


def takes_away(nodes: Iterable[CompiledNode]) -> bool:
    """Whether a node may need a rule that takes access away from the container."""
    return any(ALL_ACCESS & ~compiled.access for compiled in nodes)


def add_nodes(
    linux: api_pb2.LinuxContainerAdjustment,
    nodes: Iterable[CompiledNode],
    container: api_pb2.Container,
    lstat: Lstat,
    *,
    device_rules: bool,
) -> None:
    """Add the nodes for ``container``, and rules for them if there can be any.

    Raises: RequestError if the host lacks a node, UnsupportedEditError.
    """
    user = container.user
    wanted: dict[DeviceNumber, int] = {}
    automatic: dict[DeviceNumber, int] = {}
    for compiled in nodes:
        node = compiled.resolve(lstat)
        number = (node.type, node.major, node.minor)
        wanted[number] = wanted.get(number, 0) | compiled.access
        if not compiled.hidden:
            automatic[number] = AUTOMATIC_ACCESS[node.type]
            _fill(linux.devices.add(), node, user)
    if device_rules:
        earlier = container.linux.resources.devices
        for number, access in wanted.items():
            given = automatic.get(number, 0)
            correct_access(
                linux.resources,
                number,
                wanted=access,
                automatic=given,
                # Only what would be taken away is worth looking for.
                earlier=granted_access(earlier, number) if given & ~access else 0,
            )


def _distinct(resolution: Resolution, target: Target) -> Iterable[CompiledNode]:
    """Nodes that differ in their permissions alone are one, with all of these."""
    access: dict[DeviceNode, int] = {}
    places: dict[DeviceNode, Place] = {}
    for place, node in placed(
        resolution, target, "deviceNodes", lambda edits: edits.device_nodes
    ):
        _check(place, node)
        bare = replace(node, permissions="")
        letters = parse_access(node.permissions) if node.permissions else ALL_ACCESS
        access[bare] = access.pop(bare, 0) | letters
        places[bare] = place
    last = {node.path: node for node in access}
    for node, letters in access.items():
        yield CompiledNode(
            node=node,
            access=letters,
            hidden=last[node.path] is not node,
            fixed=_fixed(node),
            place=places[node],
        )


def _check(place: Place, node: DeviceNode) -> None:
    place.require("device_nodes", "add device nodes")
    place.refuse_removal(node.path)
    if node.type and node.type not in AUTOMATIC_ACCESS:
        place.target.refuse(_unsupported_type(place, node.path, node.type))


def _unsupported_type(place: Place, path: str, type_: str) -> UnsupportedEditError:
    # OCI runtimes know rules for b, c and a alone, and NRI adds one for every device.
    return place.unsupported(
        f"make {quoted(path)}, a node of type {type_!r}, through NRI",
        "only types 'b' and 'c' can be made: give the node another type, or mount it",
    )


def _fixed(node: DeviceNode) -> ResolvedNode | None:
    # With these three, `resolve_node` doesn't look at the host.
    if node.type and node.major and node.file_mode is not None:
        return resolve_node(node)
    return None


def _refuse_narrow(nodes: Iterable[CompiledNode]) -> None:
    """Refuse nodes that the runtime would open further than CDI does.

    Nodes are one device if the specs alone say so: two that only the host can tell to
    be the same are refused rather than trusted.
    """
    access: dict[tuple[str, int, int, str], int] = {}
    for compiled in nodes:
        key = _identity(compiled.node)
        access[key] = access.get(key, 0) | compiled.access
    for compiled in nodes:
        if not compiled.hidden and READ_WRITE & ~access[_identity(compiled.node)]:
            compiled.place.refuse(
                f"give less than read and write access to {quoted(compiled.node.path)}",
                f"it needs {SUPPORT['device_rules']}",
            )


def _identity(node: DeviceNode) -> tuple[str, int, int, str]:
    on_host = "" if node.type and node.major else node.host_path or node.path
    return (node.type, node.major, node.minor, on_host)


def _fill(device: api_pb2.LinuxDevice, node: ResolvedNode, user: api_pb2.User) -> None:
    device.path = node.path
    device.type = node.type
    device.major = node.major
    device.minor = node.minor
    if node.file_mode is not None:
        device.file_mode.value = node.file_mode
    # CDI gives nodes to the user of the process, unless that is root.
    uid = user.uid or None if node.uid is None else node.uid
    gid = user.gid or None if node.gid is None else node.gid
    if uid is not None:
        device.uid.value = uid
    if gid is not None:
        device.gid.value = gid
