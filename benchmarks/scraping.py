"""``python -m benchmarks.scraping SOCKET``: reads a plugin's status again and again.

What a Prometheus and a person with the page open do to a plugin. Runs until it is
killed.
"""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

from benchmarks.processes import BenchmarkError

PATHS = ("/metrics", "/status.json", "/")

PAUSE_S = 2.0
"""Between two rounds: a Prometheus comes every 15 s or so, and a page every 5 s."""

DEADLINE_S = 10.0
BUFFER = 64 * 1024


class ScrapeError(BenchmarkError):
    """The plugin's status can't be had."""


def main(socket_path: Path) -> None:
    """Read everything, again and again."""
    while True:
        scrape(socket_path)
        time.sleep(PAUSE_S)


def scrape(socket_path: Path) -> None:
    """Read everything once. Raises: ScrapeError, OSError."""
    for path in PATHS:
        status_line, _, _ = _get(socket_path, path).partition(b"\r\n")
        if status_line.split(b" ")[1:2] != [b"200"]:
            raise ScrapeError(f"{path}: {status_line[:80]!r}")


def _get(socket_path: Path, path: str) -> bytes:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    received = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(DEADLINE_S)
        connection.connect(str(socket_path))
        connection.sendall(request.encode())
        while data := connection.recv(BUFFER):
            received.append(data)
    return b"".join(received)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
