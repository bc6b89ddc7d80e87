"""Versions of the CDI spec."""

from __future__ import annotations

import pytest

from nri_cdi.cdi.model import (
    ContainerEdits,
    Device,
    DeviceNode,
    IntelRdt,
    LinuxNetDevice,
    Mount,
    Spec,
)
from nri_cdi.cdi.version import (
    CURRENT_VERSION,
    REQUIREMENTS,
    VERSIONS,
    minimum_version,
    parse_version,
    unmet_requirement,
)
from nri_cdi.errors import InvalidNameError

EDITS = [
    (ContainerEdits(), "0.3.0", "every spec"),
    (ContainerEdits(env=("A=b",)), "0.3.0", "every spec"),
    (
        ContainerEdits(mounts=(Mount(host_path="/a", container_path="/a"),)),
        "0.3.0",
        "every spec",
    ),
    (
        ContainerEdits(mounts=(Mount(host_path="/a", container_path="/a", type="x"),)),
        "0.4.0",
        "type of a mount",
    ),
    (
        ContainerEdits(device_nodes=(DeviceNode(path="/a", host_path="/a"),)),
        "0.5.0",
        "hostPath of a device node",
    ),
    (ContainerEdits(additional_gids=(0,)), "0.7.0", "additionalGids"),
    (ContainerEdits(intel_rdt=IntelRdt()), "0.7.0", "intelRdt"),
    (
        ContainerEdits(
            net_devices=(LinuxNetDevice(host_interface_name="a", name="b"),)
        ),
        "1.1.0",
        "netDevices",
    ),
    (
        ContainerEdits(intel_rdt=IntelRdt(enable_monitoring=True)),
        "1.1.0",
        "enableMonitoring in intelRdt",
    ),
    (
        ContainerEdits(intel_rdt=IntelRdt(schemata=())),
        "1.1.0",
        "schemata in intelRdt",
    ),
]
SPECS = [
    (Spec(cdi_version="", kind="a/b", annotations={"a": "b"}), "0.6.0", "annotations"),
    (
        Spec(
            cdi_version="",
            kind="a/b",
            devices=(Device(name="x", annotations={"a": "b"}),),
        ),
        "0.6.0",
        "annotations of a device",
    ),
    (Spec(cdi_version="", kind="a/b.c"), "0.6.0", "a dot in the class"),
    (Spec(cdi_version="", kind="a.b/c"), "0.3.0", "every spec"),
    (
        Spec(cdi_version="", kind="a/b", devices=(Device(name="0"),)),
        "0.5.0",
        "a device name that starts with a digit",
    ),
    (
        Spec(cdi_version="", kind="a/b", devices=(Device(name="x"),)),
        "0.3.0",
        "every spec",
    ),
    *(
        (Spec(cdi_version="", kind="a/b", container_edits=edits), version, feature)
        for edits, version, feature in EDITS
    ),
    *(
        (
            Spec(
                cdi_version="",
                kind="a/b",
                devices=(Device(name="x"), Device(name="y", container_edits=edits)),
            ),
            version,
            feature,
        )
        for edits, version, feature in EDITS
    ),
]


@pytest.mark.parametrize(("spec", "version", "feature"), SPECS)
def test_a_spec_needs_what_its_newest_feature_needs(
    spec: Spec, version: str, feature: str
) -> None:
    assert minimum_version(spec) == version
    at = VERSIONS.index(version)
    unmet = unmet_requirement(spec, VERSIONS[at - 1])
    assert unmet is not None
    assert (unmet.version, unmet.feature) == (version, feature)
    assert unmet_requirement(spec, version) is None
    assert unmet_requirement(spec, CURRENT_VERSION) is None


def test_requirements_are_newest_first_and_of_versions_that_are_there() -> None:
    at = [VERSIONS.index(requirement.version) for requirement in REQUIREMENTS]
    assert at == sorted(at, reverse=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_parses_with_or_without_a_v(version: str) -> None:
    assert parse_version(version) == version
    assert parse_version(f"v{version}") == version


@pytest.mark.parametrize(
    "text", ["", "v", "vv1.1.0", "1.1", "1.0.1", "0.9.0", "1.2.0", "V1.1.0", "1.1.0 "]
)
def test_other_versions_are_unknown(text: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        parse_version(text)
    assert str(caught.value) == (
        f"unknown version {text!r}; expected one of 0.3.0, 0.4.0, "
        "0.5.0, 0.6.0, 0.7.0, 0.8.0, 1.0.0, 1.1.0"
    )
