"""Files that stand in each other's way, and files that nobody reads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

from nri_cdi.cdi.lint.findings import Finding, finding
from nri_cdi.cdi.lint.rules import LintRule
from nri_cdi.cdi.registry import Registry
from nri_cdi.cdi.scan import is_spec_name

_LIKE_SPEC = (".json", ".yaml", ".yml")
_LISTED = 3

_Meeting = tuple[LintRule, str]


def lint_registry(registry: Registry) -> Mapping[str, list[Finding]]:
    """The devices that several files define, by the path of each of the files."""
    shared = registry.conflicts.keys() | registry.shadowed.keys()
    found: dict[str, list[Finding]] = {}
    for file in registry.specs:
        for index, name in enumerate(file.devices):
            for rule, message in _meetings(name, file.path, registry, shared):
                place = f"devices[{index}].name"
                found.setdefault(file.path, []).append(finding(rule, place, message))
    return found


def unread_entries(directory: str) -> Mapping[str, Finding]:
    """The entries of a spec directory that look like specs, and are not read.

    A directory that can't be listed has none.
    """
    try:
        with os.scandir(directory) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return {}
    findings = ((entry.path, _unread(entry)) for entry in ordered)
    return {path: found for path, found in findings if found is not None}


def lint_file_name(path: str) -> list[Finding]:
    """Whether a file would be read, if it lay in a spec directory."""
    name = Path(path).name
    if is_spec_name(name) or not name.lower().endswith(_LIKE_SPEC):
        return []
    right = ".json" if name.lower().endswith(".json") else ".yaml"
    message = f"no runtime reads a spec with such a name; let it end with {right!r}"
    return [finding(LintRule.UNREAD_FILE, "", message)]


def _meetings(
    name: str, path: str, registry: Registry, shared: Set[str]
) -> Iterator[_Meeting]:
    if name not in shared:
        return
    above = registry.conflicts.get(name) or (registry.devices[name].path,)
    others = _others(above, path)
    if path in registry.conflicts.get(name, ()):
        message = f"{name} is defined in {others} too, so nobody gets it"
        yield LintRule.CONFLICTING_DEVICE, message
    if path in registry.shadowed.get(name, ()):
        message = f"{name} is defined in {others} too, which has priority"
        yield LintRule.SHADOWED_DEVICE, message


def _others(paths: tuple[str, ...], path: str) -> str:
    others = [other for other in paths if other != path]
    more = len(others) - _LISTED
    return ", ".join(others[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _unread(entry: os.DirEntry[str]) -> Finding | None:
    try:
        is_directory = entry.is_dir()
    except OSError:  # of a link that leads nowhere
        is_directory = False
    if not is_directory:
        return next(iter(lint_file_name(entry.path)), None)
    if not _has_specs(entry.path):
        return None
    message = "directories in a spec directory are not read; move the specs out of it"
    return finding(LintRule.UNREAD_FILE, "", message)


def _has_specs(directory: str) -> bool:
    try:
        with os.scandir(directory) as entries:
            return any(is_spec_name(entry.name) for entry in entries)
    except OSError:
        return False
