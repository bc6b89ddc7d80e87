"""Tells systemd how the service is doing.

Source: sd_notify(3): datagrams of ``KEY=value`` lines to the socket in NOTIFY_SOCKET.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping


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
