"""The places where a change can change what the spec directories hold.

A path hangs on more than its last directory: on every name on the way to it, and where
one of those is a symbolic link, on every name on the way to its target. Each such name
is looked up in a directory that can be watched, down to the first that is missing.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from nri_cdi.cdi.scan import is_spec_name

# Source: Linux, MAXSYMLINKS in include/linux/namei.h.
MAX_LINKS = 40


@dataclass(slots=True, kw_only=True)
class Watchpoint:
    """A directory or a file to watch; ``path`` has no symbolic link in it.

    ``inode`` (device and number) tells it from another that takes its place. ``names``
    are the entries of a directory that matter, and ``has_specs`` says that those with
    a spec's name do as well. A file matters by its content.
    """

    path: str
    inode: tuple[int, int]
    is_file: bool = False
    has_specs: bool = False
    names: set[str] = field(default_factory=set)

    def concerns(self, name: str) -> bool:
        """Whether an event for the entry ``name`` matters; an empty one is its own."""
        return not name or name in self.names or (self.has_specs and is_spec_name(name))


def survey(spec_dirs: Iterable[str]) -> dict[str, Watchpoint]:
    """What to watch as things stand, by path.

    A spec file is watched through its directory. Of one that is a symbolic link, the
    whole way to the target and the target itself are watched as well; and one that has
    more than one name is watched itself, as it can be written under the other.
    """
    points: dict[str, Watchpoint] = {}
    for spec_dir in spec_dirs:
        end = _follow(spec_dir, points)
        if end is not None and not end.is_file:
            end.has_specs = True
            for path in _shared_files(end.path):
                _follow(path, points)
    return points


def _shared_files(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [entry.path for entry in entries if _is_shared_file(entry)]
    except OSError:
        return []


def _is_shared_file(entry: os.DirEntry[str]) -> bool:
    if not is_spec_name(entry.name) or entry.is_dir(follow_symlinks=False):
        return False
    return entry.is_symlink() or entry.stat(follow_symlinks=False).st_nlink > 1


def _follow(path: str, points: dict[str, Watchpoint]) -> Watchpoint | None:
    """Add all that the way to ``path`` hangs on; None if it leads to nothing."""
    here = _enter(_start(path), points)
    ahead = deque(path.split("/"))
    links = 0
    while here is not None and ahead:
        name = ahead.popleft()
        if name in ("", "."):
            continue
        if here.is_file:
            return None
        if name != "..":
            here.names.add(name)
        there = os.path.normpath(Path(here.path, name))
        target = _link_target(there)
        if target is None:
            here = _enter(there, points)
            continue
        links += 1
        if links > MAX_LINKS:
            return None
        ahead.extendleft(reversed(target.split("/")))
        if target.startswith("/"):
            here = _enter("/", points)
    return here


def _start(path: str) -> str:
    return "/" if path.startswith("/") else "."


def _link_target(path: str) -> str | None:
    try:
        return str(Path(path).readlink())
    except (OSError, ValueError):  # mostly EINVAL: this is no link
        return None


def _enter(path: str, points: dict[str, Watchpoint]) -> Watchpoint | None:
    known = points.get(path)
    if known is not None:
        return known
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return None
    is_file = stat.S_ISREG(found.st_mode)
    if not is_file and not stat.S_ISDIR(found.st_mode):
        return None
    points[path] = Watchpoint(
        path=path, inode=(found.st_dev, found.st_ino), is_file=is_file
    )
    return points[path]
