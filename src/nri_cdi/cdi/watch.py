"""Tells, through inotify, when the spec directories should be read again.

Source: inotify(7). An event names an entry of a watched directory, or is about the
watched thing itself; a watch stays with the inode, wherever its path leads later.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from inotify_simple import Event, INotify, flags

from nri_cdi.cdi.watchpoints import Watchpoint, survey
from nri_cdi.inotify import open_inotify

# How often to look where inotify has no instance or watch left.
POLL_S = 1.0

# How often to look in any case. There are changes without an event: a directory mounted
# over a spec directory, a write by somebody who never closes, another host's on a
# network file system. To find nothing new takes less than a millisecond.
LOOK_S = 10.0

# Nobody changes directories as fast as this by accident: it is a loop of somebody's.
MAX_ROUNDS = 10

# MASK_ADD: where two paths lead to one inode, as a bind mount makes it, its one watch
# serves both.
_DIRECTORY: int = (
    flags.CREATE
    | flags.DELETE
    | flags.MOVED_FROM
    | flags.MOVED_TO
    | flags.ATTRIB
    | flags.DONT_FOLLOW
    | flags.EXCL_UNLINK
    | flags.MASK_ADD
    | flags.ONLYDIR
)
_SPEC_DIR: int = _DIRECTORY | flags.CLOSE_WRITE
_FILE: int = flags.ATTRIB | flags.CLOSE_WRITE | flags.DONT_FOLLOW | flags.MASK_ADD

# What comes after the directory was surveyed and before it is watched: the next survey
# sees it.
_REPLACED = (errno.ENOENT, errno.ENOTDIR)

_LIMITS = {
    errno.EMFILE: ", see fs.inotify.max_user_instances and RLIMIT_NOFILE",
    errno.ENOSPC: ", see fs.inotify.max_user_watches",
}


class Watch:
    """Watches spec directories, be they there or not, and what their files link to.

    A context manager, for one thread at a time. ``fileno()`` becomes readable when
    something happened; ``read()`` then says whether it matters. The order is: make the
    watch or ``read()`` it, and then refresh the cache, so that nothing gets lost.

    A file counts as written when its writer closes it. Three things go by without any
    event: a mount over a directory, a write through a mapping or by a writer that never
    closes, and on a network file system whatever others do. ``check()`` sees the first;
    a refresh now and then sees them all, but for a write through a mapping that leaves
    the file's times as they were.

    In a child process that was forked only ``close()`` may be called: what it reads,
    the parent misses.

    ``problem`` says why something can't be watched. While there is one, call ``read()``
    every now and then, and look at ``fileno()`` again after it.
    """

    def __init__(self, spec_dirs: Iterable[str]) -> None:
        self.problem = ""
        self._spec_dirs = tuple(os.path.normpath(path) for path in spec_dirs)
        self._inotify: INotify | None = None
        self._armed: dict[str, Watchpoint] = {}
        self._points: dict[int, list[Watchpoint]] = {}
        self._arm()

    @property
    def needs_polling(self) -> bool:
        """Whether changes can go unnoticed, because something can't be watched."""
        return bool(self.problem)

    def fileno(self) -> int:
        """The descriptor to wait for; -1 while there is none."""
        return -1 if self._inotify is None else self._inotify.fileno()

    def read(self) -> bool:
        """Take what happened, and say whether the spec directories need a refresh.

        Does not wait. True as long as something can't be watched.
        """
        events = [] if self._inotify is None else self._inotify.read(timeout=0)
        if self.problem or any(self._matters(event) for event in events):
            self._arm()
            return True
        return False

    def check(self) -> bool:
        """As ``read``, and see as well whether the watches are still in place."""
        if self.read():
            return True
        if survey(self._spec_dirs) != self._armed:
            self._arm()
            return True
        return False

    def close(self) -> None:
        """Give the descriptor back; does nothing the second time."""
        if self._inotify is not None:
            self._inotify.close()
        self._inotify = None
        self._spec_dirs = ()
        self._armed, self._points = {}, {}
        self.problem = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _matters(self, event: Event) -> bool:
        if event.mask & flags.Q_OVERFLOW:
            return True
        return any(
            point.concerns(event.name) and not _is_unwritten(event, point)
            for point in self._points.get(event.wd, ())
        )

    def _arm(self) -> None:
        """Watch what there is to watch now.

        A survey that finds all as it was watched proves that nothing slipped through
        between looking and watching; whatever comes later is an event.
        """
        # One assignment: another thread may look at it meanwhile.
        self.problem = self._watch_all()

    def _watch_all(self) -> str:
        """Watch all there is, and say what can't be watched, if anything."""
        if self._inotify is None:
            try:
                self._inotify = open_inotify()
            except OSError as error:
                return f"can't use inotify: {_reason(error)}"
        problem = self._apply(self._inotify, survey(self._spec_dirs))
        for _ in range(MAX_ROUNDS):
            points = survey(self._spec_dirs)
            if points == self._armed:
                return problem
            problem = self._apply(self._inotify, points)
        return "the spec directories change faster than they can be watched"

    def _apply(self, inotify: INotify, points: dict[str, Watchpoint]) -> str:
        """Watch these points and no others, and say what can't be watched."""
        problem = ""
        watched: dict[int, list[Watchpoint]] = {}
        for point in points.values():
            try:
                wd = inotify.add_watch(point.path, _mask(point))
            except OSError as error:
                if error.errno not in _REPLACED:
                    problem = f"can't watch {point.path}: {_reason(error)}"
            else:
                watched.setdefault(wd, []).append(point)
        for wd in self._points.keys() - watched.keys():
            with suppress(OSError):  # it went away with its inode
                inotify.rm_watch(wd)
        self._armed, self._points = points, watched
        return problem


def _mask(point: Watchpoint) -> int:
    if point.is_file:
        return _FILE
    return _SPEC_DIR if point.has_specs else _DIRECTORY


def _is_unwritten(event: Event, point: Watchpoint) -> bool:
    """Whether this is a new file that nothing was written to yet.

    Its writer is about to: read now, it would be called broken. One that was linked
    into place, be it from a file without a name, comes with its content.
    """
    if not event.mask & flags.CREATE or event.name in point.names:
        return False
    try:
        found = Path(point.path, event.name).lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == 0


def _reason(error: OSError) -> str:
    text = (error.strerror or str(error)).lower()
    return text + _LIMITS.get(error.errno or 0, "")
