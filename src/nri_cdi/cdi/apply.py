"""Edits applied to an OCI spec: what a container gets that is run without a plugin.

The OCI spec given is never changed, nor are the edits. The result shares with it what
the edits leave alone, so neither should be changed in place later. All edits apply, or
none.

Source: CDI pkg/cdi/container-edits.go, Apply; pkg/cdi/oci.go. The order is the
reference's: all variables first, then all device nodes, and so on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from nri_cdi import oci
from nri_cdi.cdi.devnodes import DeviceNodeError, ResolvedNode, resolve_node
from nri_cdi.cdi.editrules import HOOK_NAMES, NO_PERMISSIONS
from nri_cdi.cdi.edits import Resolution
from nri_cdi.cdi.idmapping import id_mapping
from nri_cdi.cdi.model import ContainerEdits, Hook, IntelRdt, Mount
from nri_cdi.cdi.registry import Registry
from nri_cdi.errors import RequestError
from nri_cdi.oci import EnvMode
from nri_cdi.oci.problems import UNNAMED
from nri_cdi.quoting import quoted

Lstat = Callable[[str], os.stat_result]

_Edit = TypeVar("_Edit")

ALL_ACCESS = "rwm"

# The types of node that the devices cgroup knows.
_CONTROLLED_TYPES = ("b", "c")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Edits and the words for where they come from, which may be none."""

    edits: ContainerEdits
    origin: str = ""

    def refused(self, pointer: str, reason: object) -> RequestError:
        """The error for the edit at ``pointer``."""
        places = (self.origin, pointer, str(reason))
        return RequestError(": ".join(filter(None, places)))


def inject_devices(
    registry: Registry,
    oci_spec: Mapping[str, Any],
    names: Iterable[str],
    *,
    env: EnvMode = EnvMode.REPLACE,
    lstat: Lstat = os.lstat,
    path: str = UNNAMED,
) -> dict[str, Any]:
    """``oci_spec`` with the edits for these devices, each of which counts once.

    Raises:
        ResolveError: names every device that can't be resolved, and the reason.
        RequestError, OciSpecError: as `apply_resolution` does.
    """
    resolution = registry.resolve(names)
    return apply_resolution(oci_spec, resolution, env=env, lstat=lstat, path=path)


def apply_resolution(
    oci_spec: Mapping[str, Any],
    resolution: Resolution,
    *,
    env: EnvMode = EnvMode.REPLACE,
    lstat: Lstat = os.lstat,
    path: str = UNNAMED,
) -> dict[str, Any]:
    """``oci_spec`` with the edits of a request, as `apply_edits` does it.

    Raises:
        RequestError: an edit can't be made here; the text says where the edit is from.
        OciSpecError: what an edit is to change is not what it should be.
    """
    parts = [
        _Part(edits=part.edits, origin=part.origin)
        for part in resolution.parts
        if part.edits
    ]
    return _apply(oci.Draft(oci_spec, path), parts, env, lstat)


def apply_edits(
    oci_spec: Mapping[str, Any],
    edits: ContainerEdits,
    *,
    env: EnvMode = EnvMode.REPLACE,
    lstat: Lstat = os.lstat,
    path: str = UNNAMED,
) -> dict[str, Any]:
    """``oci_spec`` with ``edits``; ``path`` is what messages call it.

    ``lstat`` asks the host about device nodes that leave something open.

    Raises:
        RequestError: an edit can't be made, as the host lacks a device node.
        OciSpecError: what an edit is to change is not what it should be.
    """
    return _apply(oci.Draft(oci_spec, path), [_Part(edits=edits)], env, lstat)


