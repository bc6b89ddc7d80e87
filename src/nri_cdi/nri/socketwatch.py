"""Notices when a runtime's socket appears.

A runtime removes its socket and makes a new one at every start, perhaps in a directory
that isn't there yet: after a reboot, /var/run is empty. So the watch is on the nearest
directory that exists, and moves down as directories are made.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from inotify_simple import flags

from nri_cdi.inotify import open_inotify

_MASK = (
    flags.CREATE | flags.MOVED_TO | flags.DELETE_SELF | flags.MOVE_SELF | flags.ONLYDIR
)
# Each of these means that the watch may sit on a directory that is no longer the
# path's.
_LOST = flags.DELETE_SELF | flags.MOVE_SELF | flags.IGNORED | flags.Q_OVERFLOW


class SocketWatch:
    """A context manager; ``fileno()`` turns readable when `read` has something to say.

    Raises: OSError, if the kernel has no inotify instance left to give.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(os.path.abspath(path))  # noqa: PTH100 (resolve would follow links)
        self._inotify = open_inotify()
        self._watched: dict[int, Path] = {}
        self._arm()

    def __enter__(self) -> SocketWatch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return int(self._inotify.fileno())

    def close(self) -> None:
        """Give the inotify instance back."""
        self._inotify.close()

    def read(self) -> bool:
        """Take what has happened: whether the socket may be a new one. Never blocks."""
        appeared = False
        lost = False
        for event in self._inotify.read(timeout=0):
            directory = self._watched.get(event.wd)
            if event.mask & _LOST:
                lost = True
            elif directory is not None:
                name = self._step_below(directory)
                if event.name == name:
                    appeared |= directory == self._path.parent
                    lost |= directory != self._path.parent
        if lost:
            self._arm()
            # What came while no watch was on the right directory brought no event.
            appeared |= self._path.exists()
        return appeared

    def _step_below(self, directory: Path) -> str:
        return self._path.relative_to(directory).parts[0]

    def _arm(self) -> None:
        """Watch the nearest existing directory above the socket, and only that."""
        # Each round may find that the next directory down was made just before its
        # parent was watched; there are only so many of them.
        for _ in self._path.parents:
            directory = self._watch_nearest()
            if directory is None or directory == self._path.parent:
                return
            if not (directory / self._step_below(directory)).is_dir():
                return

    def _watch_nearest(self) -> Path | None:
        for directory in self._path.parents:
            try:
                descriptor = self._inotify.add_watch(directory, _MASK)
            except OSError:
                continue
            if self._watched.get(descriptor) != directory:
                self._drop()
                self._watched = {descriptor: directory}
            return directory
        return None

    def _drop(self) -> None:
        for descriptor in self._watched:
            try:
                self._inotify.rm_watch(descriptor)
            except OSError:
                # The directory went away, and its watch with it.
                continue
        self._watched = {}
