"""The spec files as they were read, each once for as long as it stays the same.

What stands at a path is told by the status of the entry and of what it leads to. A file
that may have been read while it was written is read once more in the next refresh.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from nri_cdi.cdi.reading import LoadedSpec
from nri_cdi.cdi.registry import BrokenFile, SpecFile, register
from nri_cdi.cdi.scan import SECOND_NS, TICK_NS, Candidate, Identity, identify
from nri_cdi.errors import SpecError

# Bytes. To parse so much YAML takes longer than to wait for the next tick of the clock,
# so waiting is cheaper than to read the file once more in the next refresh.
LARGE_FILE = 128 * 1024

_File: TypeAlias = SpecFile | BrokenFile


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What was read of a file; without an identity it has to be read again."""

    identity: Identity | None
    file: _File


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What there is now; ``touched`` has the files that came, went or changed.

    A file that changed is in there twice: as it was, and as it is.
    """

    known: Mapping[str, _Known]
    touched: tuple[_File, ...]

    def files(self) -> Iterator[_File]:
        """All files that there are."""
        return (known.file for known in self.known.values())


class SpecFiles:
    """The files of the last look that was kept, for one thread at a time.

    ``read`` loads a file or raises SpecError, and ``clock_ns`` is the clock that file
    timestamps come from.
    """

    def __init__(
        self, read: Callable[[str], LoadedSpec], clock_ns: Callable[[], int]
    ) -> None:
        self._read = read
        self._clock_ns = clock_ns
        self._known: Mapping[str, _Known] = {}

    def look(
        self,
        candidates: Iterable[Candidate],
        starved: Collection[int],
        on_large: Callable[[], None],
    ) -> Look:
        """Look at these files, and read those that changed.

        Of directories in ``starved``, by priority, it is not known what is there: they
        have what they had. ``on_large`` is called if so much is to be read that this
        will take long.
        """
        candidates = tuple(candidates)
        new = [each for each in candidates if not self._is_known(each)]
        if sum(each.identity.size for each in new) >= LARGE_FILE:
            on_large()
        known = {
            path: known
            for path, known in (self._known.items() if starved else ())
            if known.file.priority in starved
        }
        known.update((each.path, self._look_at(each)) for each in candidates)
        return Look(known=known, touched=tuple(_touched(self._known, known)))

    def keep(self, look: Look) -> None:
        """Have the next look begin where this one ended."""
        self._known = look.known

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
