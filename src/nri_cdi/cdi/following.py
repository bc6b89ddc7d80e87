"""The changes of the spec directories, one after the other, for whoever waits for them.

The inotify watch says when to look. As there are changes without an event, and limits
to what can be watched, the directories are looked at now and then in any case.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

from nri_cdi.cdi.change import Change, difference
from nri_cdi.cdi.forking import after_fork
from nri_cdi.cdi.registry import Registry
from nri_cdi.cdi.watch import LOOK_S, POLL_S, Watch

# How long to wait for a thread that is at a refresh.
CLOSING_S = 1.0

MS_PER_S = 1000
NO_DESCRIPTOR = -1


class Following:
    """An iterator of changes, and a context manager.

    ``refresh`` gives the newest registry. The first change is that from ``since``, or
    from what there is when this is made; each next one from where the last ended. One
    thread at a time may wait for a change; others take turns.

    It ends after ``timeout_s`` without a change, when it is closed, be it by another
    thread or a signal handler, and when the pipe or socket ``listener``, to which
    somebody writes the changes, has no reader any more. It then holds no descriptor.
    In a child process that was forked it has ended from the beginning: its descriptors
    are the parent's, who would miss what a child reads from them.

    Raises: OSError, if there is no descriptor left for it.
    """

    def __init__(
        self,
        spec_dirs: Iterable[str],
        refresh: Callable[[], Registry],
        *,
        since: Registry | None = None,
        timeout_s: float | None = None,
        listener: int = NO_DESCRIPTOR,
    ) -> None:
        self._refresh = refresh
        self._timeout_s = timeout_s
        self._listener = listener
        # Reentrant: a signal handler that closes this may interrupt whatever holds one.
        self._turn = threading.RLock()
        self._waking = threading.RLock()
        self._is_waiting = False
        self._is_closing = False
        self._wake = NO_DESCRIPTOR
        # First watch, then look: what comes in between is seen, or is an event.
        self._watch = Watch(spec_dirs)
        after_fork(self, Following._end_in_child)
        try:
            self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            self._last = refresh() if since is None else since
        except BaseException:
            self.close()
            raise

    @property
    def problem(self) -> str:
        """Why changes may be seen late: what can't be watched. Empty if all can."""
        return self._watch.problem

    @property
    def registry(self) -> Registry:
        """Where the last change ended."""
        return self._last

    def close(self) -> None:
        """End the iterator, and give the descriptors back; idempotent.

        A thread that waits for a change gives them back itself, and this waits for it.
        If it is at a refresh that takes long, it does so later.
        """
        self._is_closing = True
        with self._waking:
            if self._wake != NO_DESCRIPTOR:
                os.eventfd_write(self._wake, 1)
        if self._turn.acquire(timeout=CLOSING_S):
            try:
                # If somebody waits, it is what a signal handler that calls this has
                # interrupted.
                if not self._is_waiting:
                    self._let_go()
            finally:
                self._turn.release()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Change:
        with self._turn:
            change = None
            self._is_waiting = True
            try:
                change = self._wait()
            finally:
                self._is_waiting = False
                if change is None or self._is_closing:
                    self._is_closing = True
                    self._let_go()
            if change is None:
                raise StopIteration
            return change

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # A loop that is left early leaves an iterator that nobody can close.
        with suppress(AttributeError):  # it was never made
            self.close()

    def _end_in_child(self) -> None:
        # Nobody is left to release the locks; and to wake one who waits would wake the
        # parent.
        self._turn, self._waking = threading.RLock(), threading.RLock()
        self._is_closing = True
        self._let_go()

    def _let_go(self) -> None:
        self._watch.close()
        with self._waking:
            wake, self._wake = self._wake, NO_DESCRIPTOR
            if wake != NO_DESCRIPTOR:
                os.close(wake)

    def _wait(self) -> Change | None:
        """The next change; None if this is to end without one."""
        begin = look_at = time.monotonic()
        while not self._is_closing:
            now = time.monotonic()
            if now >= look_at:
                # The first time as well: of what nobody waited for, there may be no
                # event left, or there never was one.
                self._watch.check()
                look_at = now + (POLL_S if self._watch.problem else LOOK_S)
                news = True
            else:
                news = self._watch.read()
            change = self._look() if news else None
            if change is not None:
                return change
            give_up_at = look_at if self._timeout_s is None else begin + self._timeout_s
            if self._timeout_s is not None and time.monotonic() >= give_up_at:
                return None
            if not self._sleep_until(min(look_at, give_up_at)):
                return None
        return None

    def _look(self) -> Change | None:
        # The newest registry may be another thread's doing: what counts is how it
        # differs from the last that was seen here.
        change = difference(self._last, self._refresh())
        self._last = change.after
        return change if change.has_news else None

    def _sleep_until(self, moment: float) -> bool:
        """Sleep until then, or until something happens; False if nobody listens."""
        poller = select.poll()
        # A signal handler may fork at any place here, and all is closed in the child.
        for descriptor in (self._wake, self._watch.fileno()):
            if descriptor != NO_DESCRIPTOR:
                poller.register(descriptor, select.POLLIN)
        if self._listener != NO_DESCRIPTOR:
            # No event is asked for: an error and a hang-up are always reported.
            poller.register(self._listener, 0)
        left_s = max(0.0, moment - time.monotonic())
        ready = poller.poll(left_s * MS_PER_S)
        return all(descriptor != self._listener for descriptor, _ in ready)
