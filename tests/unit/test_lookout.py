"""Looking at device nodes of the host that may not answer."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.lookout import THREADS, WAITING, Lookout, SlowHostError

PATIENCE_S = 0.05


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs a test in an event loop of its own."""

    @wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Host:
    """Looks at the real one, but for paths below ``/dead``: there until it is over."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.looks: list[str] = []

    def lstat(self, path: str) -> os.stat_result:
        self.looks.append(path)
        if path.startswith("/dead"):
            self.over.wait()
        return os.lstat(path)


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.over.set()


@in_a_loop
async def test_what_is_there_and_what_is_not_is_as_it_is(
    host: Host, tmp_path: Path
) -> None:
    there, missing = str(tmp_path), str(tmp_path / "missing")
    lookout = Lookout()
    lstat = await lookout.look(host.lstat, (there, missing, "a\0b"))
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
    lookout = Lookout(PATIENCE_S)
    with pytest.raises(SlowHostError) as raised:
        await lookout.look(host.lstat, ("/", "/dead/a", "/dead/b"))
    assert str(raised.value) == (
        "device node '/dead/a' of the host can't be looked at: no answer within "
        "0.05 s; is its file system there?"
    )
    lstat = await lookout.look(host.lstat, ("/",))
    assert lstat("/") == os.lstat("/")
    lookout.close()


@in_a_loop
async def test_who_asks_again_waits_for_the_same_look(host: Host) -> None:
    lookout = Lookout(PATIENCE_S)
    for _ in range(THREADS + 1):
        with pytest.raises(SlowHostError):
            await lookout.look(host.lstat, ("/dead/a",))
    assert host.looks == ["/dead/a"]
    lstat = await lookout.look(host.lstat, ("/",))
    assert lstat("/") == os.lstat("/")
    lookout.close()


@in_a_loop
async def test_a_look_is_made_anew_when_the_one_before_is_over(host: Host) -> None:
    lookout = Lookout(PATIENCE_S)
    with pytest.raises(SlowHostError):
        await lookout.look(host.lstat, ("/dead/a",))
    host.over.set()
    while host.looks == ["/dead/a"]:
        with pytest.raises(FileNotFoundError):
            (await lookout.look(host.lstat, ("/dead/a",)))("/dead/a")
    assert set(host.looks) == {"/dead/a"}
    lookout.close()


@in_a_loop
async def test_looks_that_are_stuck_are_not_piled_up(host: Host) -> None:
    lookout = Lookout(PATIENCE_S)
    looks = [
        lookout.look(host.lstat, (f"/dead/{number}",)) for number in range(WAITING)
    ]
    refused = await asyncio.gather(*looks, return_exceptions=True)
    assert all(isinstance(each, SlowHostError) for each in refused)
    with pytest.raises(SlowHostError, match="too many others"):
        await lookout.look(host.lstat, ("/",))
    assert len(host.looks) == THREADS
    lookout.close()


@in_a_loop
async def test_a_container_that_is_given_up_ends_no_look(host: Host) -> None:
    lookout = Lookout()
    waiting = asyncio.ensure_future(lookout.look(host.lstat, ("/dead/a",)))
    await asyncio.sleep(PATIENCE_S)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    host.over.set()
    with pytest.raises(FileNotFoundError):
        (await lookout.look(host.lstat, ("/dead/a",)))("/dead/a")
    lookout.close()
