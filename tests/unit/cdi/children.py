"""What a child process makes of what it got from its parent."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable

# How long a child may take, in seconds.
DEADLINE_S = 10


def holds_in_child(act: Callable[[], object]) -> bool:
    """Whether a child that is forked now gets something true of ``act``, in time."""
    with warnings.catch_warnings():
        # Of Python 3.12 on, where there are threads: they are what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        holds: object = False
        try:
            signal.alarm(DEADLINE_S)
            holds = act()
        finally:
            os._exit(0 if holds else 1)
    return os.waitpid(child, 0)[1] == 0
