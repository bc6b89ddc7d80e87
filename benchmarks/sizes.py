"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The numbers of samples, and of the devices of a large node.

    ``round_trips`` are of each plugin; ``rereading_s`` is how long the devices are read
    again, once as one file and once as ``files``.
    """

    round_trips: int = 3000
    devices: int = 10_000
    files: int = 100
    rereading_s: float = 10.0
    loads: int = 7
    starts: int = 21
    new_files: int = 200


FULL = Sizes()
