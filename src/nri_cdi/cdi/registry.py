"""The devices that can be asked for: an immutable picture of all spec files.

A device of a later spec directory hides that of an earlier one. Two files of one
directory that define the same device are in conflict, and nobody gets that device.

Source: CDI pkg/cdi/cache.go, refresh and InjectDevices. It differs in one thing: a
conflict takes nothing away from a directory of higher priority, as doc.go promises and
the reference, which never forgets a conflict, does not keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType

from nri_cdi.cdi.edits import Resolution, SourcedEdits
from nri_cdi.cdi.model import Device, Spec
from nri_cdi.cdi.unresolved import explain_unresolved
from nri_cdi.errors import Problem, ResolveError, SpecError

NO_DIR_ERRORS: Mapping[str, str] = MappingProxyType({})

# A text is iterable, too: its letters would be taken for names.
_SINGLE = (str, bytes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegisteredDevice:
    """A device, the spec that it is part of, and the file that this is from."""

    device: Device
    spec: Spec
    path: str
    priority: int

    @property
    def name(self) -> str:
        """The qualified name."""
        return self.spec.qualified_name(self.device)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpecFile:
    """A spec file that loaded; ``devices`` are by qualified name."""

    path: str
    priority: int
    spec: Spec
    warnings: tuple[Problem, ...]
    devices: Mapping[str, RegisteredDevice]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BrokenFile:
    """A spec file that did not load.

    It ``may_pass`` if the system was at fault, and not what is in the file.
    """

    path: str
    priority: int
    error: SpecError
    may_pass: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Registry:
    """All that the spec files say at one moment; safe to share between threads.

    ``devices`` has those that can be resolved, by qualified name. ``specs`` has the
    files that loaded, by priority, then by path. ``errors`` and ``warnings`` are by
    path, ``dir_errors`` by directory. ``conflicts`` has the files of each device that
    is nobody's, as more than one of them defines it. ``shadowed`` has the files that
    define a device in vain, as a directory of higher priority defines it too.
    ``generation`` rises with every change.
    """

    generation: int
    devices: Mapping[str, RegisteredDevice]
    specs: tuple[SpecFile, ...]
    errors: Mapping[str, SpecError]
    warnings: Mapping[str, tuple[Problem, ...]]
    conflicts: Mapping[str, tuple[str, ...]]
    shadowed: Mapping[str, tuple[str, ...]]
    dir_errors: Mapping[str, str]

    @property
    def vendors(self) -> tuple[str, ...]:
        """The vendors of all specs that loaded, sorted."""
        return tuple(sorted({file.spec.vendor for file in self.specs}))

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of devices of all specs that loaded, sorted."""
        return tuple(sorted({file.spec.class_ for file in self.specs}))

    def resolve(
        self, names: Iterable[str], *, present: Iterable[str] = ()
    ) -> Resolution:
        """The edits for these devices, in the order of the first mention of each.

        The edits of a spec come once, before those of the first of its devices, and not
        at all if one of its devices is ``present``, so that the container has them.

        Raises:
            ResolveError: names every device that can't be resolved, and the reason.
            TypeError: ``names`` or ``present`` is a single name.
        """
        if isinstance(names, _SINGLE) or isinstance(present, _SINGLE):
            alone = names if isinstance(names, _SINGLE) else present
            raise TypeError(f"expected a list of device names, not {alone!r} alone")
        wanted = tuple(dict.fromkeys(names))
        devices = self.devices
        try:
            found = [devices[name] for name in wanted]
        except KeyError:
            missing = [name for name in wanted if name not in devices]
            raise ResolveError(explain_unresolved(missing, self), missing) from None
        seen = {devices[name].path for name in present if name in devices}
        return Resolution(devices=wanted, parts=tuple(_parts(wanted, found, seen)))


def register(
    path: str, priority: int, spec: Spec, warnings: tuple[Problem, ...] = ()
) -> SpecFile:
    """Make the table of a spec's devices, once for as long as the file stays."""
    prefix = f"{spec.kind}="
    return SpecFile(
        path=path,
        priority=priority,
        spec=spec,
        warnings=warnings,
        # A plain dict, as everywhere below: merging has a fast path for those alone.
        devices={
            prefix + device.name: RegisteredDevice(
                device=device, spec=spec, path=path, priority=priority
            )
            for device in spec.devices
        },
    )


def build_registry(
    files: Iterable[SpecFile | BrokenFile],
    *,
    dir_errors: Mapping[str, str] = NO_DIR_ERRORS,
    generation: int = 0,
) -> Registry:
    """Merge files into a registry; the order that they are given in does not matter."""
    ordered = sorted(files, key=attrgetter("priority", "path"))
    specs = tuple(file for file in ordered if isinstance(file, SpecFile))
    broken = [file for file in ordered if isinstance(file, BrokenFile)]
    stack = _Stack()
    for _, directory in groupby(specs, key=attrgetter("priority")):
        stack.put_on_top(_layer(directory))
    return Registry(
        generation=generation,
        devices=MappingProxyType(stack.top.devices),
        specs=specs,
        errors=MappingProxyType({file.path: file.error for file in broken}),
        warnings=MappingProxyType(
            {file.path: file.warnings for file in specs if file.warnings}
        ),
        conflicts=MappingProxyType(stack.top.conflicts),
        shadowed=MappingProxyType(stack.shadowed),
        dir_errors=MappingProxyType(dict(dir_errors)),
    )


@dataclass(slots=True)
class _Layer:
    """Devices of one directory, or of several; each name is in one of the two."""

    devices: dict[str, RegisteredDevice] = field(default_factory=dict)
    conflicts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def paths(self, name: str) -> tuple[str, ...]:
        device = self.devices.get(name)
        return self.conflicts[name] if device is None else (device.path,)


@dataclass(slots=True)
class _Stack:
    """Layers laid upon each other, as seen from the top."""

    top: _Layer = field(default_factory=_Layer)
    shadowed: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def put_on_top(self, layer: _Layer) -> None:
        for name in sorted(_common(self.top, layer)):
            self.shadowed[name] = self.shadowed.get(name, ()) + self.top.paths(name)
            self.top.devices.pop(name, None)
            self.top.conflicts.pop(name, None)
        self.top.devices.update(layer.devices)
        self.top.conflicts.update(layer.conflicts)


def _common(below: _Layer, above: _Layer) -> set[str]:
    # Only as much work as there are names in the smaller one of each pair, and in C.
    return (
        (below.devices.keys() & above.devices.keys())
        | (below.devices.keys() & above.conflicts.keys())
        | (below.conflicts.keys() & above.devices.keys())
        | (below.conflicts.keys() & above.conflicts.keys())
    )


def _layer(files: Iterable[SpecFile]) -> _Layer:
    layer = _Layer()
    for file in files:
        for name in sorted(layer.devices.keys() & file.devices.keys()):
            seen = layer.conflicts.get(name) or (layer.devices[name].path,)
            layer.conflicts[name] = (*seen, file.path)
        layer.devices.update(file.devices)
    for name in layer.conflicts:
        del layer.devices[name]
    return layer


def _parts(
    names: tuple[str, ...], found: list[RegisteredDevice], seen: set[str]
) -> Iterator[SourcedEdits]:
    for name, registered in zip(names, found, strict=True):
        spec, path = registered.spec, registered.path
        if path not in seen:
            seen.add(path)
            if spec.container_edits:
                yield SourcedEdits(
                    edits=spec.container_edits, kind=spec.kind, device="", path=path
                )
        yield SourcedEdits(
            edits=registered.device.container_edits,
            kind=spec.kind,
            device=name,
            path=path,
        )
