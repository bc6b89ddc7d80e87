"""What makes a spec valid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nri_cdi.cdi.model import (
    ContainerEdits,
    Device,
    DeviceNode,
    IntelRdt,
    LinuxNetDevice,
    Spec,
)
from nri_cdi.cdi.problems import MAX_PROBLEMS
from nri_cdi.cdi.validation import validate_spec
from nri_cdi.errors import Problem

EDITS = ContainerEdits(env=("A=b",))
DEVICE = Device(name="dev", container_edits=EDITS)
SPEC = Spec(cdi_version="1.1.0", kind="vendor.com/device", devices=(DEVICE,))


def _with_device(**changes: Any) -> Spec:
    return replace(SPEC, devices=(DEVICE, replace(DEVICE, name="other", **changes)))


@pytest.mark.parametrize(
    "spec",
    [
        SPEC,
        replace(SPEC, cdi_version="v0.3.0"),
        replace(SPEC, kind="a/b"),
        replace(SPEC, annotations={"example.com/key": "value"}),
        replace(SPEC, container_edits=EDITS),
        _with_device(annotations={"key": "value"}),
        _with_device(container_edits=ContainerEdits(intel_rdt=IntelRdt())),
        _with_device(container_edits=ContainerEdits(additional_gids=(0,))),
    ],
)
def test_valid_specs_have_no_problems(spec: Spec) -> None:
    assert validate_spec(spec) == []


_KNOWN = "0.3.0, 0.4.0, 0.5.0, 0.6.0, 0.7.0, 0.8.0, 1.0.0, 1.1.0"
INVALID = [
    (
        replace(SPEC, cdi_version=""),
        "unknown-version",
        "cdiVersion",
        "no version is given; the spec needs 0.3.0 at least",
    ),
    (
        replace(SPEC, cdi_version="1.2.0"),
        "unknown-version",
        "cdiVersion",
        f"unknown version '1.2.0'; expected one of {_KNOWN}",
    ),
    (
        replace(SPEC, cdi_version="0.1.0"),
        "version-too-low",
        "cdiVersion",
        "the version must be at least 0.3.0 for every spec, not 0.1.0",
    ),
    (
        replace(SPEC, cdi_version="v0.2.0"),
        "version-too-low",
        "cdiVersion",
        "the version must be at least 0.3.0 for every spec, not 0.2.0",
    ),
    (
        replace(
            SPEC,
            cdi_version="0.4.0",
            container_edits=ContainerEdits(
                device_nodes=(DeviceNode(path="/a", host_path="/a"),)
            ),
        ),
        "version-too-low",
        "cdiVersion",
        "the version must be at least 0.5.0 for hostPath of a device node, not 0.4.0",
    ),
    (
        replace(
            SPEC,
            cdi_version="1.0.0",
            container_edits=ContainerEdits(
                net_devices=(LinuxNetDevice(host_interface_name="a", name="b"),)
            ),
        ),
        "version-too-low",
        "cdiVersion",
        "the version must be at least 1.1.0 for netDevices, not 1.0.0",
    ),
    (
        replace(SPEC, kind=""),
        "invalid-kind",
        "kind",
        "no kind is given; expected vendor/class",
    ),
    (
        replace(SPEC, kind="gpu"),
        "invalid-kind",
        "kind",
        "'gpu' is not a kind (vendor/class): it has no '/' between vendor and class",
    ),
    (
        replace(SPEC, kind="v.com-/gpu"),
        "invalid-kind",
        "kind",
        "'v.com-/gpu' is not a kind (vendor/class): "
        "vendor 'v.com-' must end with a letter or digit, not '-'",
    ),
    (
        replace(SPEC, kind="v/gpu="),
        "invalid-kind",
        "kind",
        "'v/gpu=' is not a kind (vendor/class): "
        "class 'gpu=' has '=' in it; "
        "only letters, digits, '_', '.' and '-' are allowed",
    ),
    (
        replace(SPEC, annotations={"/k": ""}),
        "invalid-annotation-key",
        "annotations['/k']",
        "annotation key '/k': the prefix before '/' is empty",
    ),
    (
        replace(SPEC, container_edits=ContainerEdits(env=("A",))),
        "invalid-env",
        "containerEdits.env[0]",
        "environment variable 'A' is not NAME=value",
    ),
    (
        replace(SPEC, devices=()),
        "no-devices",
        "devices",
        "no devices; a spec needs at least one",
    ),
    (
        replace(SPEC, devices=(replace(DEVICE, name=""),)),
        "invalid-device-name",
        "devices[0].name",
        "the device name is empty",
    ),
    (
        replace(SPEC, devices=(replace(DEVICE, name="a dev"),)),
        "invalid-device-name",
        "devices[0].name",
        "device name 'a dev' has ' ' in it; "
        "only letters, digits, '_', '.', ':' and '-' are allowed",
    ),
    (
        replace(SPEC, devices=(DEVICE, replace(DEVICE, name="x"), DEVICE)),
        "duplicate-device",
        "devices[2].name",
        "devices[0] has the name 'dev' already",
    ),
    (
        _with_device(container_edits=ContainerEdits()),
        "empty-edits",
        "devices[1].containerEdits",
        "no edits; a device needs at least one of its own",
    ),
    (
        _with_device(
            container_edits=ContainerEdits(device_nodes=(DeviceNode(path=""),))
        ),
        "empty-path",
        "devices[1].containerEdits.deviceNodes[0].path",
        "path is missing or empty",
    ),
    (
        _with_device(annotations={"a": "x" * 300_000}),
        "annotations-too-large",
        "devices[1].annotations",
        "the annotations have 300001 bytes; at most 262144 are allowed",
    ),
]


@pytest.mark.parametrize(("spec", "rule", "pointer", "message"), INVALID)
def test_invalid_specs_have_a_problem_each(
    spec: Spec, rule: str, pointer: str, message: str
) -> None:
    assert validate_spec(spec) == [Problem(rule=rule, message=message, pointer=pointer)]


def test_all_problems_of_a_spec_are_found() -> None:
    spec = Spec(cdi_version="9", kind="x", devices=(Device(name=""), Device(name="")))
    assert [(problem.pointer, problem.rule) for problem in validate_spec(spec)] == [
        ("cdiVersion", "unknown-version"),
        ("kind", "invalid-kind"),
        ("devices[0].name", "invalid-device-name"),
        ("devices[0].containerEdits", "empty-edits"),
        ("devices[1].name", "invalid-device-name"),
        ("devices[1].containerEdits", "empty-edits"),
    ]


def test_values_of_another_type_are_the_only_problems() -> None:
    spec = replace(SPEC, kind="x", cdi_version=1.1)  # type: ignore[arg-type]
    assert [(problem.pointer, problem.rule) for problem in validate_spec(spec)] == [
        ("cdiVersion", "wrong-type")
    ]


def test_the_report_has_an_end() -> None:
    spec = replace(SPEC, devices=(DEVICE,) * (3 * MAX_PROBLEMS))
    assert len(validate_spec(spec)) == MAX_PROBLEMS
