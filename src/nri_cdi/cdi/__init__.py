"""The CDI library: names, specs, and the devices and edits that are in them."""

from __future__ import annotations

from nri_cdi.cdi.edits import Resolution, SourcedEdits, merge
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
from nri_cdi.cdi.names import QualifiedName, is_qualified_name, parse_qualified_name
from nri_cdi.cdi.reading import LoadedSpec, parse_spec, read_spec
from nri_cdi.cdi.validation import validate_spec
from nri_cdi.cdi.version import minimum_version

__all__ = [
    "ContainerEdits",
    "Device",
    "DeviceNode",
    "Hook",
    "IntelRdt",
    "LinuxNetDevice",
    "LoadedSpec",
    "Mount",
    "QualifiedName",
    "Resolution",
    "SourcedEdits",
    "Spec",
    "is_qualified_name",
    "merge",
    "minimum_version",
    "parse_qualified_name",
    "parse_spec",
    "read_spec",
    "validate_spec",
]
