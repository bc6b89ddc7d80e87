"""What a registry holds, as rows of plain values; what ``nri-cdi list`` prints."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nri_cdi.cdi.registry import Registry, SpecFile
from nri_cdi.errors import DocumentError

# Names that a sentence about several devices has; a file may have thousands.
LISTED = 3

Row = dict[str, Any]


def devices(registry: Registry, _spec_dirs: Sequence[str]) -> list[Row]:
    """The devices that can be asked for; their annotations are the spec's and theirs.

    Source of the merge: BuildKit, solver/llbsolver/cdidevices/manager.go.
    """
    return [
        {
            "name": name,
            "vendor": found.spec.vendor,
            "class": found.spec.class_,
            "spec": found.path,
            "annotations": {**found.spec.annotations, **found.device.annotations},
        }
        for name, found in sorted(registry.devices.items())
    ]


def specs(registry: Registry, _spec_dirs: Sequence[str]) -> list[Row]:
    """The files that loaded, and which of their devices are not to be had from them."""
    return [
        {
            "path": file.path,
            "kind": file.spec.kind,
            "version": file.spec.cdi_version,
            "priority": file.priority,
            "devices": len(file.devices),
            "conflicts": _listed_with(file, registry.conflicts),
            "shadowed": _listed_with(file, registry.shadowed),
            "annotations": dict(file.spec.annotations),
            "warnings": [str(warning) for warning in file.warnings],
        }
        for file in registry.specs
    ]


def vendors(registry: Registry, _spec_dirs: Sequence[str]) -> list[Row]:
    """The vendors of all specs, be their devices shadowed."""
    return [
        {
            "name": vendor,
            "classes": sorted({file.spec.class_ for file in files}),
            "specs": len(files),
            "devices": _available(registry, files),
        }
        for vendor, files in _grouped(
            (file.spec.vendor, file) for file in registry.specs
        )
    ]


def classes(registry: Registry, _spec_dirs: Sequence[str]) -> list[Row]:
    """The classes of all specs, be their devices shadowed."""
    return [
        {
            "name": class_,
            "vendors": sorted({file.spec.vendor for file in files}),
            "specs": len(files),
            "devices": _available(registry, files),
        }
        for class_, files in _grouped(
            (file.spec.class_, file) for file in registry.specs
        )
    ]


def directories(registry: Registry, spec_dirs: Sequence[str]) -> list[Row]:
    """The spec directories; ``broken`` counts files that did not load.

    One that is listed twice has its files where it is listed last.
    """
    return [
        _directory(registry, os.path.normpath(path), priority)
        for priority, path in enumerate(spec_dirs)
    ]


def errors(registry: Registry) -> list[Row]:
    """What can't be used, and why: files, directories, and devices in conflict."""
    found = [
        *((error.path, _first(error)) for error in registry.errors.values()),
        *(
            (path, f"the directory can't be listed: {reason}")
            for path, reason in registry.dir_errors.items()
        ),
        *(
            (path, f"{sentence}; keep only one of each")
            for paths, sentence in conflicts(registry)
            for path in paths
        ),
    ]
    return [{"path": path, "message": message} for path, message in sorted(found)]


def conflicts(registry: Registry) -> list[tuple[tuple[str, ...], str]]:
    """Files that define the same devices, and a sentence that says which and where."""
    grouped = _grouped((paths, name) for name, paths in registry.conflicts.items())
    return [
        (
            paths,
            f"nobody gets {_named(names)}: defined more than once, in {_named(paths)}",
        )
        for paths, names in grouped
    ]


def _named(names: Sequence[str]) -> str:
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")


def _first(error: DocumentError) -> str:
    """The first problem with its place, and how many more there are."""
    text = error.lines()[0].removeprefix(f"{error.path}:").lstrip()
    more = len(error.problems) - 1
    return f"{text} (and {more} more)" if more else text


def _listed_with(file: SpecFile, table: Any) -> list[str]:
    return [name for name in file.devices if file.path in table.get(name, ())]


def _available(registry: Registry, files: Iterable[SpecFile]) -> int:
    # Not all of a file's devices are to be had, and not all from this file.
    names = {name for file in files for name in file.devices}
    return len(names & registry.devices.keys())


def _directory(registry: Registry, path: str, priority: int) -> Row:
    error = registry.dir_errors.get(path)
    own = [file for file in registry.specs if file.priority == priority]
    return {
        "path": path,
        "priority": priority,
        "exists": error is not None or os.access(path, os.F_OK),
        "specs": len(own),
        "broken": sum(str(Path(file).parent) == path for file in registry.errors),
        "devices": sum(
            registry.devices[name].path == file.path
            for file in own
            for name in file.devices
            if name in registry.devices
        ),
        "error": error,
    }


def _grouped(pairs: Iterable[tuple[Any, Any]]) -> list[tuple[Any, list[Any]]]:
    groups: dict[Any, list[Any]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return sorted(groups.items())
