"""Whoever follows the specs sees every change, and nothing is left when it ends."""

from __future__ import annotations

import errno
import gc
import json
import os
import queue
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import pytest
from inotify_simple import INotify

from nri_cdi.cdi import following as module
from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.change import Change
from nri_cdi.cdi.following import Following
from nri_cdi.cdi.forking import mend_all
from nri_cdi.cdi.registry import Registry, build_registry
from tests.unit.cdi.children import holds_in_child

# How long a test waits for what must come.
DEADLINE_S = 10.0


def write(specs: Path, file: str, *names: str, env: str = "E=1") -> None:
    devices = [{"name": name, "containerEdits": {"env": [env]}} for name in names]
    text = json.dumps({"cdiVersion": "0.5.0", "kind": "v.com/c", "devices": devices})
    temporary = specs / f"{file}.tmp"
    temporary.write_text(text)
    temporary.rename(specs / f"{file}.json")


def descriptors() -> set[str]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{entry.name} {entry.readlink()}")
        except FileNotFoundError:  # that of the listing itself
            continue
    return found


@pytest.fixture
def cache(specs: Path) -> Iterator[Cache]:
    """A cache of one directory; when it is closed, nothing of it is left."""
    before = descriptors(), threading.active_count()
    with Cache([str(specs)]) as made:
        yield made
    gc.collect()
    assert (descriptors(), threading.active_count()) == before


def told(change: Change) -> tuple[str, ...]:
    """What happened to devices: a sign and the name."""
    return (
        *(f"+{name[8:]}" for name in change.added),
        *(f"-{name[8:]}" for name in change.removed),
        *(f"~{name[8:]}" for name in change.changed),
    )


def test_each_change_is_told_from_the_beginning_on(cache: Cache, specs: Path) -> None:
    write(specs, "old", "old")
    changes = cache.changes(DEADLINE_S)
    write(specs, "a", "a")
    assert told(next(changes)) == ("+a",)
    write(specs, "a", "a", env="E=2")
    assert told(next(changes)) == ("~a",)
    (specs / "a.json").unlink()
    assert told(next(changes)) == ("-a",)
    (specs / "a.json").write_text("{")
    assert [error.path for error in next(changes).broken] == [f"{specs}/a.json"]
    write(specs, "a", "a")
    change = next(changes)
    assert change.mended == (f"{specs}/a.json",)
    assert told(change) == ("+a",)
    assert changes.registry is change.after


def test_what_happens_between_two_looks_is_one_change(
    cache: Cache, specs: Path
) -> None:
    changes = cache.changes(DEADLINE_S)
    for name in "abc":
        write(specs, name, name)
    assert told(next(changes)) == ("+a", "+b", "+c")


def test_it_begins_with_a_registry_of_before(cache: Cache, specs: Path) -> None:
    write(specs, "a", "a")
    before = cache.snapshot()
    write(specs, "b", "b")
    assert told(next(cache.changes(0, since=before))) == ("+b",)
    assert told(next(cache.changes(0, since=build_registry(())))) == ("+a", "+b")


def test_without_a_change_it_ends_in_time(cache: Cache) -> None:
    begin = time.monotonic()
    assert list(cache.changes(0.05)) == []
    assert 0.05 <= time.monotonic() - begin < DEADLINE_S


def test_the_time_begins_anew_with_each_change(cache: Cache, specs: Path) -> None:
    changes = cache.changes(0.1)
    write(specs, "a", "a")
    assert told(next(changes)) == ("+a",)
    time.sleep(0.11)
    begin = time.monotonic()
    assert next(changes, None) is None
    assert time.monotonic() - begin >= 0.1


def test_a_change_back_is_told_to_nobody(cache: Cache, specs: Path) -> None:
    write(specs, "a", "a")
    changes = cache.changes(0.1)
    (specs / "a.json").rename(specs / "a.away")
    assert cache.refresh().removed
    (specs / "a.away").rename(specs / "a.json")
    assert cache.refresh().added
    assert list(changes) == []


def test_a_refresh_of_others_takes_no_change_away(cache: Cache, specs: Path) -> None:
    first, second = cache.changes(DEADLINE_S), cache.changes(DEADLINE_S)
    write(specs, "a", "a")
    cache.refresh()
    assert told(next(first)) == ("+a",)
    write(specs, "b", "b")
    cache.snapshot()
    assert told(next(first)) == ("+b",)
    assert told(next(second)) == ("+a", "+b")


def test_a_directory_that_comes_later_is_followed(tmp_path: Path) -> None:
    with Cache([f"{tmp_path}/var/run/cdi"]) as cache:
        changes = cache.changes(DEADLINE_S)
        (tmp_path / "var" / "run" / "cdi").mkdir(parents=True)
        write(tmp_path / "var" / "run" / "cdi", "a", "a")
        assert told(next(changes)) == ("+a",)


# Threads.


