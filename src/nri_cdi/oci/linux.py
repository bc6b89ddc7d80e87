"""The Linux part of an OCI spec: devices and access to them, network, Intel RDT.

Source: OCI runtime-spec, config-linux.md; the order and the choice of what is replaced:
CDI internal/ociedit/spec_editor.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nri_cdi.oci.draft import Draft
from nri_cdi.oci.entries import Entries

_USER_NAMESPACE = "user"


def has_user_namespace(draft: Draft) -> bool:
    """Whether the container is to run in a user namespace.

    Raises: OciSpecError.
    """
    keys = ("linux", "namespaces")
    namespaces = draft.look(list, *keys) or []
    draft.check_items(dict, namespaces, *keys)
    return any(
        draft.member(str, each, "type", f"linux.namespaces[{index}]") == _USER_NAMESPACE
        for index, each in enumerate(namespaces)
    )


def add_devices(draft: Draft, devices: Sequence[dict[str, Any]]) -> None:
    """Add device nodes: one with a ``path`` that is there already takes its place.

    As in the reference such a node goes to the end, unless there are two already.

    Raises: OciSpecError.
    """
    if not devices:
        return
    paths = {device["path"] for device in devices}
    entries = Entries(draft, "path", paths, "linux", "devices")
    for device in devices:
        entries.remove_first(device["path"])
        entries.put(device["path"], device)
    entries.save()


def allow_devices(draft: Draft, rules: Iterable[dict[str, Any]]) -> None:
    """Add rules of the devices cgroup; those that are there stay, as they come first.

    Raises: OciSpecError.
    """
    added = list(rules)
    if added:
        draft.own_list("linux", "resources", "devices").extend(added)


def add_net_devices(draft: Draft, names: Mapping[str, str]) -> None:
    """Move network interfaces into the container: host name to name in there.

    Raises: OciSpecError.
    """
    if names:
        net_devices = draft.own_object("linux", "netDevices")
        net_devices.update({host: {"name": name} for host, name in names.items()})


def set_intel_rdt(draft: Draft, settings: dict[str, Any]) -> None:
    """Replace all Intel RDT settings.

    Raises: OciSpecError.
    """
    draft.look(dict, "linux", "intelRdt")  # not to write over what is no such thing
    draft.own_object("linux")["intelRdt"] = settings
