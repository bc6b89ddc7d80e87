"""A registry that is kept up to date with the spec directories.

Readers take ``registry``, which is whole and never changes. A refresh lists the
directories, reads the files that are new or changed, and puts another registry in its
place by one assignment, so that nobody ever waits for a file to be parsed.

Source: CDI pkg/cdi/cache.go, which parses every file again under the lock that an
injection needs, and whose Refresh does not refresh while the directories are watched.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from nri_cdi.cdi.change import Change, compare
from nri_cdi.cdi.reading import LoadedSpec, read_spec
from nri_cdi.cdi.registry import (
    BrokenFile,
    SpecFile,
    build_registry,
    register,
)
from nri_cdi.cdi.scan import (
    SECOND_NS,
    TICK_NS,
    Candidate,
    Identity,
    identify,
    scan_spec_dirs,
)
from nri_cdi.errors import SpecError

# Source: CDI pkg/cdi/spec-dirs.go, DefaultSpecDirs.
DEFAULT_SPEC_DIRS = ("/etc/cdi", "/var/run/cdi")

# Bytes. To parse so much YAML takes longer than to wait for the next tick of the clock,
# so waiting is cheaper than to read the file once more in the next refresh.
LARGE_FILE = 128 * 1024

_File = SpecFile | BrokenFile


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What was read of a file; without an identity it has to be read again."""

    identity: Identity | None
    file: _File


def _ignore() -> None:
    """Nobody wants to know."""


class Cache:
    """The spec directories' registry; ``refresh`` may be called from any thread.

    ``spec_dirs`` are in rising priority. ``read`` loads a file or raises SpecError, and
    ``clock_ns`` is the clock that file timestamps come from. Nothing is read before the
    first refresh.
    """

    def __init__(
        self,
        spec_dirs: Iterable[str] = DEFAULT_SPEC_DIRS,
        *,
        read: Callable[[str], LoadedSpec] = read_spec,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.spec_dirs = tuple(os.path.normpath(path) for path in spec_dirs)
        self.registry = build_registry(())
        self._read = read
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}

    def refresh(self, on_large: Callable[[], None] = _ignore) -> Change:
        """Bring ``registry`` up to date, and say what changed.

        ``on_large`` is called if so much is to be read that this will take long.

        Whatever was written before the call is in the registry after it. Files that
        can't be used and directories that can't be listed are in its tables, and take
        nothing away from others.
        """
        with self._lock:
            scan = scan_spec_dirs(self.spec_dirs)
            new = [each for each in scan.candidates if not self._is_known(each)]
            if sum(each.identity.size for each in new) >= LARGE_FILE:
                on_large()
            known = {each.path: self._look_at(each) for each in scan.candidates}
            before = self.registry
            touched = list(_touched(self._known, known))
            self._known = known
            if not touched and scan.dir_errors == before.dir_errors:
                return Change(before=before, after=before)
            self.registry = build_registry(
                (each.file for each in known.values()),
                dir_errors=scan.dir_errors,
                generation=before.generation + 1,
            )
            return compare(before, self.registry, _names(touched))

    def _look_at(self, candidate: Candidate) -> _Known:
        known = self._known.get(candidate.path)
        if known is not None and self._is_known(candidate):
            return known
        return self._load(candidate, known)

    def _is_known(self, candidate: Candidate) -> bool:
        known = self._known.get(candidate.path)
        return known is not None and known.identity == candidate.identity

    def _load(self, candidate: Candidate, known: _Known | None) -> _Known:
        self._let_settle(candidate.identity)
        identity = identify(candidate.path)
        read_at_ns = self._clock_ns()
        file = self._read_file(candidate)
        trusted = (
            identity.settles_at_ns() <= read_at_ns
            and identity == identify(candidate.path)
            and not _may_pass(file)
        )
        if known is not None and _say_the_same(known.file, file):
            file = known.file
        return _Known(identity=identity if trusted else None, file=file)

    def _let_settle(self, identity: Identity) -> None:
        wait_ns = identity.settles_at_ns() - self._clock_ns()
        if identity.size >= LARGE_FILE and 0 < wait_ns <= TICK_NS:
            time.sleep(wait_ns / SECOND_NS)

    def _read_file(self, candidate: Candidate) -> _File:
        path, priority = candidate.path, candidate.priority
        try:
            loaded = self._read(path)
        except SpecError as error:
            may_pass = isinstance(error.__cause__, OSError)
            # A new error, without the traceback of this one: its frames hold the whole
            # text, and all that was made of it.
            kept = SpecError(error.path, error.problems)
        else:
            return register(path, priority, loaded.spec, loaded.warnings)
        return BrokenFile(path=path, priority=priority, error=kept, may_pass=may_pass)


def _may_pass(file: _File) -> bool:
    """Whether the system failed, not the text: it may do better next time, as is."""
    return isinstance(file, BrokenFile) and file.may_pass


def _say_the_same(old: _File, new: _File) -> bool:
    if isinstance(old, SpecFile):
        return (
            isinstance(new, SpecFile)
            and old.spec == new.spec
            and old.warnings == new.warnings
        )
    return isinstance(new, BrokenFile) and old.error.problems == new.error.problems


def _touched(
    before: Mapping[str, _Known], after: Mapping[str, _Known]
) -> Iterator[_File]:
    for path in before.keys() | after.keys():
        known = [table[path].file for table in (before, after) if path in table]
        if len(known) == 1 or known[0] is not known[1]:
            yield from known


def _names(files: Iterable[_File]) -> Iterator[str]:
    for file in files:
        if isinstance(file, SpecFile):
            yield from file.devices
