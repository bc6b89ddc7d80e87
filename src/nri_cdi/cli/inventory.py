"""What a registry holds, as rows of plain values; what ``nri-cdi list`` prints."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nri_cdi.cdi.registry import Registry, SpecFile
from nri_cdi.cdi.rules import Rule
from nri_cdi.cli.checking import plain_problem
from nri_cdi.errors import DocumentError, Problem
from nri_cdi.quoting import printable, some

# As lint has it; to import that takes a while.
CONFLICTING_DEVICE = "conflicting-device"

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


def specs(registry: Registry, spec_dirs: Sequence[str]) -> list[Row]:
    """All spec files; of those that loaded, which devices are to be had from them.

    ``devices`` counts these, and ``defined`` all that are in the file.
    """
    priorities = {
        os.path.normpath(path): priority for priority, path in enumerate(spec_dirs)
    }
    rows = [
        *(_spec(registry, file) for file in registry.specs),
        *(_broken(path, priorities[_folder(path)]) for path in registry.errors),
    ]
    return sorted(rows, key=lambda row: (row["priority"], row["path"]))


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
    """What can't be used, and why: files, directories, and devices in conflict.

    ``message`` is for people, and has the first of the ``problems``.
    """
    rows = [
        *map(_of_file, registry.errors.values()),
        *(
            _of_one(
                path, Rule.UNREADABLE_FILE, f"the directory can't be listed: {reason}"
            )
            for path, reason in registry.dir_errors.items()
        ),
        *(
            _of_one(path, CONFLICTING_DEVICE, f"{sentence}; keep only one of each")
            for paths, sentence in conflicts(registry)
            for path in paths
        ),
    ]
    return sorted(rows, key=lambda row: (row["path"], row["message"]))


def conflicts(registry: Registry) -> list[tuple[tuple[str, ...], str]]:
    """Files that define the same devices, and a sentence that says which and where."""
    grouped = _grouped((paths, name) for name, paths in registry.conflicts.items())
    return [(paths, _conflict(paths, names)) for paths, names in grouped]


def _conflict(paths: Sequence[str], names: Sequence[str]) -> str:
    places = some([printable(path) for path in paths])
    return f"nobody gets {some(names)}: defined more than once, in {places}"


def _spec(registry: Registry, file: SpecFile) -> Row:
    return {
        "path": file.path,
        "ok": True,
        "kind": file.spec.kind,
        "version": file.spec.cdi_version,
        "priority": file.priority,
        "devices": _available_from(registry, file),
        "defined": len(file.devices),
        "conflicts": _listed_with(file, registry.conflicts),
        "shadowed": _listed_with(file, registry.shadowed),
        "annotations": dict(file.spec.annotations),
        "warnings": [str(warning) for warning in file.warnings],
    }


def _broken(path: str, priority: int) -> Row:
    # Nothing in it is sure.
    return {
        "path": path,
        "ok": False,
        "kind": None,
        "version": None,
        "priority": priority,
        "devices": 0,
        "defined": None,
        "conflicts": [],
        "shadowed": [],
        "annotations": {},
        "warnings": [],
    }


def _of_file(error: DocumentError) -> Row:
    problems = [plain_problem(problem) for problem in error.problems]
    return {"path": error.path, "message": _first(error), "problems": problems}


def _of_one(path: str, rule: str, message: str) -> Row:
    problem = plain_problem(Problem(rule=rule, message=message))
    return {"path": path, "message": message, "problems": [problem]}


def _first(error: DocumentError) -> str:
    """The first problem with its place, and how many more there are."""
    text = error.lines()[0].removeprefix(f"{printable(error.path)}:").lstrip()
    more = len(error.problems) - 1
    return f"{text} (and {more} more)" if more else text


def _listed_with(file: SpecFile, table: Any) -> list[str]:
    return [name for name in file.devices if file.path in table.get(name, ())]


def _available(registry: Registry, files: Iterable[SpecFile]) -> int:
    # Not all of a file's devices are to be had, and not all from this file.
    names = {name for file in files for name in file.devices}
    return len(names & registry.devices.keys())


def _available_from(registry: Registry, file: SpecFile) -> int:
    return sum(
        registry.devices[name].path == file.path
        for name in file.devices
        if name in registry.devices
    )


def _folder(path: str) -> str:
    return str(Path(path).parent)


def _directory(registry: Registry, path: str, priority: int) -> Row:
    error = registry.dir_errors.get(path)
    own = [file for file in registry.specs if file.priority == priority]
    return {
        "path": path,
        "priority": priority,
        "exists": error is not None or os.access(path, os.F_OK),
        "specs": len(own),
        "broken": sum(_folder(file) == path for file in registry.errors),
        "devices": sum(_available_from(registry, file) for file in own),
        "error": error,
    }


def _grouped(pairs: Iterable[tuple[Any, Any]]) -> list[tuple[Any, list[Any]]]:
    groups: dict[Any, list[Any]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return sorted(groups.items())
