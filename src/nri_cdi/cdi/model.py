"""The CDI spec as frozen values: every field of spec version 1.1.0.

A value is only as valid as its maker: ``reading`` makes valid ones from text. Lists are
tuples. A field that the text left out has its zero value, as in the reference
implementation, except where zero means something else: then it is None.

Source: CDI SPEC.md; specs-go/config.go (names and types of the fields).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

NO_ANNOTATIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceNode:
    """A device node to make in the container.

    ``path`` is where it appears in the container and ``host_path`` where it is on the
    host (empty: the same). ``type`` is ``b``, ``c``, ``u``, ``p`` or empty, which takes
    it from the host. ``major`` and ``minor`` 0 stand for unset, ``file_mode`` has the
    permission bits alone, and ``permissions`` is a subset of ``rwm``, ``none``, or
    empty for ``rwm``.
    """

    path: str
    host_path: str = ""
    type: str = ""
    major: int = 0
    minor: int = 0
    file_mode: int | None = None
    permissions: str = ""
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxNetDevice:
    """A host network interface to move into the container, and its name there."""

    host_interface_name: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A mount; ``options`` and ``type`` as mount(8) and the OCI spec have them."""

    host_path: str
    container_path: str
    options: tuple[str, ...] = ()
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """An OCI hook; ``hook_name`` is its stage, ``timeout`` is in seconds."""

    hook_name: str
    path: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeout: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntelRdt:
    """Intel RDT settings; ``schemata`` None is unset, and ``()`` an empty list."""

    clos_id: str = ""
    l3_cache_schema: str = ""
    mem_bw_schema: str = ""
    schemata: tuple[str, ...] | None = None
    enable_monitoring: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerEdits:
    """What a device changes in a container."""

    env: tuple[str, ...] = ()
    device_nodes: tuple[DeviceNode, ...] = ()
    net_devices: tuple[LinuxNetDevice, ...] = ()
    hooks: tuple[Hook, ...] = ()
    mounts: tuple[Mount, ...] = ()
    intel_rdt: IntelRdt | None = None
    additional_gids: tuple[int, ...] = ()

    def __len__(self) -> int:
        """How many edits there are."""
        return (
            len(self.env)
            + len(self.device_nodes)
            + len(self.net_devices)
            + len(self.hooks)
            + len(self.mounts)
            + len(self.additional_gids)
            + (self.intel_rdt is not None)
        )

    def __bool__(self) -> bool:
        """Whether there is any edit, be it one that changes nothing."""
        return bool(
            self.env
            or self.device_nodes
            or self.net_devices
            or self.hooks
            or self.mounts
            or self.intel_rdt is not None
            or self.additional_gids
        )


NO_EDITS = ContainerEdits()


def _reduce(annotated: Any) -> tuple[Any, ...]:
    """What copies and pickles a value with annotations, whose view can't be."""
    values = {
        member.name: getattr(annotated, member.name) for member in fields(annotated)
    }
    values["annotations"] = dict(values["annotations"])
    return _restored, (type(annotated), values)


def _restored(model: type, values: dict[str, Any]) -> Any:
    annotations = MappingProxyType(values["annotations"])
    return model(**{**values, "annotations": annotations})


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device: its name within the spec's kind, and its edits."""

    name: str
    annotations: Mapping[str, str] = field(default_factory=lambda: NO_ANNOTATIONS)
    container_edits: ContainerEdits = NO_EDITS

    __reduce__ = _reduce


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One CDI spec file's content; ``kind`` is ``vendor/class``.

    ``container_edits`` apply once to a container that gets any of the ``devices``.
    """

    cdi_version: str
    kind: str
    annotations: Mapping[str, str] = field(default_factory=lambda: NO_ANNOTATIONS)
    devices: tuple[Device, ...] = ()
    container_edits: ContainerEdits = NO_EDITS

    __reduce__ = _reduce

    @property
    def vendor(self) -> str:
        """The part of the kind before the slash."""
        return self.kind.partition("/")[0]

    @property
    def class_(self) -> str:
        """The part of the kind after the slash."""
        return self.kind.partition("/")[2]

    def qualified_name(self, device: Device) -> str:
        """The name that a request has for ``device``: ``vendor/class=name``."""
        return f"{self.kind}={device.name}"
