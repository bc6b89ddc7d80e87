"""The files of a node, whose root may lie elsewhere in ours.

What is read was written by others: every read is bounded, waits for nothing but the
disk, and on another root follows no link out of it.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from posixpath import join, normpath

from nri_cdi.cdi.lint import Host

CONFIG_LIMIT = 1024 * 1024
"""Bytes of a configuration; those of runtimes have a few thousand."""

TABLE_LIMIT = 16 * 1024 * 1024
"""Bytes of a table of the kernel's, such as one of 100 000 sockets."""

MOST_NAMES = 100_000
"""Entries of a directory that are looked at."""

# A FIFO is not waited for, and no device becomes our terminal.
_OPEN_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class Node:
    """A node below ``root``, as far as this process may look at it.

    ``refused`` has the paths that it may not, with the reasons; it grows as we look.
    """

    def __init__(self, root: str = "/") -> None:
        self.host = Host(root=root)
        self.refused: dict[str, str] = {}

    @property
    def is_ours(self) -> bool:
        """Whether it is the node that we are on, whose programs can be run."""
        return self.host.is_ours

    def read(self, path: str, limit: int = CONFIG_LIMIT) -> bytes:
        """The content of a regular file. Raises: OSError, also if it is too large."""
        try:
            return self._read(path, limit)
        except PermissionError as error:
            self._refuse(path, error)
            raise
        except ValueError as error:  # of a name that no file can have
            raise FileNotFoundError(str(error)) from error

    def _read(self, path: str, limit: int) -> bytes:
        place = self.host.locate(path)
        # Asked by name first: to open a device can have effects.
        _check_regular(Path(place).stat().st_mode)
        # What has become a link by now is not followed.
        flags = _OPEN_FLAGS if self.is_ours else _OPEN_FLAGS | os.O_NOFOLLOW
        with os.fdopen(os.open(place, flags), "rb") as file:
            _check_regular(os.fstat(file.fileno()).st_mode)
            data = file.read(limit + 1)
        if len(data) > limit:
            raise OSError(f"it has over {limit} bytes")
        return data

    def text(self, path: str, limit: int = CONFIG_LIMIT) -> str:
        """As `read`, as text; empty if it can't be read."""
        with suppress(OSError):
            return self.read(path, limit).decode(errors="surrogateescape")
        return ""

    def names(self, path: str) -> list[str]:
        """What is in a directory, sorted; nothing if it can't be listed."""
        names: list[str] = []
        try:
            with os.scandir(self.host.locate(path)) as entries:
                for entry in entries:
                    names.append(entry.name)
                    if len(names) >= MOST_NAMES:
                        break
        except PermissionError as error:
            self._refuse(path, error)
        except (OSError, ValueError):
            return []
        return sorted(names)

    def link(self, path: str) -> str:
        """Where a symbolic link leads, as it says; empty if that can't be told."""
        try:
            return os.readlink(self.host.locate(path, follow=False))  # noqa: PTH115
        except PermissionError as error:
            self._refuse(path, error)
        except (OSError, ValueError):
            pass
        return ""

    def status(self, path: str, *, follow: bool = True) -> os.stat_result | None:
        """The status of what is at ``path``; None if nothing is, or can't be told."""
        try:
            return self.host.stat(path) if follow else self.host.lstat(path)
        except PermissionError as error:
            self._refuse(path, error)
        except OSError:
            pass
        return None

    def glob(self, pattern: str) -> list[str]:
        """The paths that a pattern matches; ``*``, ``?`` and ``[`` stay in a name."""
        paths = ["/"]
        for step in pattern.strip("/").split("/"):
            if not any(letter in step for letter in "*?["):
                paths = [join(path, step) for path in paths]
                continue
            paths = [
                join(path, name)
                for path in paths
                for name in self.names(path)
                if fnmatchcase(name, step)
            ]
        return [path for path in paths if self.status(path, follow=False) is not None]

    def canonical(self, path: str) -> str:
        """``path`` without links on the way to it, to compare it with others."""
        folder, name = os.path.split(normpath(path))
        if self.is_ours:
            return join(os.path.realpath(folder), name)
        missing = [name]
        while folder != "/":
            with suppress(OSError, ValueError):
                place = os.path.relpath(self.host.locate(folder), self.host.root)
                return normpath(join("/", place, *reversed(missing)))
            folder, name = os.path.split(folder)
            missing.append(name)
        return normpath(path)

    def _refuse(self, path: str, error: PermissionError) -> None:
        self.refused[path] = os.strerror(error.errno or 0).lower()


def _check_regular(mode: int) -> None:
    """Raises: OSError, as to read any other file could take forever."""
    if not stat.S_ISREG(mode):
        raise OSError("it is not a regular file")


def reason_of(error: OSError) -> str:
    """What went wrong, as messages have it."""
    return os.strerror(error.errno).lower() if error.errno else str(error)


def folder_of(path: str) -> str:
    """The directory of a file."""
    return str(Path(path).parent)
