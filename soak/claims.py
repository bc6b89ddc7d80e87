"""Who holds the exclusive devices, as seen from outside.

Seen from outside nothing is exact: a container holds its device from some moment of its
creation on until some moment of its removal. What is surely wrong is two that hold it
when both creations were over and neither removal had begun, and a refusal at a time
when nobody can have held it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from soak.marks import Device

KEPT = 512


@dataclass(slots=True, kw_only=True)
class Claim:
    """A container that got, or may have got, exclusive devices; times of its life."""

    container: str
    devices: tuple[Device, ...]
    asked_at: float
    got_at: float = math.inf
    leaving_at: float = math.inf
    gone_at: float = math.inf


class Claims:
    """The claims of all workers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claims: list[Claim] = []

    def ask(self, container: str, devices: Sequence[Device], at: float) -> Claim:
        """A container is about to be created."""
        claim = Claim(container=container, devices=tuple(devices), asked_at=at)
        with self._lock:
            done = [each for each in self._claims if each.gone_at < math.inf]
            gone = set(map(id, done[:-KEPT]))
            self._claims = [each for each in self._claims if id(each) not in gone]
            self._claims.append(claim)
        return claim

    def get(self, claim: Claim, at: float) -> list[str]:
        """It has its devices; who else has one of them, in words."""
        with self._lock:
            claim.got_at = at
            return [
                f"{other.container} has {device} as well, for {at - other.got_at:.3f} s"
                for other in self._claims
                for device in set(other.devices) & set(claim.devices)
                if other is not claim and other.got_at <= at < other.leaving_at
            ]

    def lose(self, claim: Claim, at: float) -> None:
        """It was refused, or got nothing, or is gone."""
        with self._lock:
            claim.leaving_at = min(claim.leaving_at, at)
            claim.gone_at = at

    def leave(self, claim: Claim, at: float) -> None:
        """Its removal begins."""
        with self._lock:
            claim.leaving_at = at

    def can_be_held(self, claim: Claim, at: float) -> bool:
        """Whether another can have held one of the devices since this one asked."""
        with self._lock:
            return any(
                other.asked_at <= at and other.gone_at >= claim.asked_at
                for other in self._claims
                if other is not claim and set(other.devices) & set(claim.devices)
            )
