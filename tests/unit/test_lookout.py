"""Looking at device nodes of the host that may not answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.lookout import STUCK_LIMIT, Lookout, SlowHostError

SHORT_S = 0.05
"""For what doesn't answer."""

LONG_S = 20.0
"""For what does, on however busy a machine."""


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs a test in an event loop of its own."""

    @wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Host:
    """Looks at the real one, but at what is in ``dead`` until that is over."""

    def __init__(self) -> None:
        self.dead = {path: threading.Event() for path in ("/dead/a", "/dead/b")}
        self.looks: list[str] = []

    def lstat(self, path: str) -> os.stat_result:
        self.looks.append(path)
        if path in self.dead:
            self.dead[path].wait()
        return os.lstat(path)


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    for each in host.dead.values():
        each.set()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def refused(lookout: Lookout, host: Host, *paths: str) -> str:
    """Why they can't be looked at."""
    with pytest.raises(SlowHostError) as raised:
        await lookout.look(host.lstat, paths, SHORT_S)
    return str(raised.value)


async def get_stuck(lookout: Lookout, host: Host) -> None:
    """In as many places as there may be: from ``/dead/0`` on."""
    paths = [f"/dead/{number}" for number in range(STUCK_LIMIT)]
    for path in paths:
        host.dead[path] = threading.Event()
    await asyncio.gather(*[refused(lookout, host, path) for path in paths])


async def seen(lookout: Lookout, host: Host, path: str) -> bool:
    """Whether it is there, by a look that has its time."""
    lstat = await lookout.look(host.lstat, (path,), LONG_S)
    try:
        lstat(path)
    except FileNotFoundError:
        return False
    return True


@in_a_loop
async def test_what_is_there_and_what_is_not_is_as_it_is(
    host: Host, tmp_path: Path
) -> None:
    there, missing = str(tmp_path), str(tmp_path / "missing")
    lookout = Lookout()
    lstat = await lookout.look(host.lstat, (there, missing, "a\0b"), LONG_S)
    assert host.looks == [there, missing, "a\0b"]
    assert lstat(there) == os.lstat(there)
    with pytest.raises(FileNotFoundError) as raised:
        lstat(missing)
    assert raised.value.filename == missing
    with pytest.raises(ValueError, match="null"):
        lstat("a\0b")
    assert len(host.looks) == 3
    assert lstat("/") == os.lstat("/")
    lookout.close()


@in_a_loop
async def test_what_does_not_answer_is_refused_and_keeps_nobody(host: Host) -> None:
    lookout = Lookout()
    assert await refused(lookout, host, "/", "/dead/a", "/dead/b") == (
        "device node '/dead/a' of the host can't be looked at: no answer within "
        "0.05 s; is its file system there?"
    )
    assert await seen(lookout, host, "/")
    lookout.close()


@in_a_loop
async def test_who_asks_for_it_next_does_not_wait(host: Host) -> None:
    lookout = Lookout()
    await refused(lookout, host, "/dead/a")
    for paths in (("/dead/a",), ("/", "/dead/a")):
        with pytest.raises(SlowHostError, match="an earlier look has no answer yet"):
            await lookout.look(host.lstat, paths, LONG_S)
    assert host.looks == ["/dead/a"]
    lookout.close()


@in_a_loop
async def test_it_is_looked_at_anew_once_it_has_answered(host: Host) -> None:
    lookout = Lookout()
    await refused(lookout, host, "/dead/a", "/dead/b")
    host.dead["/dead/a"].set()
    # The look at the other one goes on, and is none at this one.
    await until(lambda: host.looks == ["/dead/a", "/dead/b"])
    assert not await seen(lookout, host, "/dead/a")
    assert host.looks == ["/dead/a", "/dead/b", "/dead/a"]
    assert "'/dead/b'" in await refused(lookout, host, "/dead/b")
    lookout.close()


@in_a_loop
async def test_an_answer_is_never_older_than_the_question(host: Host) -> None:
    lookout = Lookout()
    await refused(lookout, host, "/", "/dead/a")
    assert host.looks == ["/", "/dead/a"]
    assert await seen(lookout, host, "/")
    assert host.looks == ["/", "/dead/a", "/"]
    lookout.close()


@in_a_loop
async def test_looks_that_are_stuck_are_not_piled_up(host: Host) -> None:
    lookout = Lookout()
    await get_stuck(lookout, host)
    with pytest.raises(SlowHostError, match="64 looks at others have no answer yet"):
        await lookout.look(host.lstat, ("/",), LONG_S)
    await until(lambda: len(host.looks) == STUCK_LIMIT)
    lookout.close()


@in_a_loop
async def test_what_has_come_back_makes_room(host: Host) -> None:
    lookout = Lookout()
    await get_stuck(lookout, host)
    host.dead["/dead/0"].set()
    async with asyncio.timeout(LONG_S):
        while len(host.looks) == STUCK_LIMIT:
            await asyncio.sleep(0.002)
            with contextlib.suppress(SlowHostError):
                assert await seen(lookout, host, "/")
    assert not await seen(lookout, host, "/dead/0")
    lookout.close()


@in_a_loop
async def test_a_container_that_is_given_up_ends_no_look(host: Host) -> None:
    ended: list[str] = []

    def lstat(path: str) -> os.stat_result:
        try:
            return host.lstat(path)
        finally:
            ended.append(path)

    lookout = Lookout()
    waiting = asyncio.ensure_future(lookout.look(lstat, ("/dead/a", "/"), LONG_S))
    await until(lambda: host.looks == ["/dead/a"])
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == []
    host.dead["/dead/a"].set()
    await until(lambda: ended == ["/dead/a", "/"])
    lookout.close()


@in_a_loop
async def test_without_threads_it_is_refused(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    lookout = Lookout()
    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(SlowHostError, match="can't start new thread"):
        await lookout.look(host.lstat, ("/",), LONG_S)
    lookout.close()
