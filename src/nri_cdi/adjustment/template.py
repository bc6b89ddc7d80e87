"""The part of an adjustment that all containers with the same devices share.

Source: CDI pkg/cdi/container-edits.go, oci.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from nri_cdi._pb.nri import api_pb2
from nri_cdi.adjustment.places import (
    EditConflictError,
    Place,
    Target,
    place,
    placed,
)
from nri_cdi.cdi.edits import Resolution
from nri_cdi.cdi.idmapping import id_mapping
from nri_cdi.cdi.model import IntelRdt, LinuxNetDevice, Mount
from nri_cdi.quoting import quoted

HOOK_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "prestart": "prestart",
        "createRuntime": "create_runtime",
        "createContainer": "create_container",
        "startContainer": "start_container",
        "poststart": "poststart",
        "poststop": "poststop",
    }
)

# Source: OCI runtime specification, config.md, "Linux mount options".
_PROPAGATION = frozenset(
    f"{recursive}{kind}"
    for kind in ("private", "shared", "slave", "unbindable")
    for recursive in ("", "r")
)
# The runtime checks a mount without propagation as it did the mount before it, and may
# refuse it for that. Source: NRI pkg/runtime-tools/generate, AdjustMounts.
_DEFAULT_PROPAGATION = "rprivate"


def shared_adjustment(
    resolution: Resolution, target: Target
) -> api_pb2.ContainerAdjustment:
    """All edits but mounts and device nodes.

    Raises: UnsupportedEditError, EditConflictError.
    """
    adjustment = api_pb2.ContainerAdjustment()
    _add_env(adjustment, resolution, target)
    _add_hooks(adjustment, resolution, target)
    _add_net_devices(adjustment.linux, resolution, target)
    _add_intel_rdt(adjustment.linux, resolution, target)
    _refuse_gids(resolution, target)
    return adjustment


def mounts(resolution: Resolution, target: Target) -> tuple[Mount, ...]:
    """The mounts, one a destination: the last one, at its own position.

    Raises: UnsupportedEditError.
    """
    by_destination: dict[str, Mount] = {}
    for where, mount in placed(
        resolution, target, "mounts", lambda edits: edits.mounts
    ):
        where.require("mounts", "add mounts")
        where.refuse_removal(mount.container_path)
        by_destination.pop(mount.container_path, None)
        by_destination[mount.container_path] = mount
    return tuple(by_destination.values())


def add_mounts(
    adjustment: api_pb2.ContainerAdjustment,
    added: Iterable[Mount],
    *,
    user_namespace: bool,
) -> None:
    """Add mounts for a container with or without a user namespace."""
    for mount in added:
        options = list(mount.options)
        if _PROPAGATION.isdisjoint(options):
            options.append(_DEFAULT_PROPAGATION)
        if user_namespace:
            options += id_mapping(mount)
        adjustment.mounts.add(
            destination=mount.container_path,
            source=mount.host_path,
            type=mount.type,
            options=options,
        )


def _add_env(
    adjustment: api_pb2.ContainerAdjustment, resolution: Resolution, target: Target
) -> None:
    values: dict[str, str] = {}
    for where, entry in placed(resolution, target, "env", lambda edits: edits.env):
        key, _, value = entry.partition("=")
        where.refuse_removal(key)
        values[key] = value
    for key, value in values.items():
        adjustment.env.add(key=key, value=value)


def _add_hooks(
    adjustment: api_pb2.ContainerAdjustment, resolution: Resolution, target: Target
) -> None:
    for where, hook in placed(resolution, target, "hooks", lambda edits: edits.hooks):
        where.require("hooks", "add hooks")
        stage = getattr(adjustment.hooks, HOOK_FIELDS[hook.hook_name])
        added = stage.add(path=hook.path, args=hook.args, env=hook.env)
        if hook.timeout is not None:
            added.timeout.value = hook.timeout


def _add_net_devices(
    linux: api_pb2.LinuxContainerAdjustment, resolution: Resolution, target: Target
) -> None:
    by_host: dict[str, tuple[Place, LinuxNetDevice]] = {}
    by_name: dict[str, tuple[Place, LinuxNetDevice]] = {}
    for where, net_device in placed(
        resolution, target, "netDevices", lambda edits: edits.net_devices
    ):
        where.require("net_devices", "move network devices")
        host, name = net_device.host_interface_name, net_device.name
        where.refuse_removal(host)
        this = (where, net_device)
        _refuse_conflict(*this, *by_host.setdefault(host, this))
        _refuse_conflict(*this, *by_name.setdefault(name, this))
        linux.net_devices[host].name = name


def _refuse_conflict(
    where: Place, net_device: LinuxNetDevice, there: Place, earlier: LinuxNetDevice
) -> None:
    if net_device != earlier:
        error = EditConflictError(
            f"{where}: {_move(net_device)}, but {there}: {_move(earlier)}; "
            "a container can have one of the two"
        )
        where.target.refuse(error)


def _move(net_device: LinuxNetDevice) -> str:
    host, name = net_device.host_interface_name, net_device.name
    return f"interface {quoted(host)} becomes {quoted(name)}"


def _add_intel_rdt(
    linux: api_pb2.LinuxContainerAdjustment, resolution: Resolution, target: Target
) -> None:
    for part in reversed(resolution.parts):
        if part.edits.intel_rdt is not None:
            where = place(part, "intelRdt", target)
            _set_intel_rdt(linux, part.edits.intel_rdt, where)
            return


def _set_intel_rdt(
    linux: api_pb2.LinuxContainerAdjustment, edit: IntelRdt, where: Place
) -> None:
    schemata = _schemata(edit)
    lone_class = edit.clos_id and not schemata and not edit.enable_monitoring
    if lone_class and not where.target.capabilities.rdt:
        where.require("rdt_class", "set an Intel RDT class")
        linux.resources.rdt_class.value = edit.clos_id
        return
    where.require("rdt", "set more of Intel RDT than a closID")
    if not (edit.clos_id or schemata or edit.enable_monitoring):
        # To the runtime a message without settings is none at all.
        where.refuse(
            "give a container a group of its own in Intel RDT through NRI",
            "give it a closID",
        )
        return
    if edit.clos_id:
        linux.rdt.clos_id.value = edit.clos_id
    if schemata:
        linux.rdt.schemata.value.extend(schemata)
    if edit.enable_monitoring:
        linux.rdt.enable_monitoring.value = True


def _schemata(edit: IntelRdt) -> list[str]:
    """The lines of the schemata file: NRI has no fields for the older two."""
    older = f"{edit.l3_cache_schema}\n{edit.mem_bw_schema}".split("\n")
    return [*filter(None, older), *(edit.schemata or ())]


def _refuse_gids(resolution: Resolution, target: Target) -> None:
    for where, gid in placed(
        resolution, target, "additionalGids", lambda edits: edits.additional_gids
    ):
        # CDI skips group 0. Source: CDI pkg/cdi/container-edits.go, Apply.
        if gid:
            where.refuse(
                f"add group {gid} to a process through NRI",
                "let the gid or fileMode of the device node give the access",
            )
