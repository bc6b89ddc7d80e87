"""Tells systemd how the service is doing.

Source: sd_notify(3): datagrams of ``KEY=value`` lines to the socket in NOTIFY_SOCKET.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

US_PER_S = 1_000_000

# As sd_notify(3) has it: a ping that is late by some scheduling is still in time.
PINGS_PER_TIMEOUT = 2


def notify(environ: Mapping[str, str], *lines: str) -> bool:
    """Send a state such as ``READY=1``; whether there is someone who listens.

    A service manager that has gone away is no reason to fail: nothing is raised.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        # An abstract socket: its name starts with a NUL byte.
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.settimeout(0)
            manager.sendto("\n".join(lines).encode(), address)
    except OSError:
        return False
    return True


def watchdog_interval_s(environ: Mapping[str, str]) -> float | None:
    """How often to send ``WATCHDOG=1``, in seconds; None where nobody waits for it.

    It is half of the time after which systemd takes the process for hung and ends it.

    Source: sd_watchdog_enabled(3): WATCHDOG_USEC is that time in microseconds, and
    WATCHDOG_PID, where it is set, the one process that is meant.
    """
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    timeout = environ.get("WATCHDOG_USEC", "")
    if not timeout.isdecimal() or not timeout.isascii() or int(timeout) == 0:
        return None
    return int(timeout) / US_PER_S / PINGS_PER_TIMEOUT
