"""The places where a change can change what the spec directories hold.

A path hangs on more than its last directory: on every name on the way to it, and where
one of those is a symbolic link, on every name on the way to its target. Each such name
is looked up in a directory that can be watched, down to the first that is missing.
"""

from __future__ import annotations

import os
import stat
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
    walk = _Walk()
    for spec_dir in spec_dirs:
        end = walk.follow(spec_dir)
        if end is not None and not end.is_file:
            end.has_specs = True
            for path in _shared_files(end.path):
                walk.follow(path)
    return walk.points


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


class _TooManyLinksError(Exception):
    """There are more links on the way than the kernel follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """Where a path leads to, by how many links; None if it leads to nothing."""

    point: Watchpoint | None
    links: int


class _Walk:
    """The ways that were gone; a way that many links have in common is gone once.

    Without that, a few thousand links to the end of a chain of links take seconds.
    """

    def __init__(self) -> None:
        self.points: dict[str, Watchpoint] = {}
        # By where a way begins and how it goes on.
        self._ends: dict[tuple[str, str], _End] = {}
        # Of each way that has too many links, how many may be left and are too few. It
        # may be all: while a way is gone, whoever comes to it again goes in a circle.
        self._too_few: dict[tuple[str, str], int] = {}

    def follow(self, path: str) -> Watchpoint | None:
        """Add all that the way to ``path`` hangs on; None if it leads to nothing."""
        try:
            return self._end(".", path, MAX_LINKS).point
        except _TooManyLinksError:
            return None

    def _end(self, start: str, path: str, links_left: int) -> _End:
        way = ("/" if path.startswith("/") else start, path)
        if links_left <= self._too_few.get(way, -1):
            raise _TooManyLinksError
        known = self._ends.get(way)
        if known is None:
            self._too_few[way] = MAX_LINKS
            try:
                known = self._ends[way] = self._go(*way, links_left)
            except _TooManyLinksError:
                self._too_few[way] = links_left
                raise
            del self._too_few[way]
        if known.links > links_left:
            raise _TooManyLinksError
        return known

    def _go(self, start: str, path: str, links_left: int) -> _End:
        here = self._enter(start)
        links = 0
        for name in path.split("/"):
            if name in ("", "."):
                continue
            if here is None or here.is_file:
                return _End(point=None, links=links)
            if name != "..":
                here.names.add(name)
            there = os.path.normpath(Path(here.path, name))
            target = _link_target(there)
            if target is None:
                here = self._enter(there)
                continue
            if links == links_left:
                raise _TooManyLinksError
            end = self._end(here.path, target, links_left - links - 1)
            here, links = end.point, links + 1 + end.links
        return _End(point=here, links=links)

    def _enter(self, path: str) -> Watchpoint | None:
        known = self.points.get(path)
        if known is not None:
            return known
        try:
            found = os.lstat(path)
        except (OSError, ValueError):
            return None
        is_file = stat.S_ISREG(found.st_mode)
        if not is_file and not stat.S_ISDIR(found.st_mode):
            return None
        inode = (found.st_dev, found.st_ino)
        point = Watchpoint(path=path, inode=inode, is_file=is_file)
        return self.points.setdefault(path, point)


def _link_target(path: str) -> str | None:
    try:
        return str(Path(path).readlink())
    except (OSError, ValueError):  # mostly EINVAL: this is no link
        return None
