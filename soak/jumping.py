"""``python -m soak.jumping FILE ARGUMENT...``: ``nri-cdi`` with its own wall clock.

It is as many seconds ahead of the machine's as FILE says, at each moment. Everything on
the machine goes by the machine's clock, so that one can't jump for a test. The plugin
asks for the time through Python's ``time`` alone, which is where this comes in between.
The monotonic clock, and the times of files, stay the machine's.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

NS_PER_S = 1_000_000_000

_time, _time_ns = time.time, time.time_ns


def main(clock: Path, arguments: list[str]) -> int:
    """Run the program with these arguments; its exit status comes back."""

    def ahead_s() -> int:
        return int(clock.read_text())

    time.time = lambda: _time() + ahead_s()
    time.time_ns = lambda: _time_ns() + ahead_s() * NS_PER_S
    # Only now: it takes the functions as defaults.
    from nri_cdi.cli import main as run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
