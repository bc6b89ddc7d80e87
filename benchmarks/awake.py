"""Processors that don't fall asleep while round trips are measured.

Two processes that wait for each other leave a processor idle again and again. A virtual
one then leaves the machine, and comes back with cold caches, later or sooner as the
host's other guests have it. That is not what is to be measured: see
docs/decisions/0005.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# It gives way to every other process at once, and ends with the one that started it.
# Source: sched(7), SCHED_IDLE.
_SPIN = """\
import os, sys
parent, processor = map(int, sys.argv[1:])
os.sched_setaffinity(0, {processor})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while os.getppid() == parent:
    pass
"""


@contextmanager
def awake() -> Iterator[None]:
    """Have something to do for each processor that has nothing else."""
    spinning = [
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _SPIN, str(os.getpid()), str(processor)]
        )
        for processor in sorted(os.sched_getaffinity(0))
    ]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()