def test_all_iterators_see_all_that_many_threads_write(
    cache: Cache, specs: Path
) -> None:
    names = {f"{thread}-{number}" for thread in range(3) for number in range(8)}
    following = [cache.changes(DEADLINE_S) for _ in range(3)]

    def follow(changes: Following) -> set[str]:
        seen: set[str] = set()
        while seen != names:
            seen.update(name[8:] for name in next(changes).added)
        return seen

    def put(thread: int) -> None:
        for number in range(8):
            name = f"{thread}-{number}"
            write(specs, name, name)
            assert cache.resolve([f"v.com/c={name}"]).devices

    with ThreadPoolExecutor(max_workers=6) as pool:
        followers = [pool.submit(follow, changes) for changes in following]
        for writer in [pool.submit(put, thread) for thread in range(3)]:
            writer.result(DEADLINE_S)
        assert [each.result(DEADLINE_S) for each in followers] == [names] * 3


class Waiting:
    """A thread that waits for changes; ``seen`` has them, and None for the end."""

    def __init__(self, changes: Following) -> None:
        self.seen: queue.Queue[Change | None] = queue.Queue()
        self._changes = changes
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        for change in self._changes:
            self.seen.put(change)
        self.seen.put(None)


def test_closing_the_cache_ends_those_who_wait(cache: Cache, specs: Path) -> None:
    before = descriptors()
    changes = cache.changes()
    assert len(descriptors() - before) == 2
    waiting = Waiting(changes)
    write(specs, "a", "a")
    change = waiting.seen.get(timeout=DEADLINE_S)
    assert change is not None
    assert told(change) == ("+a",)
    cache.close()
    # The thread gives the descriptors back, and closing waits for it to do so.
    assert not any("anon_inode" in each for each in descriptors() - before)
    assert waiting.seen.get(timeout=DEADLINE_S) is None
    waiting.thread.join()
    assert next(changes, None) is None


def test_closing_the_iterator_ends_it_alone(cache: Cache, specs: Path) -> None:
    first, second = cache.changes(DEADLINE_S), cache.changes(DEADLINE_S)
    waiting = Waiting(first)
    first.close()
    first.close()
    assert waiting.seen.get(timeout=DEADLINE_S) is None
    waiting.thread.join()
    write(specs, "a", "a")
    assert told(next(second)) == ("+a",)


def test_threads_take_turns_at_one_iterator(cache: Cache, specs: Path) -> None:
    changes = cache.changes()
    waiting = [Waiting(changes), Waiting(changes)]
    write(specs, "a", "a")
    cache.snapshot()
    deadline = time.monotonic() + DEADLINE_S
    while not any(each.seen.qsize() for each in waiting):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    changes.close()
    seen = []
    for each in waiting:
        each.thread.join(DEADLINE_S)
        while not each.seen.empty():
            seen.append(each.seen.get())
    assert [told(change) for change in seen if change is not None] == [("+a",)]
    assert seen.count(None) == 2


