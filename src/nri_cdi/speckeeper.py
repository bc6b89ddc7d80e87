"""Keeps the specs of a node fresh beside an event loop, and never makes it wait.

The inotify watch of the spec directories says when to look. A thread looks, and reads
the files; the loop reads the newest registry, whichever that is.

The loop makes no system call that it could leave to the thread. While the thread reads
a large file, each one can cost the loop its turn: half a millisecond.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from fcntl import ioctl
from functools import partial
from termios import FIONREAD
from types import TracebackType

from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.change import Change
from nri_cdi.cdi.registry import Registry
from nri_cdi.cdi.watch import LOOK_S, POLL_S, Watch
from nri_cdi.errors import SpecError

# A scan after a small change takes 1 to 3 ms, and some ten where there are hundreds of
# files. A request that arrives meanwhile waits for it, so that it sees a file that was
# written before. One that arrives while much is read is answered from the snapshot.
SETTLING_S = 0.1

# When to say that the thread is stuck: on a file system that doesn't answer.
STUCK_S = 30.0

# How long the thread may take for its last turn.
STOPPING_S = 1.0

# Lines that one file's problems, or all conflicts, have in the log at a time. A file
# that is no spec at all may have a thousand problems.
LINES_LIMIT = 5

SPECS_THREAD = "specs"

NO_DESCRIPTOR = -1
NOTHING_TO_READ = bytes(4)  # what ioctl(2) says with FIONREAD: an int

# New objects that a search for garbage goes through in 2 ms; a device has about 15.
MANY_OBJECTS = 20_000

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Turn:
    """The thread's turn: a look at the watch, and a scan if there is news.

    If it is ``asked`` for, there is a scan in any case. ``done`` is its end, and
    ``settled`` is that too, or the moment when it turns out to take long.
    """

    done: asyncio.Future[None]
    settled: asyncio.Future[None]
    asked: bool


class SpecKeeper:
    """An async context manager; ``registry`` is empty until the first scan is over."""

    def __init__(
        self, spec_dirs: Sequence[str], on_scan: Callable[[], object] = bool
    ) -> None:
        """``on_scan`` is called in the loop after each scan, changed or not."""
        self._on_scan = on_scan
        self._loop = asyncio.get_running_loop()
        self._thread = _new_thread()
        self._spec_dirs = tuple(spec_dirs)
        self._cache = Cache(spec_dirs)
        self._watch: Watch | None = None
        self._watched = NO_DESCRIPTOR
        self._problem = ""
        self._poll: asyncio.TimerHandle | None = None
        self._running: _Turn | None = None
        self._following: _Turn | None = None
        self._version = 0
        self._loaded = False
        self._started = 0.0
        self._stuck: asyncio.TimerHandle | None = None
        self._closed = False

    async def __aenter__(self) -> SpecKeeper:
        self._begin()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop_watching()
        # The thread takes no turn any more, not even one that is to follow.
        self._closed = True
        self._following = None
        last = self._loop.run_in_executor(self._thread, _nothing)
        await asyncio.wait([last], timeout=STOPPING_S)
        self._thread.shutdown(wait=False)

    @property
    def registry(self) -> Registry:
        """The newest snapshot."""
        return self._cache.registry

    @property
    def version(self) -> int:
        """A number that is another one after each change of the snapshot."""
        return self._version

    @property
    def loaded(self) -> bool:
        """Whether the files have been read at least once."""
        return self._loaded

    def use(self, spec_dirs: Sequence[str]) -> None:
        """Keep these directories instead; nothing happens if they are the same."""
        if tuple(spec_dirs) == self._spec_dirs:
            return
        self._stop_watching()
        self._spec_dirs = tuple(spec_dirs)
        self._cache = Cache(spec_dirs)
        self._version += 1
        self._loaded = False
        waiting = self._abandon()
        self._begin().add_done_callback(lambda _: _end(waiting))

    def settling(self) -> asyncio.Future[None] | None:
        """The end of a scan that won't take long, or None.

        Waits no longer than `SETTLING_S` after the scan's beginning.
        """
        running = self._running
        if running is not None and (running.settled.done() or self._left_s() <= 0):
            return None
        # The loop may have this request and the news of a file in one round, in either
        # order: ask the watch, at the price of one system call.
        if self._has_news():
            self._take_turn(asked=False)
        turn = self._following or self._running
        if turn is None:
            return None
        settled: asyncio.Future[None] = self._loop.create_future()
        self._loop.call_later(self._left_s(), _release, settled)
        turn.settled.add_done_callback(lambda _: _release(settled))
        return settled

    def scanning(self) -> asyncio.Future[None] | None:
        """The end of the scan that is going on, or None."""
        return None if self._running is None else asyncio.shield(self._running.done)

    def rescan(self) -> asyncio.Future[None]:
        """The end of a scan that sees every file written before now."""
        return asyncio.shield(self._take_turn(asked=True))

    def _begin(self) -> asyncio.Future[None]:
        # The thread makes the watch: to look at the directories for the first time may
        # take long, and the plugin is to be connected meanwhile.
        return self._take_turn(asked=True)

    def _abandon(self) -> list[_Turn]:
        """Leave the thread to its turn, which may never end; who waits for turns?"""
        turns = [turn for turn in (self._running, self._following) if turn is not None]
        if turns:
            self._thread.shutdown(wait=False)
            self._thread = _new_thread()
            self._running = self._following = None
            if self._stuck is not None:
                self._stuck.cancel()
        return turns

    def _stop_watching(self) -> None:
        self._listen(NO_DESCRIPTOR)
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None
        if self._watch is not None:
            self._thread.submit(self._watch.close)
            self._watch = None

    def _left_s(self) -> float:
        """How long the present turn's end may still be waited for."""
        return self._started + SETTLING_S - self._loop.time()

    def _has_news(self) -> bool:
        if self._watch is None:
            return False
        descriptor = self._watch.fileno()
        starved = self._cache.is_starved
        if starved or self._watch.problem or descriptor == NO_DESCRIPTOR:
            return True
        available = ioctl(descriptor, FIONREAD, NOTHING_TO_READ)
        return available != NOTHING_TO_READ

    def _look(self) -> None:
        self._take_turn(asked=False)

    def _look_anyway(self) -> None:
        self._poll = None
        self._take_turn(asked=True)

    def _arm(self) -> None:
        """Wait for the watch, and look from time to time for what it can't see."""
        problem = ""
        if self._watch is not None:
            self._listen(self._watch.fileno())
            problem = self._watch.problem
        if problem and problem != self._problem:
            logger.warning(
                "%s; the spec directories are read every %g s instead", problem, POLL_S
            )
        self._problem = problem
        if self._poll is None:
            interval_s = POLL_S if problem or self._cache.is_starved else LOOK_S
            self._poll = self._loop.call_later(interval_s, self._look_anyway)

    def _listen(self, descriptor: int) -> None:
        if descriptor == self._watched:
            return
        if self._watched != NO_DESCRIPTOR:
            self._loop.remove_reader(self._watched)
        if descriptor != NO_DESCRIPTOR:
            self._loop.add_reader(descriptor, self._look)
        self._watched = descriptor

    def _take_turn(self, *, asked: bool) -> asyncio.Future[None]:
        """Let the thread begin its turn, or have one follow the turn that it takes."""
        if self._running is None:
            turn = self._turn(asked)
            self._launch(turn)
            return turn.done
        if self._following is None:
            self._following = self._turn(asked)
        self._following.asked |= asked
        return self._following.done

    def _turn(self, asked: bool) -> _Turn:  # noqa: FBT001
        return _Turn(self._loop.create_future(), self._loop.create_future(), asked)

    def _launch(self, turn: _Turn) -> None:
        self._running = turn
        self._started = self._loop.time()
        # What the thread is about to take would wake the loop again and again.
        self._listen(NO_DESCRIPTOR)
        scan = self._loop.run_in_executor(
            self._thread, self._scan, self._watch, self._cache, turn.asked
        )
        scan.add_done_callback(partial(self._finished, turn))
        self._stuck = self._loop.call_later(STUCK_S, _say_stuck)

    def _scan(
        self,
        watch: Watch | None,
        cache: Cache,
        asked: bool,  # noqa: FBT001
    ) -> tuple[Watch, Change | None]:
        """Take what the watch has, and refresh the cache if it matters or is asked for.

        Runs in the thread, and takes all that changes as arguments.
        """
        if watch is None:
            watch = Watch(cache.spec_dirs)
        news = watch.check() if asked else watch.read()
        if not (news or asked or cache.is_starved):
            return watch, None
        return watch, _refresh(cache, self._say_long)

    def _say_long(self) -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(self._stop_settling)

    def _stop_settling(self) -> None:
        for turn in (self._running, self._following):
            if turn is not None:
                _release(turn.settled)

    def _finished(
        self, turn: _Turn, scan: asyncio.Future[tuple[Watch, Change | None]]
    ) -> None:
        if turn is not self._running:
            _close_abandoned(scan)
            return
        self._running = None
        following, self._following = self._following, None
        if self._stuck is not None:
            self._stuck.cancel()
        error = scan.exception()
        watch, change = (None, None) if error is not None else scan.result()
        self._keep(watch)
        if change:
            self._version += 1
        if change is not None:
            self._loaded = True
        if following is not None:
            self._launch(following)
        elif not self._closed:
            self._arm()
        self._on_scan()
        _end([turn])
        if error is not None:
            # A scan keeps the trouble with files to itself: this is a bug of its own.
            logger.error("the specs can't be read: %s", error, exc_info=error)
        elif change is not None:
            _report(change)
            if not self._closed:
                self._thread.submit(_let_go, [change])

    def _keep(self, watch: Watch | None) -> None:
        if watch is None:
            return
        if self._closed:
            watch.close()
        else:
            self._watch = watch


