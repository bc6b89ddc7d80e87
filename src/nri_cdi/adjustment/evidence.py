"""Whether a container has what its devices bring.

Only places are compared: a device node's path, a mount's destination, a variable's
name. What is there may rightly be another than the spec of today says: other plugins
adjust containers too, and a container lives on when its spec changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nri_cdi._pb.nri import api_pb2
from nri_cdi.adjustment.template import HOOK_FIELDS
from nri_cdi.cdi.edits import Resolution
from nri_cdi.cdi.model import ContainerEdits
from nri_cdi.quoting import quoted

# "-key" takes something away. Source: NRI pkg/api/adjustment.go.
_REMOVAL = "-"

# What a message names of what is missing.
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The places that a container has: after its creation, or as it is to be."""

    nodes: frozenset[str]
    mounts: frozenset[str]
    env: frozenset[str]
    hooks: frozenset[str]
    net_devices: frozenset[str]
    rdt: bool
    gids: frozenset[int]
    delegated: frozenset[str]


def given(
    container: api_pb2.Container,
    adjustment: api_pb2.ContainerAdjustment | None = None,
) -> Given:
    """What ``container`` has, and what ``adjustment``, that of all plugins, adds."""
    adjust = adjustment or api_pb2.ContainerAdjustment()
    both = (container, adjust)
    # Of what the container itself has, the runtime passes on the removal of mounts.
    removed = {mount.destination for mount in adjust.mounts}
    return Given(
        nodes=_places(node.path for each in both for node in each.linux.devices),
        mounts=_places(
            (
                mount.destination
                for mount in container.mounts
                if _REMOVAL + mount.destination not in removed
            ),
            (mount.destination for mount in adjust.mounts),
        ),
        env=_places(
            (entry.partition("=")[0] for entry in container.env),
            (entry.key for entry in adjust.env),
        ),
        hooks=_places(path for each in both for path in _hooks(each.hooks)),
        net_devices=_places(name for each in both for name in each.linux.net_devices),
        rdt=any(_has_rdt(each.linux) for each in both),
        gids=frozenset(container.user.additional_gids),
        delegated=_places(name.name for each in both for name in each.CDI_devices),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The places that a resolution takes; ``more`` is whether it takes others too."""

    nodes: frozenset[str]
    mounts: frozenset[str]
    env: frozenset[str]
    hooks: frozenset[str]
    more: bool

    @classmethod
    def of(cls, resolution: Resolution) -> Needs:
        """What to look for, made once for many containers."""
        edits = [part.edits for part in resolution.parts]
        return cls(
            nodes=frozenset(node.path for each in edits for node in each.device_nodes),
            mounts=frozenset(
                mount.container_path for each in edits for mount in each.mounts
            ),
            env=frozenset(
                entry.partition("=")[0] for each in edits for entry in each.env
            ),
            hooks=frozenset(hook.path for each in edits for hook in each.hooks),
            more=any(
                each.net_devices or each.intel_rdt is not None or each.additional_gids
                for each in edits
            ),
        )

    def are_met(self, adjustment: api_pb2.ContainerAdjustment) -> bool:
        """Whether ``adjustment`` alone has all; if not, `lacking` tells the rest.

        It is the usual case, and told in a tenth of the time.
        """
        return (
            not self.more
            and self.nodes <= {node.path for node in adjustment.linux.devices}
            and self.mounts <= {mount.destination for mount in adjustment.mounts}
            and self.env <= {entry.key for entry in adjustment.env}
            and (not self.hooks or self.hooks <= set(_hooks(adjustment.hooks)))
        )


def lacking(resolution: Resolution, given: Given) -> tuple[str, ...]:
    """What is missing of what these devices bring, in words; every place counts."""
    found: list[str] = []
    # With a device the runtime gives what its spec has for all of them.
    delegated = {
        part.path for part in resolution.parts if part.device in given.delegated
    }
    for part in resolution.parts:
        by_runtime = given.delegated if part.device else delegated
        if (part.device or part.path) not in by_runtime:
            missing = list(_missing(part.edits, given))
            if missing:
                found.append(f"{part.origin}: {_named(missing)}")
    return tuple(found)


def lost(resolution: Resolution, given: Given) -> tuple[str, ...]:
    """The devices that a container of some age has not, as far as can be told.

    A device's nodes tell most: their paths stay when a driver is renewed. Where there
    are none, its mounts do, and then its variables. What has none of these counts as
    had.
    """
    return tuple(
        part.device
        for part in resolution.parts
        if part.device
        and part.device not in given.delegated
        and not _has_strongest(part.edits, given)
    )


def _has_strongest(edits: ContainerEdits, given: Given) -> bool:
    nodes = {node.path for node in edits.device_nodes}
    if nodes:
        return nodes <= given.nodes
    mounts = {mount.container_path for mount in edits.mounts}
    if mounts:
        return mounts <= given.mounts
    return {entry.partition("=")[0] for entry in edits.env} <= given.env


def _missing(edits: ContainerEdits, given: Given) -> Iterator[str]:
    for node in edits.device_nodes:
        if node.path not in given.nodes:
            yield f"device node {quoted(node.path)}"
    for mount in edits.mounts:
        if mount.container_path not in given.mounts:
            yield f"mount {quoted(mount.container_path)}"
    for entry in edits.env:
        key = entry.partition("=")[0]
        if key not in given.env:
            yield f"variable {quoted(key)}"
    for hook in edits.hooks:
        if hook.path not in given.hooks:
            yield f"hook {quoted(hook.path)}"
    for net_device in edits.net_devices:
        if net_device.host_interface_name not in given.net_devices:
            yield f"network device {quoted(net_device.host_interface_name)}"
    if edits.intel_rdt is not None and not given.rdt:
        yield "Intel RDT setting"
    for gid in edits.additional_gids:
        # CDI skips group 0. Source: CDI pkg/cdi/container-edits.go, Apply.
        if gid and gid not in given.gids:
            yield f"additional group {gid}"


def _named(missing: list[str]) -> str:
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    return f"no {', no '.join(missing[:_NAMED])}{more}"


def _places(*names: Iterable[str]) -> frozenset[str]:
    return frozenset(
        name for each in names for name in each if not name.startswith(_REMOVAL)
    )


def _has_rdt(
    linux: api_pb2.LinuxContainer | api_pb2.LinuxContainerAdjustment,
) -> bool:
    # The runtime's collected answer has the message, be it empty.
    return bool(linux.rdt.ListFields()) or linux.resources.HasField("rdt_class")


def _hooks(hooks: api_pb2.Hooks) -> Iterator[str]:
    for field in HOOK_FIELDS.values():
        for hook in getattr(hooks, field):
            yield hook.path
