"""How long to wait before the next attempt to connect."""

from __future__ import annotations

from collections.abc import Callable

FIRST_S = 0.05
CEILING_S = 5.0
FACTOR = 2.0


class Backoff:
    """Delays that double up to a ceiling, each shortened at random by up to a half.

    The random part keeps the plugins of a node from coming back in step after their
    runtime restarted: it serves registrations one by one. ``random`` gives numbers from
    0 up to 1.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._delay_s = FIRST_S

    def next(self) -> float:
        """The delay before the next attempt, in seconds."""
        delay_s = self._delay_s * (1 - self._random() / 2)
        self._delay_s = min(self._delay_s * FACTOR, CEILING_S)
        return delay_s

    def reset(self) -> None:
        """The cause is gone: the next delay is the shortest again."""
        self._delay_s = FIRST_S
