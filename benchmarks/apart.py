"""Two processes that wait for each other, each on a processor of its own.

Left alone, the scheduler puts the one that is woken beside the one that wakes it or on
another processor, and stays with that for minutes: the one way a constant answer takes
100 µs, and the other way 130. Whoever is compared has to have it the same way: see
docs/decisions/0005.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def apart() -> Iterator[Callable[[int], None]]:
    """This process, the runtime's end, runs on the first of its processors meanwhile.

    The function that comes with it puts a plugin, by its process id, on the last one.
    With one processor both are on that.
    """
    before = os.sched_getaffinity(0)

    def put_apart(pid: int) -> None:
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {max(before)})

    os.sched_setaffinity(0, {min(before)})
    try:
        yield put_apart
    finally:
        os.sched_setaffinity(0, before)