def _let_go(changes: list[Change]) -> None:
    """Let go of the devices that are gone, one after the other.

    All at once, as the last reference to a registry would, they hold up every thread:
    for 10 ms, where there are 10 000.
    """
    change = changes.pop()
    kept = set(map(id, change.after.specs))
    gone = [file for file in change.before.specs if id(file) not in kept]
    parts: list[object] = []
    for file in gone:
        parts += file.devices.values()
        parts += file.spec.devices
    del change, gone, kept
    while parts:
        parts.pop()


def _new_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix=SPECS_THREAD)


def _close_abandoned(scan: asyncio.Future[tuple[Watch, Change | None]]) -> None:
    """Let go of what a scan has made of directories that are no longer kept."""
    if scan.exception() is None:
        watch, _ = scan.result()
        watch.close()


def _end(turns: Iterable[_Turn]) -> None:
    for turn in turns:
        _release(turn.settled)
        _release(turn.done)


def _nothing() -> None:
    """What the thread does last: everything before it is over then."""


def _say_stuck() -> None:
    logger.warning(
        "reading the spec directories takes more than %g s; known devices are given as "
        "they were, and what has changed since is not seen",
        STUCK_S,
    )


def _refresh(cache: Cache, on_large: Callable[[], None]) -> Change:
    """Refresh the cache, without a search for cyclic garbage.

    A search stops all threads, for 150 ms where there are 10 000 devices. But specs
    have no cycles: what many of them are made of is exempt from later searches too.
    """
    gc.disable()
    try:
        return cache.refresh(on_large)
    finally:
        if gc.get_count()[0] > MANY_OBJECTS:
            gc.freeze()
        gc.enable()


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _report(change: Change) -> None:
    """Log each thing once, when it changes."""
    for error in change.broken:
        _warn("spec not used: ", error.lines())
    for path, problems in change.warnings.items():
        _warn("spec used, but ", SpecError(path, problems).lines())
    for spec_dir, reason in change.dir_errors.items():
        _warn("", [f"spec directory {spec_dir} can't be listed: {reason}"])
    _warn("", _conflicts(change))
    for path in change.mended:
        logger.info("spec is fine again, or gone: %s", path)
    if change:
        logger.info(
            "specs: %d usable devices (%d added, %d changed, %d removed)",
            len(change.after.devices),
            len(change.added),
            len(change.changed),
            len(change.removed),
        )


def _warn(prefix: str, lines: Sequence[str]) -> None:
    for line in lines[:LINES_LIMIT]:
        logger.warning("%s%s", prefix, line)
    if len(lines) > LINES_LIMIT:
        logger.warning(
            "%sand %d more after %s", prefix, len(lines) - LINES_LIMIT, lines[0]
        )


def _conflicts(change: Change) -> list[str]:
    """A line for each set of files that are in conflict, whatever they share."""
    shared: dict[tuple[str, ...], list[str]] = {}
    for name, paths in change.conflicts.items():
        shared.setdefault(paths, []).append(name)
    return [
        f"nobody gets {names[0]}{f' and {len(names) - 1} more' if names[1:] else ''}: "
        f"defined by {' and by '.join(paths)}"
        for paths, names in shared.items()
    ]
