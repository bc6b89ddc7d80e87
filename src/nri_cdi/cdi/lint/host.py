"""The host that a spec is for: what stands at its paths."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

# Source: Linux, include/linux/namei.h, MAXSYMLINKS.
MAX_LINKS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The files of a host, whose root may lie elsewhere in ours.

    Links are followed as that host would do it: none leads out of ``root``. Paths start
    with a slash. Nothing is opened.
    """

    root: str = "/"

    def lstat(self, path: str) -> os.stat_result:
        """The status of what stands at ``path``, be it a link. Raises: OSError."""
        return self._status(path, follow=False)

    def stat(self, path: str) -> os.stat_result:
        """The status of what ``path`` leads to. Raises: OSError."""
        return self._status(path, follow=True)

    def _status(self, path: str, *, follow: bool) -> os.stat_result:
        try:
            if Path(self.root) == Path("/"):
                return Path(path).stat(follow_symlinks=follow)
            # Resolved by hand, so that this doesn't follow anything any more.
            return os.lstat(self._resolved(path, follow=follow))
        except ValueError as error:  # of a character that no file's name can have
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from error

    def _resolved(self, path: str, *, follow: bool) -> str:
        """Where ``path`` of the host is for us, without any link on the way."""
        pending = _parts(path)
        done: list[str] = []
        links = 0
        while pending:
            part = pending.pop()
            if part == "..":
                del done[-1:]
                continue
            here = self._ours([*done, part])
            is_last = not pending
            if (is_last and not follow) or not _is_link(here):
                done.append(part)
                continue
            links += 1
            if links > MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            target = str(Path(here).readlink())
            if target.startswith("/"):
                done.clear()
            pending += _parts(target)
        return self._ours(done)

    def _ours(self, parts: list[str]) -> str:
        return str(Path(self.root, *parts))


def _parts(path: str) -> list[str]:
    """The names in a path, the last one first, without those that mean nothing."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def _is_link(path: str) -> bool:
    return stat.S_ISLNK(os.lstat(path).st_mode)
