"""What the plugin has decided, and how it stands with the runtime.

It is written by the plugin, on the way of each container, so to write takes no more
than to count. Who shows it reads it: the status page, the metrics.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from nri_cdi.nri.capabilities import RuntimeInfo

# The decisions that are kept. They are for a person to look at.
KEPT = 100

# Upper bounds of a request's time. A runtime waits for 2 s, unless told otherwise.
LATENCY_BOUNDS_S = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.0),
)

# What a decision keeps of a reason.
_REASON_LENGTH = 1024


class Result(StrEnum):
    """What came of a container's request.

    ``DENIED`` is the policy's doing, ``HELD`` an exclusive device's; ``LATE`` was not
    ready before the deadline, or before the connection was lost; ``REJECTED`` lacked
    its devices when all plugins had had their say.
    """

    INJECTED = "injected"
    NOTHING = "nothing"
    REFUSED = "refused"
    DENIED = "denied"
    HELD = "held"
    LATE = "late"
    REJECTED = "rejected"


class Decision(NamedTuple):
    """What became of one container; ``time`` is in seconds since the epoch.

    ``devices`` may have but the first of many, and of a long name the beginning.

    A tuple, unlike other data here: one is made for each container, and a dataclass
    takes four times as long.

    ``mode`` is how the devices went to the runtime: ``resolve``, ``delegate``, or both
    with a plus sign between; it is empty unless they did. ``rule`` names the rules of
    the policy that denied or audited. ``reason`` is for a person.
    """

    time: float
    result: Result
    namespace: str
    pod: str
    container: str
    container_id: str
    devices: tuple[str, ...] = ()
    mode: str = ""
    rule: str = ""
    reason: str = ""
    took_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """A container that was created without devices that it asks for.

    ``lacks`` are these devices, or why its request can't be read. Of them the policy
    would not give it those ``denied``, either.
    """

    namespace: str
    pod: str
    container: str
    container_id: str
    devices: tuple[str, ...]
    lacks: tuple[str, ...]
    denied: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Link:
    """The connection to the runtime; times are in seconds since the epoch.

    ``since`` is when it last changed. ``reason`` says why it is not there.
    """

    runtime: RuntimeInfo | None = None
    connected: bool = False
    synchronized: bool = False
    since: float = 0.0
    synchronized_at: float | None = None
    connections: int = 0
    reason: str = "the plugin has not connected yet"


@dataclass(slots=True)
class Latency:
    """A histogram: ``counts`` has a bucket for each bound, and one for what is over."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS_S) + 1))
    sum_s: float = 0.0

    def observe(self, took_s: float) -> None:
        """Count a request that took so long."""
        self.counts[bisect_left(LATENCY_BOUNDS_S, took_s)] += 1
        self.sum_s += took_s


class Ledger:
    """Counts since the start, and what happened last."""

    def __init__(self) -> None:
        self.decisions: deque[Decision] = deque(maxlen=KEPT)
        self.requests: Counter[Result] = Counter()
        self.injected_by_kind: Counter[str] = Counter()
        self.denied_by_rule: Counter[str] = Counter()
        self.audited_by_rule: Counter[str] = Counter()
        self.latency = Latency()
        self.link = Link()
        self.drifted: tuple[Drifted, ...] = ()
        self.drifted_total = 0

    def record(self, decision: Decision) -> None:
        """Count a decision, and keep it for a while."""
        self.requests[decision.result] += 1
        self.latency.observe(decision.took_s)
        self.decisions.append(decision)

    def injected(self, devices: Iterable[str]) -> None:
        """Count devices that a container got."""
        for device in devices:
            self.injected_by_kind[device.partition("=")[0]] += 1

    def nothing(self) -> None:
        """Count a container that asks for nothing, as most do."""
        self.requests[Result.NOTHING] += 1

    def configured(self, runtime: RuntimeInfo, now: float) -> None:
        """The runtime has taken the plugin in."""
        link = self.link
        link.runtime, link.connected, link.synchronized = runtime, True, False
        link.since, link.reason = now, ""
        link.connections += 1

    def synchronized(self, now: float) -> None:
        """From now on the plugin hears of every container."""
        self.link.synchronized = True
        self.link.synchronized_at = self.link.since = now

    def disconnected(self, reason: str, now: float) -> None:
        """The connection is gone, or could not be made."""
        link = self.link
        if link.connected:
            link.since = now
        link.connected = link.synchronized = False
        link.reason = reason

    def found_drifted(self, drifted: tuple[Drifted, ...]) -> None:
        """Keep what a synchronization found; each container counts once."""
        known = {each.container_id for each in self.drifted}
        self.drifted_total += sum(each.container_id not in known for each in drifted)
        self.drifted = drifted

    def gone(self, container_id: str) -> None:
        """A container has stopped; what it lacked no longer matters."""
        if self.drifted:
            self.drifted = tuple(
                each for each in self.drifted if each.container_id != container_id
            )


def shortened(reason: str) -> str:
    """A reason as a decision keeps it."""
    return reason if len(reason) <= _REASON_LENGTH else reason[:_REASON_LENGTH] + "…"
