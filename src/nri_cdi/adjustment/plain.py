"""An adjustment as plain values, in the words of the OCI runtime specification.

Source: OCI runtime specification, config.md and config-linux.md; for ``rdtClass``,
which only a runtime that reads NRI knows, NRI pkg/api/api.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nri_cdi._pb.nri import api_pb2
from nri_cdi.adjustment.template import HOOK_FIELDS
from nri_cdi.nri.deviceaccess import (
    AUTOMATIC_ACCESS,
    DeviceNumber,
    access_letters,
    granted_access,
)


def to_plain(adjustment: api_pb2.ContainerAdjustment) -> dict[str, Any]:
    """What an adjustment brings; ``intelRdt`` and ``rdtClass`` only if it is there.

    ``deviceRules`` has the access to each device in the end. The adjustment itself has
    only what differs from the rule that a runtime adds for every device.
    """
    linux = adjustment.linux
    plain: dict[str, Any] = {
        "devices": [_device(device) for device in linux.devices],
        "deviceRules": list(_device_rules(linux)),
        "mounts": [_mount(mount) for mount in adjustment.mounts],
        "env": [f"{entry.key}={entry.value}" for entry in adjustment.env],
        "hooks": _hooks(adjustment.hooks),
        "netDevices": {
            host: {"name": linux.net_devices[host].name}
            for host in sorted(linux.net_devices)
        },
    }
    if linux.HasField("rdt"):
        plain["intelRdt"] = _intel_rdt(linux.rdt)
    if linux.resources.HasField("rdt_class"):
        plain["rdtClass"] = linux.resources.rdt_class.value
    return plain


def _device(device: api_pb2.LinuxDevice) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "path": device.path,
        "type": device.type,
        "major": device.major,
        "minor": device.minor,
    }
    if device.HasField("file_mode"):
        plain["fileMode"] = device.file_mode.value
    if device.HasField("uid"):
        plain["uid"] = device.uid.value
    if device.HasField("gid"):
        plain["gid"] = device.gid.value
    return plain


def _device_rules(linux: api_pb2.LinuxContainerAdjustment) -> Iterator[dict[str, Any]]:
    rules = [*map(_automatic_rule, linux.devices), *linux.resources.devices]
    for number in dict.fromkeys(map(_number, rules)):
        type_, major, minor = number
        access = granted_access(rules, number)
        yield {
            "allow": bool(access),
            "type": type_,
            "major": major,
            "minor": minor,
            # If nothing is left, what the runtime gave was taken away.
            "access": access_letters(access or AUTOMATIC_ACCESS[type_]),
        }


def _automatic_rule(device: api_pb2.LinuxDevice) -> api_pb2.LinuxDeviceCgroup:
    rule = api_pb2.LinuxDeviceCgroup(allow=True, type=device.type)
    rule.major.value, rule.minor.value = device.major, device.minor
    rule.access = access_letters(AUTOMATIC_ACCESS[device.type])
    return rule


def _number(rule: api_pb2.LinuxDeviceCgroup) -> DeviceNumber:
    return rule.type, rule.major.value, rule.minor.value


def _mount(mount: api_pb2.Mount) -> dict[str, Any]:
    return {
        "destination": mount.destination,
        **({"type": mount.type} if mount.type else {}),
        "source": mount.source,
        "options": list(mount.options),
    }


def _hooks(hooks: api_pb2.Hooks) -> dict[str, Any]:
    stages = {
        stage: [_hook(hook) for hook in getattr(hooks, field)]
        for stage, field in HOOK_FIELDS.items()
    }
    return {stage: found for stage, found in stages.items() if found}


def _hook(hook: api_pb2.Hook) -> dict[str, Any]:
    plain: dict[str, Any] = {"path": hook.path}
    if hook.args:
        plain["args"] = list(hook.args)
    if hook.env:
        plain["env"] = list(hook.env)
    if hook.HasField("timeout"):
        plain["timeout"] = hook.timeout.value
    return plain


def _intel_rdt(rdt: api_pb2.LinuxRdt) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    if rdt.HasField("clos_id"):
        plain["closID"] = rdt.clos_id.value
    if rdt.HasField("schemata"):
        plain["schemata"] = list(rdt.schemata.value)
    if rdt.HasField("enable_monitoring"):
        plain["enableMonitoring"] = rdt.enable_monitoring.value
    return plain
