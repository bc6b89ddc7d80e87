"""The adjustment for a list of devices, compiled once and completed per container."""

from __future__ import annotations

import os
from dataclasses import dataclass

from nri_cdi._pb.nri import api_pb2
from nri_cdi.adjustment.nodes import CompiledNode, Lstat, add_nodes, compile_nodes
from nri_cdi.adjustment.places import Target
from nri_cdi.adjustment.template import add_mounts, mounts, shared_adjustment
from nri_cdi.cdi.edits import Resolution
from nri_cdi.cdi.model import Mount
from nri_cdi.nri.capabilities import Capabilities, RuntimeInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledAdjustment:
    """An adjustment, but for what depends on the container and on the host's devices.

    ``plain`` and ``mapped`` are serialized adjustments without device nodes; ``mapped``
    is for containers with a user namespace, and None where that makes no difference.
    """

    plain: bytes
    mapped: bytes | None
    nodes: tuple[CompiledNode, ...]
    device_rules: bool

    def for_container(
        self, container: api_pb2.Container, lstat: Lstat = os.lstat
    ) -> api_pb2.ContainerAdjustment:
        """The adjustment of ``container``, a new message; empty if nothing changes.

        Raises: RequestError if the host doesn't have a device node as the spec says,
        UnsupportedEditError if it has one that no adjustment can carry.
        """
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
