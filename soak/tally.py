"""What the workers and the chaos have counted, and what they found wrong."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass

from soak.verdict import BAD, Outcome, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that must not be; ``at_s`` is since the start."""

    at_s: float
    what: str
    during: str
    details: str

    def __str__(self) -> str:
        return f"{self.at_s:8.2f} s, {self.during}: {self.what}: {self.details}"


class Tally:
    """Counts and findings, for any number of threads.

    ``fault`` is the name of the fault that is going on, or that was the last.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self.fault = "start"
        self.outcomes: Counter[Outcome] = Counter()
        self.asked: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.skipped: dict[str, str] = {}
        self.back_s: dict[str, list[float]] = defaultdict(list)
        self.creations_s: list[float] = []
        self.findings: list[Finding] = []
        self.started = 0
        self.drifted = 0
        self.stale_s: dict[str, list[float]] = defaultdict(list)
        self.log_lost: Counter[str] = Counter()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    @property
    def containers(self) -> int:
        """Those that were made, rightly or not."""
        made = (Outcome.GRANTED, Outcome.NOTHING, Outcome.AWAY, Outcome.WRONG)
        return sum(self.outcomes[each] for each in made)

    def judge(self, name: str, ask: str, verdict: Verdict, took_s: float) -> None:
        """A request is over."""
        with self._lock:
            self.outcomes[verdict.outcome] += 1
            self.asked[ask] += 1
            if verdict.outcome in (Outcome.GRANTED, Outcome.NOTHING):
                self.creations_s.append(took_s)
            if verdict.stale_s:
                self.stale_s[self.fault].append(verdict.stale_s)
            if verdict.outcome is Outcome.REFUSED:
                self.refusals[verdict.reason] += 1
        if verdict.outcome in BAD:
            self.find(
                verdict.outcome, f"{name} ({ask}, {took_s:.3f} s): {verdict.reason}"
            )

    def find(self, what: str, details: str) -> None:
        """Something is wrong."""
        with self._lock:
            self.findings.append(
                Finding(
                    at_s=self.seconds, what=what, during=self.fault, details=details
                )
            )

    def count(self, fault: str, back_s: float | None) -> None:
        """A fault is over; the plugin was back so long after it, if it was away."""
        with self._lock:
            self.faults[fault] += 1
            if back_s is not None:
                self.back_s[fault].append(back_s)
