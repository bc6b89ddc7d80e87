"""What a spec says of itself."""

from __future__ import annotations

import pytest

from nri_cdi.cdi.lint.kinds import (
    lint_annotations,
    lint_device_name,
    lint_kind,
    lint_version,
)
from nri_cdi.cdi.model import Device, Spec
from tests.unit.cdi.lint.said import said


def _spec(kind: str = "vendor.com/dev", version: str = "0.3.0") -> Spec:
    return Spec(cdi_version=version, kind=kind, devices=(Device(name="a"),))


@pytest.mark.parametrize("version", ["0.3.0", "v0.3.0"])
def test_the_version_that_is_needed_is_fine(version: str) -> None:
    assert lint_version(_spec(version=version)) == []


@pytest.mark.parametrize("version", ["0.1.0", "7.0.0", ""])
def test_what_is_invalid_is_for_others_to_say(version: str) -> None:
    assert lint_version(_spec(version=version)) == []


@pytest.mark.parametrize("version", ["1.1.0", "v1.1.0"])
def test_a_higher_version_than_is_needed(version: str) -> None:
    message = "1.1.0 is more than the spec needs: 0.3.0 is enough"
    assert said(lint_version(_spec(version=version))) == [
        ("version-too-high", "cdiVersion", message)
    ]


@pytest.mark.parametrize(
    "kind", ["vendor.com/dev", "v/Dev_1", "a-b.c1/d", f"{'a' * 63}.b/{'c' * 63}"]
)
def test_usual_kinds_are_fine(kind: str) -> None:
    assert lint_kind(_spec(kind)) == []


@pytest.mark.parametrize(
    "vendor", ["Vendor.COM", "a..b", "a_b.c", "a.b-.c", "a" * 64 + ".b"]
)
def test_a_vendor_that_is_no_dns_name(vendor: str) -> None:
    [found] = lint_kind(_spec(f"{vendor}/dev"))
    assert (found.rule, found.pointer) == ("vendor-not-dns", "kind")
    assert found.message.startswith("vendor '")
    assert found.message.endswith(
        "is not a DNS name in lower case, such as 'vendor.com'"
    )


def test_long_names() -> None:
    vendor, class_ = "a" + ".a" * 127, "c" * 64
    assert said(lint_kind(_spec(f"{vendor}/{class_}"))) == [
        (
            "name-too-long",
            "kind",
            "the vendor has 255 characters; at most 253 are sure",
        ),
        ("name-too-long", "kind", "the class has 64 characters; at most 63 are sure"),
    ]


@pytest.mark.parametrize("name", ["0", "gpu:0", "rw", "0:1:2", "0:rwmr", "a:rx"])
def test_usual_device_names_are_fine(name: str) -> None:
    assert lint_device_name(name) == []


def test_a_name_with_permissions() -> None:
    message = (
        "'0:rw' looks like a device '0' with the permissions 'rw'; CDI has no such "
        "thing: permissions are those of a device node"
    )
    assert said(lint_device_name("0:rw")) == [
        ("name-like-permissions", "name", message)
    ]


def test_annotations_of_pods() -> None:
    annotations = {"cdi.k8s.io/gpu": "a/b=c", "cdi.k8s.io": "x", "b.c/cdi.k8s.io": "x"}
    message = "'cdi.k8s.io/gpu' asks for devices on a pod, and does nothing in a spec"
    assert said(lint_annotations(annotations)) == [
        ("request-annotation", "annotations['cdi.k8s.io/gpu']", message)
    ]
