"""Containers that were created while the plugin was away, until it has told of them.

The plugin has to find each of them when it is synchronized next, as a container that
runs without the devices that it asks for. So such a container is kept until then.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from soak.claims import Claim
from soak.statusreader import StatusError, read_status
from soak.tally import Tally

FINDING_S = 2.0
"""How long the plugin may read specs before it knows what a container lacks."""

POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A container without its devices; ``made_at`` is when its creation was over."""

    name: str
    ask: str
    pod_id: str
    container_id: str
    claim: Claim | None
    made_at: float


class Suspects:
    """The containers that the plugin has to tell of."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._lock = threading.Lock()
        self._waiting: list[Suspect] = []

    def add(self, suspect: Suspect) -> None:
        with self._lock:
            self._waiting.append(suspect)

    def are_in(self, pod_id: str) -> bool:
        """Whether a pod has one, and must stay."""
        with self._lock:
            return any(each.pod_id == pod_id for each in self._waiting)

    def inspect(
        self, status: Path, synchronized_at: float, remove: Callable[[Suspect], None]
    ) -> None:
        """Look which of them the plugin tells of, and let those go.

        Those that a synchronization can't have missed have to be there.
        """
        with self._lock:
            waiting = list(self._waiting)
        due = {each.container_id for each in waiting if each.made_at < synchronized_at}
        told = self._told(status, due) if waiting else set()
        for suspect in waiting:
            if suspect.container_id in told:
                self._tally.drifted += 1
            elif suspect.container_id in due:
                self._tally.find(
                    "not reported",
                    f"{suspect.name} ({suspect.ask}, {suspect.container_id[:12]}) has "
                    f"no devices, and the plugin doesn't say so",
                )
            else:
                continue
            with self._lock:
                self._waiting.remove(suspect)
            remove(suspect)

    def _told(self, status: Path, due: set[str]) -> set[str]:
        """The containers that the plugin tells of, once it has all that are due."""
        deadline = time.monotonic() + FINDING_S
        told: set[str] = set()
        while True:
            try:
                drifted = read_status(status)["drifted"]
                told = {each["containerId"] for each in drifted}
            except StatusError as error:
                if time.monotonic() > deadline:
                    self._tally.find("no status", str(error))
            if due <= told or time.monotonic() > deadline:
                return told
            time.sleep(POLL_S)
