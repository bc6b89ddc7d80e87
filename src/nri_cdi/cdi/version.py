"""Versions of the CDI spec: which there are, and which of them a spec needs.

A new version is one row in ``VERSIONS`` and one in ``REQUIREMENTS`` for each thing that
needs it.

Source: CDI specs-go/version.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any

from nri_cdi.cdi.model import Device, DeviceNode, IntelRdt, Mount, Spec
from nri_cdi.errors import InvalidNameError
from nri_cdi.quoting import quoted

VERSIONS = (
    "0.1.0",
    "0.2.0",
    "0.3.0",
    "0.4.0",
    "0.5.0",
    "0.6.0",
    "0.7.0",
    "0.8.0",
    "1.0.0",
    "1.1.0",
)
"""Every version, oldest first."""

CURRENT_VERSION = VERSIONS[-1]

LEGACY_RDT_VERSIONS = ("0.7.0", "0.8.0", "1.0.0")
"""The versions whose intelRdt had the fields enableCMT and enableMBM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """Something that a spec may have in it, and the version that brought it."""

    version: str
    feature: str
    in_spec: Callable[[Spec], bool]


def _in_edits(
    attribute: str, test: Callable[[Any], bool] = bool
) -> Callable[[Spec], bool]:
    """Whether the test holds for a set ``attribute`` of any edits of a spec."""
    of_spec = attrgetter(f"container_edits.{attribute}")

    def in_spec(spec: Spec) -> bool:
        # Devices have the attribute by the same path. No loop of Python's own: there
        # can be many devices, and nearly none of them has what is looked for.
        values = chain((of_spec(spec),), map(of_spec, spec.devices))
        return any(map(test, filter(None, values)))

    return in_spec


def _in_devices(test: Callable[[Device], Any]) -> Callable[[Spec], bool]:
    return lambda spec: any(map(test, spec.devices))


def _has_schemata(rdt: IntelRdt) -> bool:
    # An empty list counts, as in the reference.
    return rdt.schemata is not None


def _has_host_path(nodes: Iterable[DeviceNode]) -> bool:
    return any(node.host_path for node in nodes)


def _has_mount_type(mounts: Iterable[Mount]) -> bool:
    return any(mount.type for mount in mounts)


def _starts_with_digit(device: Device) -> bool:
    return device.name[:1] in _DIGITS


_DIGITS = frozenset("0123456789")

REQUIREMENTS = (
    Requirement(
        version="1.1.0",
        feature="schemata in intelRdt",
        in_spec=_in_edits("intel_rdt", _has_schemata),
    ),
    Requirement(
        version="1.1.0",
        feature="enableMonitoring in intelRdt",
        in_spec=_in_edits("intel_rdt", attrgetter("enable_monitoring")),
    ),
    Requirement(
        version="1.1.0",
        feature="netDevices",
        in_spec=_in_edits("net_devices"),
    ),
    Requirement(
        version="0.7.0",
        feature="intelRdt",
        in_spec=_in_edits("intel_rdt"),
    ),
    Requirement(
        version="0.7.0",
        feature="additionalGids",
        in_spec=_in_edits("additional_gids"),
    ),
    Requirement(
        version="0.6.0",
        feature="annotations",
        in_spec=lambda spec: bool(spec.annotations),
    ),
    Requirement(
        version="0.6.0",
        feature="annotations of a device",
        in_spec=_in_devices(attrgetter("annotations")),
    ),
    Requirement(
        version="0.6.0",
        feature="a dot in the class",
        in_spec=lambda spec: "." in spec.class_,
    ),
    Requirement(
        version="0.5.0",
        feature="a device name that starts with a digit",
        in_spec=_in_devices(_starts_with_digit),
    ),
    Requirement(
        version="0.5.0",
        feature="hostPath of a device node",
        in_spec=_in_edits("device_nodes", _has_host_path),
    ),
    Requirement(
        version="0.4.0",
        feature="type of a mount",
        in_spec=_in_edits("mounts", _has_mount_type),
    ),
    Requirement(version="0.3.0", feature="every spec", in_spec=lambda _: True),
)
"""Newest first: the first that a spec has in it decides."""

# There were older ones, but the last requirement is that of every spec.
_USABLE = VERSIONS[VERSIONS.index(REQUIREMENTS[-1].version) :]


def parse_version(text: str) -> str:
    """The version that ``text`` names; one ``v`` in front of it doesn't count.

    Raises:
        InvalidNameError: there is no such version.
    """
    version = text.removeprefix("v")
    if version not in VERSIONS:
        raise InvalidNameError(
            f"unknown version {quoted(text)}; expected one of {', '.join(_USABLE)}"
        )
    return version


def minimum_version(spec: Spec) -> str:
    """The oldest version that has everything that is in ``spec``."""
    return next(r.version for r in REQUIREMENTS if r.in_spec(spec))


def unmet_requirement(spec: Spec, version: str) -> Requirement | None:
    """What ``spec`` has in it that is too new for ``version``; the newest, or None."""
    declared = VERSIONS.index(version)
    newer = (r for r in REQUIREMENTS if VERSIONS.index(r.version) > declared)
    return next((r for r in newer if r.in_spec(spec)), None)
