"""An adjustment for a container that another instance of the plugin has adjusted.

During a rolling update two instances serve one runtime, and both give a container its
devices. For the runtime two plugins that set the same thing are in conflict, and the
container fails. But a plugin may take over what another has set: it removes it and sets
it again, in one answer.

Only what is there in exactly this form is taken over. What another plugin has set
otherwise stays a conflict, as it should.

Source: NRI pkg/adaptation/result.go, pkg/api/adjustment.go (a leading "-" removes).
"""

from __future__ import annotations

from nri_cdi._pb.nri import api_pb2
from nri_cdi.adjustment.template import HOOK_FIELDS

_REMOVAL = "-"


def reclaimed(
    adjustment: api_pb2.ContainerAdjustment, container: api_pb2.Container
) -> api_pb2.ContainerAdjustment:
    """The adjustment with all removals that ``container``, as it is now, calls for."""
    made = api_pb2.ContainerAdjustment()
    made.CopyFrom(adjustment)
    _drop_annotations(made, container)
    _reclaim_env(made, container)
    _reclaim_mounts(made, container)
    _reclaim_devices(made.linux, container.linux)
    _drop_hooks(made, container)
    _drop_settings(made.linux, container.linux)
    return made


def _drop_annotations(
    made: api_pb2.ContainerAdjustment, container: api_pb2.Container
) -> None:
    """Leave marks as they are: a removal and the same key again come in any order."""
    for key in list(made.annotations):
        if key in container.annotations:
            del made.annotations[key]


def _reclaim_env(
    made: api_pb2.ContainerAdjustment, container: api_pb2.Container
) -> None:
    there = frozenset(container.env)
    for entry in list(made.env):
        if f"{entry.key}={entry.value}" in there:
            made.env.add(key=_REMOVAL + entry.key)


def _reclaim_mounts(
    made: api_pb2.ContainerAdjustment, container: api_pb2.Container
) -> None:
    there = {mount.destination: mount for mount in container.mounts}
    for mount in list(made.mounts):
        if there.get(mount.destination) == mount:
            made.mounts.add(destination=_REMOVAL + mount.destination)


def _reclaim_devices(
    made: api_pb2.LinuxContainerAdjustment, linux: api_pb2.LinuxContainer
) -> None:
    there = {device.path: device for device in linux.devices}
    for device in list(made.devices):
        if there.get(device.path) == device:
            made.devices.add(path=_REMOVAL + device.path)


def _drop_hooks(
    made: api_pb2.ContainerAdjustment, container: api_pb2.Container
) -> None:
    """Hooks have no owner and no removal: the same one again would run twice."""
    for field in HOOK_FIELDS.values():
        there = list(getattr(container.hooks, field))
        hooks = getattr(made.hooks, field)
        missing = [hook for hook in hooks if hook not in there]
        del hooks[:]
        hooks.extend(missing)


def _drop_settings(
    made: api_pb2.LinuxContainerAdjustment, linux: api_pb2.LinuxContainer
) -> None:
    """Leave out what is set to the same already, where removals have no order."""
    for host in list(made.net_devices):
        there = linux.net_devices
        if host in there and there[host] == made.net_devices[host]:
            del made.net_devices[host]
    if made.rdt.ListFields():
        # The runtime tells no plugin what another has set of this.
        made.rdt.remove = True
    rdt_class = made.resources.rdt_class
    if made.resources.HasField("rdt_class") and linux.resources.rdt_class == rdt_class:
        made.resources.ClearField("rdt_class")