def _apply(
    draft: oci.Draft, parts: Sequence[_Part], env: EnvMode, lstat: Lstat
) -> dict[str, Any]:
    oci.set_env(draft, [each for part in parts for each in part.edits.env], env)
    _apply_device_nodes(draft, parts, lstat)
    oci.add_net_devices(
        draft,
        {
            each.host_interface_name: each.name
            for part in parts
            for each in part.edits.net_devices
        },
    )
    _apply_mounts(draft, parts)
    oci.add_hooks(draft, _hooks(parts))
    for part in parts:
        if part.edits.intel_rdt is not None:
            oci.set_intel_rdt(draft, _intel_rdt(part.edits.intel_rdt))
    oci.add_gids(draft, [each for part in parts for each in part.edits.additional_gids])
    return draft.spec


def _apply_device_nodes(draft: oci.Draft, parts: Sequence[_Part], lstat: Lstat) -> None:
    nodes = list(_resolved_nodes(parts, lstat))
    if nodes:
        owner = oci.user_ids(draft)
        oci.add_devices(draft, [_device(node, owner) for node in nodes])
        oci.allow_devices(
            draft, [_rule(node) for node in nodes if node.type in _CONTROLLED_TYPES]
        )


def _resolved_nodes(parts: Iterable[_Part], lstat: Lstat) -> Iterator[ResolvedNode]:
    for part in parts:
        for index, node in enumerate(part.edits.device_nodes):
            try:
                yield resolve_node(node, lstat)
            except DeviceNodeError as error:
                raise part.refused(f"deviceNodes[{index}]", error) from error


def _device(node: ResolvedNode, owner: tuple[int, int]) -> dict[str, Any]:
    device: dict[str, Any] = {
        "path": node.path,
        "type": node.type,
        "major": node.major,
        "minor": node.minor,
    }
    # A node is its user's, unless that is root, who needs no node of their own.
    optional = {
        "fileMode": node.file_mode,
        "uid": owner[0] or None if node.uid is None else node.uid,
        "gid": owner[1] or None if node.gid is None else node.gid,
    }
    device.update((key, value) for key, value in optional.items() if value is not None)
    return device


def _rule(node: ResolvedNode) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "allow": True,
        "type": node.type,
        "major": node.major,
        "minor": node.minor,
    }
    # No access is no key, as Go leaves empty texts out.
    if node.permissions != NO_PERMISSIONS:
        rule["access"] = node.permissions or ALL_ACCESS
    return rule


def _apply_mounts(draft: oci.Draft, parts: Sequence[_Part]) -> None:
    mounts = [each for part in parts for each in part.edits.mounts]
    if mounts:
        mapped = oci.has_user_namespace(draft)
        oci.add_mounts(draft, [_mount(each, mapped=mapped) for each in mounts])


def _mount(mount: Mount, *, mapped: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"destination": mount.container_path}
    if mount.type:
        made["type"] = mount.type
    made["source"] = mount.host_path
    options = [*mount.options, *(id_mapping(mount) if mapped else ())]
    if options:
        made["options"] = options
    return made


def _hooks(parts: Iterable[_Part]) -> Iterator[tuple[str, dict[str, Any]]]:
    for part in parts:
        for index, hook in enumerate(part.edits.hooks):
            if hook.hook_name not in HOOK_NAMES:
                reason = f"{quoted(hook.hook_name)} is not a stage that hooks run at"
                raise part.refused(f"hooks[{index}].hookName", reason)
            yield hook.hook_name, _hook(hook)


def _hook(hook: Hook) -> dict[str, Any]:
    made: dict[str, Any] = {"path": hook.path}
    if hook.args:
        made["args"] = list(hook.args)
    if hook.env:
        made["env"] = list(hook.env)
    if hook.timeout is not None:
        made["timeout"] = hook.timeout
    return made


def _intel_rdt(settings: IntelRdt) -> dict[str, Any]:
    """All that is set, as ``intelRdt`` of an OCI spec has it; it may be nothing."""
    made = {
        "closID": settings.clos_id,
        "schemata": list(settings.schemata or ()),
        "l3CacheSchema": settings.l3_cache_schema,
        "memBwSchema": settings.mem_bw_schema,
        "enableMonitoring": settings.enable_monitoring,
    }
    return {key: value for key, value in made.items() if value}
