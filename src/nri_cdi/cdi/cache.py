"""A registry that is kept up to date with the spec directories.

Readers take ``registry``, which is whole and never changes. A refresh lists the
directories, reads the files that are new or changed, and puts another registry in its
place by one assignment, so that who reads it never waits for a file to be parsed.
``snapshot`` and ``resolve`` refresh first: they see all that was written before.

Source: CDI pkg/cdi/cache.go, which parses every file again under the lock that an
injection needs, and whose Refresh does not refresh while the directories are watched.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self
from weakref import WeakSet

from nri_cdi.cdi.change import Change, compare
from nri_cdi.cdi.edits import Resolution
from nri_cdi.cdi.forking import after_fork
from nri_cdi.cdi.model import Spec
from nri_cdi.cdi.reading import LoadedSpec, read_spec
from nri_cdi.cdi.registry import BrokenFile, Registry, SpecFile, build_registry
from nri_cdi.cdi.scan import scan_spec_dirs
from nri_cdi.cdi.specfiles import SpecFiles
from nri_cdi.cdi.specnames import generate_name_for_spec, spec_file_name
from nri_cdi.quoting import quoted

if TYPE_CHECKING:
    from nri_cdi.cdi.following import Following

# Source: CDI pkg/cdi/spec-dirs.go, DefaultSpecDirs.
DEFAULT_SPEC_DIRS = ("/etc/cdi", "/var/run/cdi")


def _ignore() -> None:
    """Nobody wants to know."""


class Cache:
    """The spec directories' registry, for any number of threads; a context manager.

    ``spec_dirs`` are in rising priority. ``read`` loads a file or raises SpecError, and
    ``clock_ns`` is the clock that file timestamps come from. Nothing is read before the
    first refresh.

    A file is read again when its size, its times or its inode say that it changed. A
    write through a memory mapping can leave them all alone: it may never be seen.

    It has no thread. What it holds of the system is what iterators of ``changes`` hold,
    and ``close`` gives that back. Then only ``registry`` is left to be used: all else
    raises ValueError, as a closed file does.

    A signal handler, or ``read``, that asks for a refresh while its own thread is at
    one gets a RuntimeError: the answer would be of before. ``registry`` and ``close``
    are for everybody. In a child process that was forked the cache can be used as in
    the parent; iterators from before the fork have ended there.

    Raises: TypeError, if ``spec_dirs`` is a single path.
    """

    def __init__(
        self,
        spec_dirs: Iterable[str | os.PathLike[str]] = DEFAULT_SPEC_DIRS,
        *,
        read: Callable[[str], LoadedSpec] = read_spec,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        if isinstance(spec_dirs, str | bytes):
            raise TypeError(
                f"spec_dirs must be a list of directories, not {spec_dirs!r} alone"
            )
        self.spec_dirs = tuple(map(_cleaned, spec_dirs))
        self.registry = build_registry(())
        # Whether the last refresh could not see all, for want of descriptors or memory.
        self.is_starved = False
        self._files = SpecFiles(read, clock_ns)
        self._is_closed = False
        self._followings: WeakSet[Following] = WeakSet()
        self._make_locks()
        after_fork(self, Cache._make_locks)

    def _make_locks(self) -> None:
        # Reentrant: a signal handler must not wait for what it has interrupted.
        self._refreshing = threading.RLock()
        self._lifetime = threading.RLock()
        self._is_refreshing = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all iterators of changes, those of other threads too; idempotent."""
        with self._lifetime:
            self._is_closed = True
            followings = tuple(self._followings)
        for following in followings:
            following.close()

    def snapshot(self) -> Registry:
        """The registry with all that was written before, whoever wrote it.

        Raises: RuntimeError, if this thread is at a refresh already.
        """
        return self.refresh().after

    def resolve(
        self, names: Iterable[str], *, present: Iterable[str] = ()
    ) -> Resolution:
        """What a request for these devices comes to now: see ``Registry.resolve``.

        Raises:
            ResolveError: names every device that can't be resolved, and the reason.
            RuntimeError: this thread is at a refresh already.
        """
        return self.snapshot().resolve(names, present=present)

    def write_spec(
        self,
        spec: Spec,
        name: str | None = None,
        *,
        directory: str | os.PathLike[str] | None = None,
        overwrite: bool = True,
    ) -> str:
        """Write a spec into one of the spec directories; the path comes back.

        The directory is the one of the highest priority, unless it is given. ``name``
        is that of the file; ``.yaml`` is appended if it ends in neither that nor
        ``.json``. Without one, it is the spec's kind that names the file: all specs of
        one kind overwrite each other.

        Raises:
            SpecError: the spec is not valid; the error has every problem.
            InvalidNameError: no file in a spec directory can have this name.
            FileExistsError: the file is there, and is not to be overwritten.
            OSError: it can't be written.
            ValueError: ``directory`` is not a spec directory, or there are none.
        """
        self._check_open()
        from nri_cdi.cdi import writing  # those who only read do without

        target = self._directory(directory)
        if name is None:
            writing.check_spec(spec, target)
            name = generate_name_for_spec(spec)
        path = _path(target, name)
        return writing.write_spec(spec, path, overwrite=overwrite)

    def remove_spec(
        self, name: str, *, directory: str | os.PathLike[str] | None = None
    ) -> bool:
        """Remove what ``write_spec`` wrote under this name; whether it was there.

        Raises:
            InvalidNameError: no file in a spec directory can have this name.
            OSError: it can't be removed.
            ValueError: ``directory`` is not a spec directory, or there are none.
        """
        self._check_open()
        from nri_cdi.cdi.writing import remove_spec

        return remove_spec(_path(self._directory(directory), name))

    def changes(
        self,
        timeout_s: float | None = None,
        *,
        since: Registry | None = None,
        listener: int | None = None,
    ) -> Following:
        """An iterator of changes, from now on, or from a registry of before.

        It waits for each change, for ``timeout_s`` at most, and ends when the cache is
        closed; see ``Following``. All iterators see all changes, whoever refreshes.

        Raises: OSError, if the process has no descriptor left for it.
        """
        self._check_open()
        from nri_cdi.cdi.following import NO_DESCRIPTOR, Following  # needs inotify

        following = Following(
            self.spec_dirs,
            self._newest,
            since=since,
            timeout_s=timeout_s,
            listener=NO_DESCRIPTOR if listener is None else listener,
        )
        with self._lifetime:
            self._followings.add(following)
            is_closed = self._is_closed
        if is_closed:
            following.close()
        return following

    def refresh(self, on_large: Callable[[], None] = _ignore) -> Change:
        """Bring ``registry`` up to date, and say what changed.

        ``on_large`` is called if so much is to be read that this will take long.

        Whatever was written before the call is in the registry after it. Files that
        can't be used and directories that can't be listed are in its tables, and take
        nothing away from others. A directory that can't be listed because the system is
        short of descriptors or memory keeps the files that it had.

        Raises: RuntimeError, if this thread is at a refresh already.
        """
        self._check_open()
        return self._refresh(on_large)

    def _newest(self) -> Registry:
        # An iterator that is being closed may be at this: it ends without an error.
        return self._refresh(_ignore).after

    def _refresh(self, on_large: Callable[[], None]) -> Change:
        with self._refreshing:
            if self._is_refreshing:
                raise RuntimeError(
                    "this thread is at a refresh already; a signal handler or a "
                    "reader of files can't have another one"
                )
            try:
                self._is_refreshing = True
                return self._refresh_alone(on_large)
            finally:
                self._is_refreshing = False

    def _refresh_alone(self, on_large: Callable[[], None]) -> Change:
        scan = scan_spec_dirs(self.spec_dirs)
        self.is_starved = bool(scan.starved)
        look = self._files.look(scan.candidates, scan.starved, on_large)
        before = self.registry
        if not look.touched and scan.dir_errors == before.dir_errors:
            self._files.keep(look)
            return Change(before=before, after=before)
        after = build_registry(
            look.files(), dir_errors=scan.dir_errors, generation=before.generation + 1
        )
        # In this order: an interrupt, or a fork, in between costs one more reading of
        # the files. In the other their devices would be missed for good.
        self.registry = after
        self._files.keep(look)
        return compare(before, after, _names(look.touched))

    def _check_open(self) -> None:
        if self._is_closed:
            raise ValueError("the cache is closed")

    def _directory(self, directory: str | os.PathLike[str] | None) -> str:
        if not self.spec_dirs:
            raise ValueError("there are no spec directories")
        if directory is None:
            return self.spec_dirs[-1]
        target = _cleaned(directory)
        if target not in self.spec_dirs:
            raise ValueError(
                f"{quoted(os.fsdecode(directory))} is not one of the spec directories "
                f"({', '.join(self.spec_dirs)})"
            )
        return target


def _cleaned(path: str | os.PathLike[str]) -> str:
    return os.path.normpath(os.fsdecode(path))


def _path(directory: str, name: str) -> str:
    # As os.scandir spells it: it is the path that the registry will have.
    return os.path.join(directory, spec_file_name(name))  # noqa: PTH118


def _names(files: Iterable[SpecFile | BrokenFile]) -> Iterator[str]:
    for file in files:
        if isinstance(file, SpecFile):
            yield from file.devices
