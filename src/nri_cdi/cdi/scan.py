"""The spec files that lie in the spec directories, and how to tell that one changed.

Looks at names and statuses alone; no file is opened.

Source: CDI pkg/cdi/spec-dirs.go, scanSpecDirs. It differs in one thing: a directory
that can't be listed hides no other one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

SPEC_EXTENSIONS = (".json", ".yaml")

# Descriptors of this process, or of the whole system, and memory.
_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)

# A file's timestamps move in ticks of the kernel's clock: 10 ms at its slowest
# (CONFIG_HZ=100; multigrain timestamps, from Linux 6.13 on, are finer). Two of them.
TICK_NS = 20_000_000

# Some file systems keep whole seconds, and FAT even ones only.
SECOND_NS = 1_000_000_000
COARSE_TICK_NS = 2 * SECOND_NS


class Status(NamedTuple):
    """The facts of a file's status that tell it, and its content, from another."""

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int


class Identity(NamedTuple):
    """What stands at a path: the entry itself, and what it leads to if it is a link.

    A number stands for a status that can't be had: the error number.
    """

    entry: Status | int
    target: Status | int

    @property
    def size(self) -> int:
        """The length of the file in bytes; 0 where there is none."""
        return self.target.size if isinstance(self.target, Status) else 0

    def settles_at_ns(self) -> int:
        """When a reader can first trust this identity, on the clock of ``time_ns``.

        A file that was written within the tick in which it is read can be written
        again in that same tick, with the same size, and look the same afterwards: git
        calls such an entry racy. A read counts for good once the tick is over.

        The change time decides alone: every write sets it, and nobody can set it back,
        as they can the modification time.
        """
        known = [status for status in self if isinstance(status, Status)]
        return max((_end_of_tick_ns(status.ctime_ns) for status in known), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A directory entry that should be a spec file.

    ``priority`` is the index of its directory: the device of the higher one wins.
    """

    path: str
    priority: int
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What the spec directories hold: ``candidates`` by priority, then by name.

    ``dir_errors`` has the reason of each directory that exists and can't be listed. If
    it is the system that is short of something, and nothing is wrong with the
    directory, its priority is in ``starved``.
    """

    candidates: tuple[Candidate, ...]
    dir_errors: Mapping[str, str]
    starved: frozenset[int] = frozenset()


def is_spec_name(name: str) -> bool:
    """Whether a file of this name is taken for a spec.

    Hidden files are, and a bare ``.yaml`` too; ``.yml``, ``.YAML`` and ``x.json.bak``
    are not. Source: Go's filepath.Ext, as scanSpecDirs compares it.
    """
    return name.endswith(SPEC_EXTENSIONS)


def scan_spec_dirs(spec_dirs: Sequence[str]) -> Scan:
    """List the spec files of all directories; a missing directory is an empty one.

    A directory that is listed twice, be it under another name, counts once, where it
    is listed last.
    """
    candidates: list[Candidate] = []
    dir_errors: dict[str, str] = {}
    starved: set[int] = set()
    for priority, spec_dir in _distinct(spec_dirs):
        try:
            candidates += _candidates(spec_dir, priority)
        except FileNotFoundError:
            continue
        except OSError as error:
            dir_errors[spec_dir] = os.strerror(error.errno or errno.EIO).lower()
            if error.errno in _SHORTAGES:
                starved.add(priority)
        except UnicodeEncodeError:
            dir_errors[spec_dir] = "half a surrogate pair can't be part of a path"
        except ValueError:  # of the null byte, in words that differ between Pythons
            dir_errors[spec_dir] = "a null byte can't be part of a path"
    return Scan(
        candidates=tuple(candidates),
        dir_errors=dir_errors,
        starved=frozenset(starved),
    )


def identify(path: str) -> Identity:
    """What stands at ``path`` now."""
    entry = _status(os.lstat, path)
    if isinstance(entry, Status):
        return Identity(entry, _status(os.stat, path))
    return Identity(entry, entry)


def _status(look: Callable[[str], os.stat_result], path: str) -> Status | int:
    try:
        found = look(path)
    except OSError as error:
        return error.errno or errno.EIO
    return Status(
        found.st_dev,
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )


def _end_of_tick_ns(at_ns: int) -> int:
    return at_ns + (COARSE_TICK_NS if at_ns % SECOND_NS == 0 else TICK_NS)


def _distinct(spec_dirs: Sequence[str]) -> list[tuple[int, str]]:
    last: dict[tuple[int, int] | str, tuple[int, str]] = {}
    for priority, spec_dir in enumerate(spec_dirs):
        last[_directory(spec_dir)] = (priority, spec_dir)
    return sorted(last.values())


def _directory(path: str) -> tuple[int, int] | str:
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return path
    return (found.st_dev, found.st_ino)


def _candidates(spec_dir: str, priority: int) -> list[Candidate]:
    with os.scandir(spec_dir) as entries:
        paths = sorted(entry.path for entry in entries if _may_be_spec(entry))
    identities = ((path, identify(path)) for path in paths)
    return [
        Candidate(path=path, priority=priority, identity=identity)
        for path, identity in identities
        if identity.entry != errno.ENOENT  # deleted since it was listed
    ]


def _may_be_spec(entry: os.DirEntry[str]) -> bool:
    return is_spec_name(entry.name) and not entry.is_dir(follow_symlinks=False)
