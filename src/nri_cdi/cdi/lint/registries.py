"""Files that stand in each other's way, and files that nobody reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from posixpath import join
from typing import TypeVar

from nri_cdi.cdi.lint.findings import Finding, finding
from nri_cdi.cdi.lint.rules import LintRule
from nri_cdi.cdi.registry import Registry, SpecFile
from nri_cdi.cdi.scan import is_spec_name
from nri_cdi.quoting import printable, some

_Value = TypeVar("_Value", bound=Hashable)

_LIKE_SPEC = (".json", ".yaml", ".yml")

# How the message of a rule ends, about one device and about several.
_ENDS = {
    LintRule.CONFLICTING_DEVICE: ("so nobody gets it", "so nobody gets them"),
    LintRule.SHADOWED_DEVICE: ("which has priority", "which has priority"),
}

MOST_SETS = 10
"""Sets of other files that the findings about one file and of one rule name. Devices
that still others define have one finding together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """Devices that several files define, and the others that count, if any do."""

    rule: LintRule
    names: Sequence[str]
    paths: tuple[str, ...]


def lint_registry(registry: Registry) -> Mapping[str, list[Finding]]:
    """The devices that several files define, by the path of each of the files.

    Devices that are in the same other files have one finding, at the first of them.
    """
    shared: dict[str, list[_Shared]] = {}
    for paths, each in _all_shared(registry):
        for path in paths:
            shared.setdefault(path, []).append(each)
    return {
        file.path: list(_findings(file, shared[file.path]))
        for file in registry.specs
        if file.path in shared
    }


def unread_entries(
    directory: str, locate: Callable[[str], str] = str
) -> Mapping[str, Finding]:
    """The entries of a spec directory that look like specs, and are not read.

    A directory that can't be listed has none. ``locate`` says where a path is for us,
    or raises OSError.
    """
    paths = [join(directory, name) for name in _names(directory, locate)]
    findings = ((path, _unread(path, locate)) for path in paths)
    return {path: found for path, found in findings if found is not None}


def lint_file_name(path: str) -> list[Finding]:
    """Whether a file would be read, if it lay in a spec directory."""
    name = Path(path).name
    if is_spec_name(name) or not name.lower().endswith(_LIKE_SPEC):
        return []
    right = ".json" if name.lower().endswith(".json") else ".yaml"
    message = f"no runtime reads a spec with such a name; let it end with {right!r}"
    return [finding(LintRule.UNREAD_FILE, "", message)]


def _all_shared(registry: Registry) -> Iterator[tuple[tuple[str, ...], _Shared]]:
    """What is shared, and the files that have a finding for it."""
    rule = LintRule.CONFLICTING_DEVICE
    for paths, names in _by_value(registry.conflicts).items():
        yield paths, _Shared(rule=rule, names=names, paths=paths)
    above = {
        name: (paths, registry.conflicts.get(name) or (registry.devices[name].path,))
        for name, paths in registry.shadowed.items()
    }
    rule = LintRule.SHADOWED_DEVICE
    for (below, paths), names in _by_value(above).items():
        yield below, _Shared(rule=rule, names=names, paths=paths)


def _by_value(table: Mapping[str, _Value]) -> Mapping[_Value, list[str]]:
    names: dict[_Value, list[str]] = {}
    for name, value in table.items():
        names.setdefault(value, []).append(name)
    return names


def _findings(file: SpecFile, shared: Sequence[_Shared]) -> Iterator[Finding]:
    places = {name: index for index, name in enumerate(file.devices)}
    for rule, (of_one, of_many) in _ENDS.items():
        own = [
            (sorted(each.names, key=places.__getitem__), each.paths)
            for each in shared
            if each.rule is rule
        ]
        own.sort(key=lambda item: places[item[0][0]])
        for names, others in _told(own, file.path):
            verb, end = ("is", of_one) if len(names) == 1 else ("are", of_many)
            message = f"{some(names)} {verb} defined in {others} too, {end}"
            yield finding(rule, f"devices[{places[names[0]]}].name", message)


def _told(
    shared: Sequence[tuple[list[str], tuple[str, ...]]], path: str
) -> Iterator[tuple[list[str], str]]:
    """The names of devices, and the words for the files that have them too."""
    for names, paths in shared[:MOST_SETS]:
        yield names, some([printable(other) for other in paths if other != path])
    rest = [name for names, _ in shared[MOST_SETS:] for name in names]
    if rest:
        yield rest, "other files"


def _unread(path: str, locate: Callable[[str], str]) -> Finding | None:
    try:
        is_directory = Path(locate(path)).is_dir()
    except OSError:  # of a link that leads nowhere
        is_directory = False
    if not is_directory:
        return next(iter(lint_file_name(path)), None)
    if not any(map(is_spec_name, _names(path, locate))):
        return None
    message = "directories in a spec directory are not read; move the specs out of it"
    return finding(LintRule.UNREAD_FILE, "", message)


def _names(directory: str, locate: Callable[[str], str]) -> list[str]:
    """What is in a directory, in order; nothing if it can't be listed."""
    try:
        with os.scandir(locate(directory)) as entries:
            return sorted(entry.name for entry in entries)
    except OSError:
        return []
