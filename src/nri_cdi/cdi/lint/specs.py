"""All that is doubtful about one spec."""

from __future__ import annotations

from nri_cdi.cdi.lint.findings import Finding, each, finding
from nri_cdi.cdi.lint.hooks import lint_hook
from nri_cdi.cdi.lint.host import Host
from nri_cdi.cdi.lint.interfaces import lint_net_device
from nri_cdi.cdi.lint.kinds import (
    lint_annotations,
    lint_device_name,
    lint_kind,
    lint_version,
)
from nri_cdi.cdi.lint.mounts import lint_mount
from nri_cdi.cdi.lint.nodes import lint_node
from nri_cdi.cdi.lint.onhost import lint_on_host
from nri_cdi.cdi.lint.overlaps import Overlaps
from nri_cdi.cdi.lint.rules import LintRule
from nri_cdi.cdi.lint.variables import lint_variable
from nri_cdi.cdi.model import ContainerEdits, Device, IntelRdt, Spec
from nri_cdi.cdi.pointers import join
from nri_cdi.cdi.problems import under

_EDITS = "containerEdits"


def lint_spec(spec: Spec, *, host: Host | None = None) -> list[Finding]:
    """What is doubtful about a valid spec, and on ``host`` if there is one.

    Places are those in the spec; lines and columns are for `lint_document` to add.
    """
    overlaps = Overlaps()
    return [
        *lint_version(spec),
        *lint_kind(spec),
        *lint_annotations(spec.annotations),
        *under(_EDITS, lint_edits(spec.container_edits, host)),
        *under(_EDITS, overlaps.add(spec.container_edits, _at_spec)),
        *each("devices", spec.devices, lambda device: _device(device, overlaps, host)),
    ]


def _device(device: Device, of_spec: Overlaps, host: Host | None) -> list[Finding]:
    edits = device.container_edits
    overlaps = Overlaps(base=of_spec)
    # A place of the same device: which one that is goes without saying.
    met = overlaps.add(edits, lambda pointer: f"{pointer} of this device")
    return [
        *lint_device_name(device.name),
        *lint_annotations(device.annotations),
        *under(_EDITS, [*lint_edits(edits, host), *met]),
    ]


def _at_spec(pointer: str) -> str:
    return join(_EDITS, pointer)


def lint_edits(edits: ContainerEdits, host: Host | None) -> list[Finding]:
    """What is doubtful about each edit for itself; places start at the block."""
    return [
        *each("env", edits.env, lint_variable),
        *each("deviceNodes", edits.device_nodes, lint_node),
        *each("netDevices", edits.net_devices, lint_net_device),
        *each("hooks", edits.hooks, lint_hook),
        *each("mounts", edits.mounts, lint_mount),
        *_rdt(edits.intel_rdt),
        *each("additionalGids", edits.additional_gids, _gid),
        *(lint_on_host(edits, host) if host is not None else ()),
    ]


def _rdt(rdt: IntelRdt | None) -> list[Finding]:
    if rdt != IntelRdt():
        return []
    message = "it has nothing in it, and takes away the settings of the container"
    return [finding(LintRule.EMPTY_RDT, "intelRdt", message)]


def _gid(gid: int) -> list[Finding]:
    if gid != 0:
        return []
    # Source: CDI container-edits.go, Apply.
    return [finding(LintRule.GROUP_ZERO, "", "group 0 is skipped; no runtime adds it")]
