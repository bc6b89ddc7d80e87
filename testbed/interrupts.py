"""What a signal that ends the program does while a runtime has to be cleaned up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping
from types import FrameType
from typing import TypeAlias

Handler: TypeAlias = Callable[[int, FrameType | None], object] | int | None

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def raise_interrupts() -> Mapping[int, Handler]:
    """Let each ending signal raise KeyboardInterrupt; return the handlers before."""
    return _replace(_interrupt)


def ignore_interrupts() -> Mapping[int, Handler]:
    """Let ending signals pass without effect; return the handlers before."""
    return _replace(signal.SIG_IGN)


def restore(handlers: Mapping[int, Handler]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _replace(handler: Handler) -> Mapping[int, Handler]:
    # Python allows it in the main thread only; a signal ends that one, not the others.
    if threading.current_thread() is not threading.main_thread():
        return {}
    # What is ignored already stays so: under nohup(1), SIGHUP.
    taken = [each for each in ENDING if signal.getsignal(each) != signal.SIG_IGN]
    return {each: signal.signal(each, handler) for each in taken}


def _interrupt(number: int, _: FrameType | None) -> None:
    # Not SystemExit: pytest takes that for a failed test, and goes on to the next.
    raise KeyboardInterrupt(signal.Signals(number).name)
