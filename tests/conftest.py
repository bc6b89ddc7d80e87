"""What every test needs, whoever starts them."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let programs under test start with Ctrl-C in force.

    A shell starts what it puts into the background with SIGINT ignored, and what is
    ignored stays so in every child. Source: POSIX, Shell Command Language, 2.12.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
