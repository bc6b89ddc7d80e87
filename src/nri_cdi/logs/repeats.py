"""Which faults are written, and which only counted because they repeat.

A fault is a record of level WARNING and above. Nothing less is ever held back: the line
of an injection is the only trace of it.

Nothing here waits or looks at a clock: the time comes with each call, in seconds of a
clock that never goes back.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Hashable
from dataclasses import dataclass

WINDOW_S = 60.0
"""From the first of some equal faults until the number of those held back is told."""

WRITTEN = 5
"""Equal faults that are written within a window."""

LOGGER_WRITTEN = 600
"""Faults of one logger that are written within a window, whatever their texts.

Ten a second: pods whose names are all different would otherwise fill the disk.
"""

TEXTS_LIMIT = 256
"""Texts that are told apart. Of the one that is forgotten the number is told early."""

SHOWN = 512
"""Characters of a fault that the line with the number repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """A line to write: ``count`` faults were held back, of this level at most."""

    logger: str
    level: int
    count: int
    text: str


class _Window:
    """Faults of one kind since the first of them."""

    def __init__(self, logger: str, what: str, limit: int, now: float) -> None:
        self._logger = logger
        self._level = logging.WARNING
        self._what = what
        self._left = limit
        self._started = now
        self.held = 0

    @property
    def end(self) -> float:
        return self._started + WINDOW_S

    def admits(self, level: int) -> bool:
        if self._left:
            self._left -= 1
            return True
        self.held += 1
        self._level = max(self._level, level)
        return False

    def told(self, now: float) -> Repeated:
        past_s = math.ceil(now - self._started)
        past = "minute" if past_s >= WINDOW_S else f"{max(1, past_s)} s"
        return Repeated(
            logger=self._logger,
            level=self._level,
            count=self.held,
            text=f"{self.held} more in the last {past}: {self._what}",
        )


class Repeats:
    """The windows that are open."""

    def __init__(self) -> None:
        # Keys are hashes, as texts may be long. The one that was heard last is last.
        self._texts: dict[Hashable, _Window] = {}
        # As many as the program has loggers.
        self._loggers: dict[Hashable, _Window] = {}
        self._told: list[Repeated] = []

    def admits(self, logger: str, level: int, text: str, now: float) -> bool:
        """Whether a record is to be written; if not, it is counted."""
        if level < logging.WARNING:
            return True
        window = self._of_text(logger, text, now)
        return window.admits(level) and self._of_logger(logger, now).admits(level)

    def due(self, now: float) -> list[Repeated]:
        """What is to be told by now, as windows have ended; each once."""
        for windows in (self._texts, self._loggers):
            for key in [key for key, each in windows.items() if each.end <= now]:
                self._close(windows.pop(key), now)
        told, self._told = self._told, []
        return told

    def rest(self, now: float) -> list[Repeated]:
        """What is to be told at the end of the log, where every window ends."""
        for windows in (self._texts, self._loggers):
            for window in windows.values():
                self._close(window, now)
            windows.clear()
        return self.due(now)

    def next_due(self) -> float | None:
        """When there will be something to tell if nothing else is logged."""
        windows = [*self._texts.values(), *self._loggers.values()]
        return min([each.end for each in windows if each.held], default=None)

    def _open(
        self, windows: dict[Hashable, _Window], key: Hashable, now: float
    ) -> _Window | None:
        """The window under a key, taken out, unless it has ended."""
        window = windows.pop(key, None)
        if window is None or window.end > now:
            return window
        self._close(window, now)
        return None

    def _of_text(self, logger: str, text: str, now: float) -> _Window:
        key = hash((logger, text))
        window = self._open(self._texts, key, now)
        if window is None:
            window = _Window(logger, text[:SHOWN], WRITTEN, now)
        self._texts[key] = window
        if len(self._texts) > TEXTS_LIMIT:
            self._close(self._texts.pop(next(iter(self._texts))), now)
        return window

    def _of_logger(self, logger: str, now: float) -> _Window:
        window = self._open(self._loggers, logger, now)
        if window is None:
            what = f"different warnings and errors of {logger}"
            window = _Window(logger, what, LOGGER_WRITTEN, now)
        self._loggers[logger] = window
        return window

    def _close(self, window: _Window, now: float) -> None:
        if window.held:
            self._told.append(window.told(now))