def test_closing_does_not_wait_for_a_refresh_that_takes_long(
    specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSING_S", 0.01)
    begun, go_on = threading.Event(), threading.Event()
    registry = build_registry(())

    def refresh_slowly() -> Registry:
        begun.set()
        go_on.wait(DEADLINE_S)
        return registry

    before = descriptors()
    changes = Following([str(specs)], refresh_slowly, since=registry)
    waiting = Waiting(changes)
    assert begun.wait(DEADLINE_S)
    changes.close()
    assert descriptors() != before
    go_on.set()
    assert waiting.seen.get(timeout=DEADLINE_S) is None
    waiting.thread.join()
    assert descriptors() == before


def test_a_signal_handler_may_close_it(cache: Cache) -> None:
    def handle(number: int, frame: FrameType | None) -> None:
        cache.close()

    previous = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert list(cache.changes(DEADLINE_S)) == []
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


# Child processes.


def test_a_child_that_closes_wakes_nobody_and_takes_nothing(
    cache: Cache, specs: Path
) -> None:
    waiting = Waiting(cache.changes())
    time.sleep(0.05)  # so that it sleeps
    before = time.process_time()

    def close() -> bool:
        cache.close()
        return True

    assert holds_in_child(close)
    time.sleep(0.3)
    # One that was woken for good would take all of the time.
    assert time.process_time() - before < 0.15
    write(specs, "a", "a")
    change = waiting.seen.get(timeout=DEADLINE_S)
    assert change is not None
    assert told(change) == ("+a",)
    cache.close()
    waiting.thread.join()


def test_in_a_child_an_iterator_has_ended_and_holds_nothing(
    cache: Cache, specs: Path
) -> None:
    before = descriptors()
    changes = cache.changes()
    write(specs, "a", "a")
    assert holds_in_child(lambda: descriptors() <= before and list(changes) == [])
    assert told(next(changes)) == ("+a",)


def test_a_child_may_follow_the_changes_itself(cache: Cache, specs: Path) -> None:
    ours = cache.changes(DEADLINE_S)

    def follow() -> bool:
        theirs = cache.changes(DEADLINE_S)
        write(specs, "a", "a")
        return told(next(theirs)) == ("+a",)

    assert holds_in_child(follow)
    assert told(next(ours)) == ("+a",)


def test_a_thread_that_waits_holds_nothing_up_in_a_child(cache: Cache) -> None:
    changes = cache.changes()
    waiting = Waiting(changes)
    time.sleep(0.05)

    def end() -> bool:
        changes.close()
        return list(changes) == []

    assert holds_in_child(end)
    changes.close()
    waiting.thread.join()


def test_what_is_done_after_a_fork_ends_an_iterator(cache: Cache) -> None:
    before = descriptors()
    changes = cache.changes()
    mend_all()
    assert descriptors() == before
    assert list(changes) == []


def test_a_signal_handler_may_fork_while_it_waits(cache: Cache, specs: Path) -> None:
    """The child goes on where the handler was called, and finds that all has ended."""
    children: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        children.append(os.fork())
        if children != [0]:
            changes.close()

    previous = signal.signal(signal.SIGALRM, handle)
    changes = cache.changes(DEADLINE_S)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        begin = time.monotonic()
        seen = list(changes)
        if children == [0]:
            os._exit(0 if seen == [] and time.monotonic() - begin < DEADLINE_S else 1)
    finally:
        if children == [0]:
            os._exit(2)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert os.waitpid(children[0], 0)[1] == 0
    assert seen == []


# The end.


def test_an_iterator_that_ends_holds_nothing(cache: Cache, specs: Path) -> None:
    before = descriptors()
    changes = cache.changes(0)
    assert descriptors() != before
    assert list(changes) == []
    assert descriptors() == before
    write(specs, "a", "a")
    assert list(changes) == []


def test_leaving_a_loop_early_holds_nothing(cache: Cache, specs: Path) -> None:
    before = descriptors()
    write(specs, "a", "a")
    for change in cache.changes(since=build_registry(())):
        assert told(change) == ("+a",)
        break
    assert descriptors() == before


def test_it_is_a_context_manager(cache: Cache) -> None:
    before = descriptors()
    with cache.changes() as changes:
        assert descriptors() != before
    assert descriptors() == before
    assert list(changes) == []


def test_an_error_of_a_refresh_ends_it(specs: Path) -> None:
    before = descriptors()
    changes = Following([str(specs)], fail, since=build_registry(()))
    with pytest.raises(ZeroDivisionError):
        next(changes)
    assert descriptors() == before
    assert next(changes, None) is None


def fail() -> Registry:
    raise ZeroDivisionError


def test_it_ends_when_nobody_reads_what_is_written(cache: Cache, specs: Path) -> None:
    reading, writing = os.pipe()
    waiting = Waiting(cache.changes(listener=writing))
    write(specs, "a", "a")
    assert waiting.seen.get(timeout=DEADLINE_S) is not None
    os.close(reading)
    assert waiting.seen.get(timeout=DEADLINE_S) is None
    waiting.thread.join()
    os.close(writing)


def test_a_listener_that_stays_does_not_keep_it_awake(cache: Cache) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"something to read")
        before = time.process_time()
        assert list(cache.changes(0.2, listener=ours.fileno())) == []
        assert time.process_time() - before < 0.15


# Limits.


def refuse(*args: object, **kwargs: object) -> None:
    raise OSError(errno.EMFILE, "Too many open files")


def test_without_inotify_it_looks_every_now_and_then(
    cache: Cache, specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.01)
    with monkeypatch.context() as starved:
        starved.setattr(INotify, "__init__", refuse)
        changes = cache.changes()
        assert changes.problem.startswith("can't use inotify: too many open files")
        waiting = Waiting(changes)
        write(specs, "a", "a")
        change = waiting.seen.get(timeout=DEADLINE_S)
        assert change is not None
        assert told(change) == ("+a",)
    deadline = time.monotonic() + DEADLINE_S
    while changes.problem:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    cache.close()
    waiting.thread.join()


def test_it_looks_anyway_as_not_all_changes_are_events(
    cache: Cache, specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that never closes the file: the write itself is no event."""
    monkeypatch.setattr(module, "LOOK_S", 0.02)
    write(specs, "a", "a")
    changes = cache.changes()
    with (specs / "a.json").open("r+b", buffering=0) as file:
        waiting = Waiting(changes)
        text = file.read()
        file.seek(0)
        file.write(text.replace(b'"a"', b'"b"'))
        change = waiting.seen.get(timeout=DEADLINE_S)
        assert change is not None
        assert told(change) == ("+b", "-a")
    cache.close()
    waiting.thread.join()


def test_no_descriptor_left_is_an_error_that_leaves_nothing(cache: Cache) -> None:
    before = descriptors()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            cache.changes()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    gc.collect()
    assert descriptors() == before


@pytest.mark.parametrize("attribute", ["Watch", "difference"])
def test_one_that_could_not_be_made_is_no_trouble_later(
    specs: Path, monkeypatch: pytest.MonkeyPatch, attribute: str
) -> None:
    before = descriptors()
    monkeypatch.setattr(module, attribute, refuse)
    with pytest.raises(OSError, match="Too many open files"):
        next(Following([str(specs)], lambda: build_registry(())))
    gc.collect()
    assert descriptors() == before
