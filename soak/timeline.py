"""What was the case when: values that change, and times that something was so.

All times are in seconds of one monotonic clock, and are given: nothing here looks at
it. What happens takes a while, and a request too, so the question is never what was the
case, but what can have been.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

KEPT = 512
"""How many of the latest values and windows are kept. A request is over in seconds."""


@dataclass(slots=True)
class _Span:
    begin: float
    end: float = math.inf

    def overlaps(self, begin: float, end: float) -> bool:
        return self.begin <= end and self.end >= begin


class Timeline(Generic[T]):
    """A value that changes: from ``begin`` on to the new one, at ``settle`` for sure.

    For any number of threads.
    """

    def __init__(self, value: T, at: float) -> None:
        self._lock = threading.Lock()
        self._states = [(value, _Span(at))]

    @property
    def value(self) -> T:
        """The newest value."""
        return self._states[-1][0]

    def begin(self, value: T, at: float) -> None:
        """From now on it can be this value, and still be the one before."""
        with self._lock:
            self._states = [*self._states[-KEPT:], (value, _Span(at))]

    def settle(self, at: float) -> None:
        """From now on it is the newest value."""
        with self._lock:
            for _, span in self._states[:-1]:
                span.end = min(span.end, at)

    def during(self, begin: float, end: float) -> frozenset[T]:
        """All that it can have been in this time."""
        with self._lock:
            return frozenset(
                value for value, span in self._states if span.overlaps(begin, end)
            )

    def past(self, begin: float, within_s: float) -> dict[T, float]:
        """What it was until not longer than ``within_s`` before, and how long before.

        A value that it can have been at ``begin`` is not among them.
        """
        with self._lock:
            ends: dict[T, float] = {}
            for value, span in self._states:
                ends[value] = max(span.end, ends.get(value, -math.inf))
        return {
            value: begin - end
            for value, end in ends.items()
            if 0 < begin - end <= within_s
        }


class Windows:
    """The times in which something was so. For any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: list[_Span] = []

    def open(self, at: float) -> None:
        """From now on it is so; nothing happens if it is already."""
        with self._lock:
            if not self._spans or self._spans[-1].end < math.inf:
                self._spans = [*self._spans[-KEPT:], _Span(at)]

    def close(self, at: float) -> None:
        """From now on it is so no longer."""
        with self._lock:
            if self._spans:
                self._spans[-1].end = min(self._spans[-1].end, at)

    def overlap(self, begin: float, end: float) -> bool:
        """Whether it was so at some moment of this time."""
        with self._lock:
            return any(span.overlaps(begin, end) for span in self._spans)
