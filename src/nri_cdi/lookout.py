"""Looks at the host's device nodes where to look may take as long as it likes.

What is below /dev answers at once. A device node anywhere else may be on a file system
that doesn't answer, such as a dead NFS server's, and nobody can end a look at it. So a
thread looks, and the containers that ask for other devices are served meanwhile.
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

# How long a container waits. A runtime waits for 2 s unless it is told otherwise, and
# the message is to be there before.
PATIENCE_S = 1.0

# Looks that may be stuck before the next ones wait for their end, and before they are
# not even begun.
THREADS = 8
WAITING = 64

LOOKOUT_THREAD = "devices"

_Seen: TypeAlias = "dict[str, os.stat_result | OSError | ValueError]"


class SlowHostError(RequestError):
    """A device node that can't be looked at in time."""


class Lookout:
    """For the event loop that runs; to be closed at its end."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=LOOKOUT_THREAD)
        self._looks: dict[tuple[str, ...], tuple[asyncio.Future[None], _Seen]] = {}

    def close(self) -> None:
        """Begin no more looks, and wait for none."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def look(self, lstat: Lstat, paths: tuple[str, ...]) -> Lstat:
        """``lstat`` with the answers for these ``paths`` at hand, whatever they are.

        Raises: SlowHostError.
        """
        known = self._looks.get(paths)
        if known is None:
            if len(self._looks) >= WAITING:
                raise _slow(paths[0], "too many others can't be looked at either")
            known = self._begin(lstat, paths)
        done, seen = known
        # It goes on if nobody waits any more: there is no way to end it.
        await asyncio.wait([done], timeout=self._patience_s)
        for path in paths:
            if path not in seen:
                raise _slow(path, f"no answer within {self._patience_s:g} s")
        return partial(_recall, lstat, seen)

    def _begin(
        self, lstat: Lstat, paths: tuple[str, ...]
    ) -> tuple[asyncio.Future[None], _Seen]:
        seen: _Seen = {}
        done = self._loop.run_in_executor(self._threads, _look, lstat, paths, seen)
        self._looks[paths] = done, seen
        done.add_done_callback(lambda _: self._looks.pop(paths))
        return done, seen


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
