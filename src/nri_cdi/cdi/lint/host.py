"""The host that a spec is for: what stands at its paths."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

# Source: Linux, include/linux/namei.h, MAXSYMLINKS; include/uapi/linux/limits.h.
MAX_LINKS = 40
PATH_MAX = 4096
"""Bytes of a path, with the NUL at its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The files of a host, whose root may lie elsewhere in ours.

    Links are followed as that host would do it: none leads out of ``root``. Paths start
    with a slash. Nothing is opened.
    """

    root: str = "/"

    @property
    def is_ours(self) -> bool:
        """Whether it is the host that we are on."""
        return Path(self.root) == Path("/")

    def lstat(self, path: str) -> os.stat_result:
        """The status of what stands at ``path``, be it a link. Raises: OSError."""
        return self._status(path, follow=False)

    def stat(self, path: str) -> os.stat_result:
        """The status of what ``path`` leads to. Raises: OSError."""
        return self._status(path, follow=True)

    def locate(self, path: str, *, follow: bool = True) -> str:
        """Where for us ``path`` of another host is, without any link on the way.

        Without ``follow`` there may be a link at its end. On our host it is ``path``.

        Raises: OSError, if nothing is there, among other reasons.
        """
        if self.is_ours:
            return path
        try:
            return _Walk(self.root, path, follow=follow).end()
        except ValueError as error:  # of a character that no file's name can have
            raise _failed(errno.ENOENT) from error

    def _status(self, path: str, *, follow: bool) -> os.stat_result:
        # On another host nothing is left to follow. A pathlib.Path would lose the slash
        # at the end, which matters.
        look = os.stat if follow and self.is_ours else os.lstat
        try:
            return look(self.locate(path, follow=follow))
        except ValueError as error:
            raise _failed(errno.ENOENT) from error


class _Walk:
    """The way that a path takes through the directories of a host, step by step.

    Source: path_resolution(7), and where that is silent Linux, fs/namei.c.
    """

    __slots__ = ("_directories", "_follow", "_here", "_links", "_root", "_steps")

    def __init__(self, root: str, path: str, *, follow: bool) -> None:
        if len(os.fsencode(path)) >= PATH_MAX:
            raise _failed(errno.ENAMETOOLONG)
        self._root = self._here = root.rstrip("/")
        self._steps = _steps(path)
        self._follow = follow
        self._links = 0
        # A path may go through one many times, as /a/../a/../a does.
        self._directories: set[str] = set()

    def end(self) -> str:
        """Where the path leads to. Raises: OSError, ValueError."""
        while self._steps:
            step = self._steps.pop()
            if step == "..":
                if self._here != self._root:
                    self._here = self._here.rpartition("/")[0]
            elif step != ".":
                self._enter(f"{self._here}/{step}")
        # The root may be a link for us. It is none for the host.
        return f"{self._root}/" if self._here == self._root else self._here

    def _enter(self, there: str) -> None:
        if there not in self._directories:
            mode = os.lstat(there).st_mode
            if stat.S_ISLNK(mode) and (self._follow or self._steps):
                self._follow_link(there)
                return
            if stat.S_ISDIR(mode):
                self._directories.add(there)
            elif self._steps:
                raise _failed(errno.ENOTDIR)
        self._here = there

    def _follow_link(self, there: str) -> None:
        self._links += 1
        if self._links > MAX_LINKS:
            raise _failed(errno.ELOOP)
        target = os.readlink(there)  # noqa: PTH115  # a path loses the slash at its end
        self._steps += _steps(target)
        if target.startswith("/"):
            self._here = self._root


def _steps(path: str) -> list[str]:
    """The names in a path, the last one first, without those that mean nothing.

    But with a slash at its end, or a dot behind it, a path is a directory's: its last
    step is a dot.
    """
    steps = [name for name in reversed(path.split("/")) if name not in ("", ".")]
    return [".", *steps] if path.endswith(("/", "/.")) else steps


def _failed(number: int) -> OSError:
    """The error of this number, which decides on its class."""
    return OSError(number, os.strerror(number))
