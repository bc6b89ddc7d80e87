"""What makes a spec valid, beyond its shape: one check for each rule.

All problems are found, each with its place. A check names places from what it looks at
on, and its caller puts its own in front: so the places in a valid spec cost nothing.

Source: CDI spec.go and device.go (the validate functions). Stricter than they are in
one point: annotations are checked, which the reference only means to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from nri_cdi.cdi.editrules import validate_edits
from nri_cdi.cdi.metadata import validate_annotations
from nri_cdi.cdi.model import Device, Spec
from nri_cdi.cdi.names import parse_kind, validate_device_name
from nri_cdi.cdi.problems import MAX_PROBLEMS, each, problem, under
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.version import (
    minimum_version,
    parse_version,
    unmet_requirement,
)
from nri_cdi.errors import InvalidNameError, Problem
from nri_cdi.quoting import quoted


def validate_spec(spec: Spec) -> list[Problem]:
    """Every problem of a spec, whoever made it; an empty list if it is valid.

    If values have other types than ``model`` gives them, these are the only problems.
    """
    from nri_cdi.cdi.modeltypes import wrong_types  # those who only read do without

    return wrong_types(spec) or validate_content(spec)


def validate_content(spec: Spec) -> list[Problem]:
    """Every problem of a spec whose values have the types that ``model`` gives them."""
    return [
        *_version(spec),
        *_kind(spec.kind),
        *under("annotations", validate_annotations(spec.annotations)),
        *under("containerEdits", validate_edits(spec.container_edits)),
        *_devices(spec.devices),
    ]


def _version(spec: Spec) -> list[Problem]:
    if not spec.cdi_version:
        message = (
            f"no version is given; the spec needs {minimum_version(spec)} at least"
        )
        return [problem(Rule.UNKNOWN_VERSION, "cdiVersion", message)]
    try:
        declared = parse_version(spec.cdi_version)
    except InvalidNameError as error:
        return [problem(Rule.UNKNOWN_VERSION, "cdiVersion", str(error))]
    unmet = unmet_requirement(spec, declared)
    if unmet is None:
        return []
    message = (
        f"the version must be at least {unmet.version} for {unmet.feature}, "
        f"not {declared}"
    )
    return [problem(Rule.VERSION_TOO_LOW, "cdiVersion", message)]


def _kind(kind: str) -> list[Problem]:
    if not kind:
        message = "no kind is given; expected vendor/class"
        return [problem(Rule.INVALID_KIND, "kind", message)]
    try:
        parse_kind(kind)
    except InvalidNameError as error:
        return [problem(Rule.INVALID_KIND, "kind", str(error))]
    return []


def _devices(devices: Sequence[Device]) -> list[Problem]:
    if not devices:
        message = "no devices; a spec needs at least one"
        return [problem(Rule.NO_DEVICES, "devices", message)]
    found = each("devices", devices, _device)
    if len({device.name for device in devices}) < len(devices):
        found += _duplicate_devices(devices)
    return found


def _device(device: Device) -> list[Problem]:
    found: list[Problem] = []
    try:
        validate_device_name(device.name)
    except InvalidNameError as error:
        found.append(problem(Rule.INVALID_DEVICE_NAME, "name", str(error)))
    if device.annotations:
        found += under("annotations", validate_annotations(device.annotations))
    edits = device.container_edits
    if not edits:
        message = "no edits; a device needs at least one of its own"
        found.append(problem(Rule.EMPTY_EDITS, "containerEdits", message))
    problems = validate_edits(edits)
    if problems:
        found += under("containerEdits", problems)
    return found


def _duplicate_devices(devices: Sequence[Device]) -> list[Problem]:
    first: dict[str, int] = {}
    found = (
        problem(
            Rule.DUPLICATE_DEVICE,
            f"devices[{index}].name",
            f"devices[{first[device.name]}] has the name {quoted(device.name)} already",
        )
        for index, device in enumerate(devices)
        if device.name and first.setdefault(device.name, index) != index
    )
    return list(islice(found, MAX_PROBLEMS))
