"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The numbers of samples, and of what is on a large node.

    ``round_trips`` are of each plugin, ``wide_round_trips`` those of a pod that asks
    for ``wanted`` devices; ``rereading_s`` is how long the devices are read again each
    time. ``pods`` are those that exist when a plugin connects ``synchronizations``
    times.
    """

    round_trips: int = 3000
    wide_round_trips: int = 1000
    wanted: int = 64
    devices: int = 10_000
    files: int = 100
    rereading_s: float = 10.0
    loads: int = 7
    starts: int = 21
    new_files: int = 200
    pods: int = 1000
    synchronizations: int = 5


FULL = Sizes()
