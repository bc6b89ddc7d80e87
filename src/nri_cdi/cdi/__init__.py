"""The CDI library: names, specs, the devices and edits in them, and what they become.

What is listed here is public, and is loaded when it is first used: a program that only
parses names does without all the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nri_cdi.cdi.annotations import (
        annotation_key,
        annotation_value,
        parse_annotations,
        update_annotations,
    )
    from nri_cdi.cdi.apply import apply_edits, apply_resolution, inject_devices
    from nri_cdi.cdi.cache import DEFAULT_SPEC_DIRS, Cache
    from nri_cdi.cdi.change import Change
    from nri_cdi.cdi.edits import Resolution, SourcedEdits, merge
    from nri_cdi.cdi.following import Following
    from nri_cdi.cdi.formatting import format_spec
    from nri_cdi.cdi.lint import (
        Finding,
        Host,
        LintRule,
        Severity,
        lint_document,
        lint_registry,
        lint_request,
        lint_spec,
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
    from nri_cdi.cdi.names import QualifiedName, is_qualified_name, parse_qualified_name
    from nri_cdi.cdi.plain import to_plain
    from nri_cdi.cdi.reading import LoadedSpec, parse_spec, read_spec
    from nri_cdi.cdi.registry import RegisteredDevice, Registry, SpecFile
    from nri_cdi.cdi.rules import Rule
    from nri_cdi.cdi.specnames import (
        generate_name_for_spec,
        generate_name_for_transient_spec,
        generate_spec_name,
        generate_transient_spec_name,
    )
    from nri_cdi.cdi.validation import validate_spec
    from nri_cdi.cdi.version import VERSIONS, minimum_version
    from nri_cdi.cdi.writing import SpecFormat, remove_spec, spec_text, write_spec
    from nri_cdi.oci import EnvMode

_MODULES = {
    "nri_cdi.cdi.annotations": (
        "annotation_key",
        "annotation_value",
        "parse_annotations",
        "update_annotations",
    ),
    "nri_cdi.cdi.apply": ("apply_edits", "apply_resolution", "inject_devices"),
    "nri_cdi.cdi.cache": ("Cache", "DEFAULT_SPEC_DIRS"),
    "nri_cdi.cdi.change": ("Change",),
    "nri_cdi.cdi.edits": ("Resolution", "SourcedEdits", "merge"),
    "nri_cdi.cdi.following": ("Following",),
    "nri_cdi.cdi.formatting": ("format_spec",),
    "nri_cdi.cdi.lint": (
        "Finding",
        "Host",
        "LintRule",
        "Severity",
        "lint_document",
        "lint_registry",
        "lint_request",
        "lint_spec",
    ),
    "nri_cdi.cdi.model": (
        "ContainerEdits",
        "Device",
        "DeviceNode",
        "Hook",
        "IntelRdt",
        "LinuxNetDevice",
        "Mount",
        "Spec",
    ),
    "nri_cdi.cdi.names": (
        "QualifiedName",
        "is_qualified_name",
        "parse_qualified_name",
    ),
    "nri_cdi.cdi.plain": ("to_plain",),
    "nri_cdi.cdi.reading": ("LoadedSpec", "parse_spec", "read_spec"),
    "nri_cdi.cdi.registry": ("RegisteredDevice", "Registry", "SpecFile"),
    "nri_cdi.cdi.rules": ("Rule",),
    "nri_cdi.cdi.specnames": (
        "generate_name_for_spec",
        "generate_name_for_transient_spec",
        "generate_spec_name",
        "generate_transient_spec_name",
    ),
    "nri_cdi.cdi.validation": ("validate_spec",),
    "nri_cdi.cdi.version": ("VERSIONS", "minimum_version"),
    "nri_cdi.cdi.writing": ("SpecFormat", "remove_spec", "spec_text", "write_spec"),
    "nri_cdi.oci": ("EnvMode",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "DEFAULT_SPEC_DIRS",
    "VERSIONS",
    "Cache",
    "Change",
    "ContainerEdits",
    "Device",
    "DeviceNode",
    "EnvMode",
    "Finding",
    "Following",
    "Hook",
    "Host",
    "IntelRdt",
    "LintRule",
    "LinuxNetDevice",
    "LoadedSpec",
    "Mount",
    "QualifiedName",
    "RegisteredDevice",
    "Registry",
    "Resolution",
    "Rule",
    "Severity",
    "SourcedEdits",
    "Spec",
    "SpecFile",
    "SpecFormat",
    "annotation_key",
    "annotation_value",
    "apply_edits",
    "apply_resolution",
    "format_spec",
    "generate_name_for_spec",
    "generate_name_for_transient_spec",
    "generate_spec_name",
    "generate_transient_spec_name",
    "inject_devices",
    "is_qualified_name",
    "lint_document",
    "lint_registry",
    "lint_request",
    "lint_spec",
    "merge",
    "minimum_version",
    "parse_annotations",
    "parse_qualified_name",
    "parse_spec",
    "read_spec",
    "remove_spec",
    "spec_text",
    "to_plain",
    "update_annotations",
    "validate_spec",
    "write_spec",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
