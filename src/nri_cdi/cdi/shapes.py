"""The fields of a spec: what each is in the text, and what it becomes in ``model``.

Source: CDI specs-go/config.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from nri_cdi.cdi.building import Builder, Shape, shape_of
from nri_cdi.cdi.converters import (
    annotation_map,
    boolean,
    integer,
    integers,
    many,
    one,
    one_or_none,
    optional_integer,
    optional_texts,
    text,
    texts,
    word,
)
from nri_cdi.cdi.model import (
    ContainerEdits,
    Device,
    DeviceNode,
    Hook,
    IntelRdt,
    LinuxNetDevice,
    Mount,
    Spec,
)
from nri_cdi.errors import Problem

_LEGACY_RDT_FIELDS = {"enablecmt": "enableCMT", "enablembm": "enableMBM"}
"""Fields of intelRdt in LEGACY_RDT_VERSIONS. Source: CDI commit 3ebd90e."""

_DEVICE_NODE = shape_of(
    DeviceNode,
    {
        "path": ("path", str, text),
        "hostPath": ("host_path", str, text),
        "type": ("type", str, text),
        "major": ("major", int, integer),
        "minor": ("minor", int, integer),
        "fileMode": ("file_mode", int, optional_integer),
        "permissions": ("permissions", None, word),
        "uid": ("uid", int, optional_integer),
        "gid": ("gid", int, optional_integer),
    },
)

_NET_DEVICE = shape_of(
    LinuxNetDevice,
    {
        "hostInterfaceName": ("host_interface_name", str, text),
        "name": ("name", str, text),
    },
)

_HOOK = shape_of(
    Hook,
    {
        "hookName": ("hook_name", None, word),
        "path": ("path", None, word),
        "args": ("args", None, texts),
        "env": ("env", None, texts),
        "timeout": ("timeout", int, optional_integer),
    },
)

_MOUNT = shape_of(
    Mount,
    {
        "hostPath": ("host_path", str, text),
        "containerPath": ("container_path", str, text),
        "options": ("options", None, texts),
        "type": ("type", None, word),
    },
)

_INTEL_RDT = shape_of(
    IntelRdt,
    {
        "closID": ("clos_id", str, text),
        "l3CacheSchema": ("l3_cache_schema", str, text),
        "memBwSchema": ("mem_bw_schema", str, text),
        "schemata": ("schemata", None, optional_texts),
        "enableMonitoring": ("enable_monitoring", bool, boolean),
    },
    _LEGACY_RDT_FIELDS,
)

_CONTAINER_EDITS = shape_of(
    ContainerEdits,
    {
        "env": ("env", None, texts),
        "deviceNodes": ("device_nodes", None, many(_DEVICE_NODE)),
        "netDevices": ("net_devices", None, many(_NET_DEVICE)),
        "hooks": ("hooks", None, many(_HOOK)),
        "mounts": ("mounts", None, many(_MOUNT)),
        "intelRdt": ("intel_rdt", None, one_or_none(_INTEL_RDT)),
        "additionalGids": ("additional_gids", None, integers),
    },
)

_DEVICE = shape_of(
    Device,
    {
        "name": ("name", str, text),
        "annotations": ("annotations", None, annotation_map),
        "containerEdits": ("container_edits", None, one(_CONTAINER_EDITS)),
    },
)

_SPEC = shape_of(
    Spec,
    {
        "cdiVersion": ("cdi_version", str, text),
        "kind": ("kind", str, text),
        "annotations": ("annotations", None, annotation_map),
        "devices": ("devices", None, many(_DEVICE)),
        "containerEdits": ("container_edits", None, one(_CONTAINER_EDITS)),
    },
)

SHAPES: Mapping[type, Shape] = MappingProxyType(
    {
        shape.model: shape
        for shape in (
            _SPEC,
            _DEVICE,
            _CONTAINER_EDITS,
            _DEVICE_NODE,
            _NET_DEVICE,
            _HOOK,
            _MOUNT,
            _INTEL_RDT,
        )
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A spec, which is only good if ``problems`` is empty."""

    spec: Spec
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def build_spec(value: object) -> Built:
    """Make a spec of a document's value."""
    builder = Builder()
    spec: Spec = builder.make(_SPEC, value, None)
    builder.judge_removed(spec.cdi_version)
    return Built(
        spec=spec,
        problems=tuple(builder.problems),
        warnings=tuple(builder.warnings),
    )
