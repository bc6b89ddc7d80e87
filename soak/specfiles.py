"""The spec files of the node: one for each class, rewritten to ever new generations.

What is where, and since when, is in a timeline for each class; None stands for no spec.
"""

from __future__ import annotations

import json
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from soak import marks
from soak.timeline import Timeline

NODE_MODE = 0o666
FIRST = 1


class SpecFiles:
    """The spec directory below ``folder``, and what its specs need on the host.

    ``lock`` is for who has plans with the directory that a rewrite would cross.
    """

    def __init__(self, folder: Path) -> None:
        self.spec_dir = folder / "cdi"
        self.lock = threading.RLock()
        self._host = folder / "host"
        self._aside = folder / "aside"
        self._generations = count(FIRST)
        self._is_unseen = False
        self._timelines: dict[str, Timeline[int | None]] = {}
        for path in (self.spec_dir, self._host, self._aside):
            path.mkdir(parents=True)
        _make_host(self._host)
        for class_ in marks.KINDS:
            self._timelines[class_] = Timeline(None, time.monotonic())
            self.rewrite(class_)

    def path(self, class_: str) -> Path:
        return self.spec_dir / f"{class_}.json"

    def during(self, begin: float, end: float) -> dict[str, frozenset[int | None]]:
        """The generations that each class can have had."""
        return {
            class_: each.during(begin, end) for class_, each in self._timelines.items()
        }

    def past(self, begin: float, within_s: float) -> dict[str, dict[int | None, float]]:
        """What each class had shortly before, and how many seconds before."""
        return {
            class_: each.past(begin, within_s)
            for class_, each in self._timelines.items()
        }

    def rewrite(self, class_: str, *, age_s: float = 0.0) -> None:
        """Put a new generation in place, with a modification time of so long ago."""
        with self.lock:
            generation = next(self._generations)
            new = self._write(class_, generation, self._aside / f"{class_}.new")
            if age_s:
                then = time.time() - age_s
                os.utime(new, (then, then))
            self._timelines[class_].begin(generation, time.monotonic())
            new.rename(self.path(class_))
            if not self._is_unseen:
                self._timelines[class_].settle(time.monotonic())

    def rewrite_all(self, *, age_s: float = 0.0) -> None:
        for class_ in marks.KINDS:
            self.rewrite(class_, age_s=age_s)

    def write_rival(self, class_: str) -> Path:
        """A second spec of the same devices: nobody gets them while it is there."""
        rival = self.spec_dir / f"rival-{class_}.json"
        new = self._write(class_, next(self._generations), self._aside / "rival.new")
        return new.rename(rival)

    @contextmanager
    def gone(
        self,
        remove: Callable[[], object],
        restore: Callable[[], object],
        classes: Iterable[str] = tuple(marks.KINDS),
        *,
        is_seen: bool = True,
    ) -> Iterator[None]:
        """These classes' specs are gone while the block runs.

        If their going ``is_seen`` at once, nobody gets their devices in the block; if
        not, who asks can still get them.
        """
        with self.lock:
            kept = {class_: self._timelines[class_].value for class_ in classes}
            self._begin(dict.fromkeys(kept))
            remove()
            if is_seen:
                self._settle(kept)
            try:
                yield
            finally:
                self._begin(kept)
                restore()
                self._settle(kept)

    @contextmanager
    def unseen(self) -> Iterator[None]:
        """Rewrites in this block need not be seen before its end."""
        with self.lock:
            self._is_unseen = True
            try:
                yield
            finally:
                self._is_unseen = False
                self._settle(self._timelines)

    def _begin(self, generations: Mapping[str, int | None]) -> None:
        for class_, generation in generations.items():
            self._timelines[class_].begin(generation, time.monotonic())

    def _settle(self, classes: Iterable[str]) -> None:
        for class_ in classes:
            self._timelines[class_].settle(time.monotonic())

    def _write(self, class_: str, generation: int, path: Path) -> Path:
        path.write_text(json.dumps(marks.spec(class_, generation, self._host)))
        return path


def _make_host(folder: Path) -> None:
    for remainder, minor in enumerate(marks.MINORS):
        marks.host_file(folder, remainder).write_text("library\n")
        for device in marks.every_device():
            path = marks.host_node(folder, device, remainder)
            os.mknod(path, stat.S_IFCHR | NODE_MODE, os.makedev(marks.MAJOR, minor))
            path.chmod(NODE_MODE)
