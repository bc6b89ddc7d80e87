"""The adjustment for a list of devices, compiled once and completed per container."""

from __future__ import annotations

import os
from typing import TypeAlias

from nri_cdi._pb.nri import api_pb2
from nri_cdi.adjustment.nodes import (
    CompiledNode,
    Lstat,
    add_nodes,
    compile_nodes,
    takes_away,
)
from nri_cdi.adjustment.places import Target
from nri_cdi.adjustment.template import add_mounts, mounts, shared_adjustment
from nri_cdi.cdi.edits import Resolution
from nri_cdi.cdi.model import Mount
from nri_cdi.errors import RequestError, UnsupportedEditError
from nri_cdi.nri.capabilities import Capabilities, RuntimeInfo

# What a node takes here, as an object and in an answer.
NODE_SIZE = 1024

_Facts: TypeAlias = "tuple[bool | int | tuple[int, int], ...]"


class CompiledAdjustment:
    """An adjustment, but for what depends on the container and on the host's devices.

    ``plain`` and ``mapped`` are serialized adjustments without device nodes; ``mapped``
    is for containers with a user namespace, and None where that makes no difference.
    """

    def __init__(
        self,
        *,
        plain: bytes,
        mapped: bytes | None,
        nodes: tuple[CompiledNode, ...],
        device_rules: bool,
    ) -> None:
        self.plain = plain
        self.mapped = mapped
        self.nodes = nodes
        self.device_rules = device_rules
        self._host_paths = tuple([n.host_path for n in nodes if n.fixed is None])
        self._heeds_rules = device_rules and takes_away(nodes)
        self._last_facts: _Facts | None = None
        self._last = api_pb2.ContainerAdjustment()

    @property
    def host_paths(self) -> tuple[str, ...]:
        """The host's device nodes that are looked at for each container."""
        return self._host_paths

    @property
    def size(self) -> int:
        """Roughly how many bytes it takes, in the answers made of it too."""
        shared = 2 * len(self.plain) + len(self.mapped or b"")
        return shared + NODE_SIZE * len(self.nodes)

    def for_container(
        self, container: api_pb2.Container, lstat: Lstat = os.lstat
    ) -> api_pb2.ContainerAdjustment:
        """The adjustment of ``container``; empty if nothing changes.

        The same message comes back as long as container and host are alike: it is not
        to be changed.

        Raises: RequestError if the host doesn't have a device node as the spec says,
        UnsupportedEditError if it has one that no adjustment can carry.
        """
        if self._heeds_rules:
            return self._build(container, lstat)
        try:
            # A device node may be another one with each container: majors move.
            statuses = [lstat(path) for path in self._host_paths]
        except (OSError, ValueError):
            return self._build(container, lstat)
        facts = self._facts(container, statuses)
        if facts != self._last_facts:
            seen = dict(zip(self._host_paths, statuses, strict=True))
            self._last = self._build(container, seen.__getitem__)
            self._last_facts = facts
        return self._last

    def _facts(
        self, container: api_pb2.Container, statuses: list[os.stat_result]
    ) -> _Facts:
        """All that an adjustment depends on, but for the container's device rules."""
        user = container.user
        mapped = self.mapped is not None and _has_user_namespace(container)
        host = [(status.st_mode, status.st_rdev) for status in statuses]
        return (mapped, user.uid, user.gid, *host)

    def _build(
        self, container: api_pb2.Container, lstat: Lstat
    ) -> api_pb2.ContainerAdjustment:
        template = self.plain
        if self.mapped is not None and _has_user_namespace(container):
            template = self.mapped
        adjustment = api_pb2.ContainerAdjustment.FromString(template)
        if self.nodes:
            add_nodes(
                adjustment.linux,
                self.nodes,
                container,
                lstat,
                device_rules=self.device_rules,
            )
        return adjustment


def compile_adjustment(
    resolution: Resolution,
    runtime: RuntimeInfo,
    capabilities: Capabilities | None = None,
) -> CompiledAdjustment:
    """Compile the edits of ``resolution`` for ``runtime``.

    ``capabilities`` are what the runtime's version says, unless given.

    Raises: UnsupportedEditError if the runtime can't carry out an edit,
    EditConflictError if two edits exclude each other.
    """
    target = Target(runtime=runtime, capabilities=capabilities or runtime.capabilities)
    shared = shared_adjustment(resolution, target)
    all_mounts = mounts(resolution, target)
    plain = _serialized(shared, all_mounts, user_namespace=False)
    mapped = _serialized(shared, all_mounts, user_namespace=True)
    return CompiledAdjustment(
        plain=plain,
        mapped=None if mapped == plain else mapped,
        nodes=compile_nodes(resolution, target),
        device_rules=target.capabilities.device_rules,
    )


def unsupported_edits(
    resolution: Resolution, runtime: RuntimeInfo
) -> tuple[UnsupportedEditError, ...]:
    """All edits that ``runtime`` can't carry out; `compile_adjustment` has the first.

    What only a look at the host's devices would show is not among them.
    """
    refusals: list[RequestError] = []
    capabilities = runtime.capabilities
    target = Target(runtime=runtime, capabilities=capabilities, refusals=refusals)
    shared_adjustment(resolution, target)
    mounts(resolution, target)
    compile_nodes(resolution, target)
    return tuple(error for error in refusals if isinstance(error, UnsupportedEditError))


def _serialized(
    shared: api_pb2.ContainerAdjustment,
    all_mounts: tuple[Mount, ...],
    *,
    user_namespace: bool,
) -> bytes:
    adjustment = api_pb2.ContainerAdjustment()
    adjustment.CopyFrom(shared)
    add_mounts(adjustment, all_mounts, user_namespace=user_namespace)
    return adjustment.SerializeToString(deterministic=True)


def _has_user_namespace(container: api_pb2.Container) -> bool:
    return any(namespace.type == "user" for namespace in container.linux.namespaces)
