"""Looks at the host's device nodes where to look may take as long as it likes.

What is below /dev answers at once. A device node anywhere else may be on a file system
that doesn't answer, such as a dead NFS server's, and nobody can end a look at it. So a
thread looks, and the loop goes on. Who asks for a node that doesn't answer waits a
moment; who asks next doesn't, for the runtime asks about one container at a time.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeAlias

from nri_cdi.adjustment.nodes import Lstat
from nri_cdi.errors import RequestError
from nri_cdi.quoting import quoted_path

# Looks that have not come back. Each is a thread that waits in the kernel.
STUCK_LIMIT = 64

LOOKOUT_THREAD = "devices"

_Seen: TypeAlias = "dict[str, os.stat_result | OSError | ValueError]"


class SlowHostError(RequestError):
    """A device node that can't be looked at in time."""


class Lookout:
    """For the event loop that runs; to be closed at its end."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        # A look that waited for another to end would blame the wrong path.
        self._threads = ThreadPoolExecutor(STUCK_LIMIT, LOOKOUT_THREAD)
        self._stuck: dict[str, _Seen] = {}
        self._looks = 0

    def close(self) -> None:
        """Begin no more looks, and wait for none."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def look(
        self, lstat: Lstat, paths: tuple[str, ...], patience_s: float
    ) -> Lstat:
        """``lstat`` with the answers for these ``paths`` at hand, whatever they are.

        Raises: SlowHostError, at once where an earlier look has not come back.
        """
        for path in paths:
            stuck = self._stuck.get(path)
            if stuck is not None and path not in stuck:
                raise _slow(path, "an earlier look has no answer yet")
        seen: _Seen = {}
        done = self._begin(lstat, paths, seen)
        # It goes on if nobody waits any more: there is no way to end it.
        await asyncio.wait([done], timeout=patience_s)
        for path in paths:
            if path not in seen:
                self._note_stuck(path, seen, done)
                raise _slow(path, f"no answer within {patience_s:g} s")
        return partial(_recall, lstat, seen)

    def _begin(
        self, lstat: Lstat, paths: tuple[str, ...], seen: _Seen
    ) -> asyncio.Future[None]:
        if self._looks >= STUCK_LIMIT:
            raise _slow(paths[0], f"{self._looks} looks at others have no answer yet")
        try:
            done = self._loop.run_in_executor(self._threads, _look, lstat, paths, seen)
        except RuntimeError as error:  # what threading has to say of a limit
            raise _slow(paths[0], str(error)) from error
        self._looks += 1
        done.add_done_callback(self._count_down)
        return done

    def _count_down(self, _: asyncio.Future[None]) -> None:
        self._looks -= 1

    def _note_stuck(self, path: str, seen: _Seen, done: asyncio.Future[None]) -> None:
        def forget(_: asyncio.Future[None]) -> None:
            if self._stuck.get(path) is seen:
                del self._stuck[path]

        self._stuck[path] = seen
        done.add_done_callback(forget)


def _look(lstat: Lstat, paths: Iterable[str], seen: _Seen) -> None:
    for path in paths:
        try:
            seen[path] = lstat(path)
        except (OSError, ValueError) as error:
            seen[path] = error


def _recall(lstat: Lstat, seen: _Seen, path: str) -> os.stat_result:
    status = seen.get(path)
    if status is None:
        return lstat(path)
    if isinstance(status, Exception):
        raise status
    return status


def _slow(path: str, why: str) -> SlowHostError:
    return SlowHostError(
        f"device node {quoted_path(path)} of the host can't be looked at: {why}; is "
        "its file system there?"
    )
