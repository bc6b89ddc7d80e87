"""Where lines of the log go: a descriptor, or syslog.

To write there can take as long as the reader likes, so this is for a thread of its own.
A line that can't be written is lost, and the next one that can is preceded by how many
were.
"""

from __future__ import annotations

import errno
import os
import select
import socket
from typing import Protocol

from nri_cdi.logs.formats import priority

STDERR = 2

SYSLOG_SOCKET = "/dev/log"

# syslog(3): the facility daemon, beside which a priority stands.
_FACILITY = 3 << 3

# How long a reader may stand still that made the descriptor one that never blocks.
PATIENCE_S = 1.0

MS_PER_S = 1000


class Output(Protocol):
    """Takes lines."""

    def write(self, level: int, line: str) -> None:
        """Write a line, of one of logging's levels. Raises: OSError, and it is lost."""

    def close(self) -> None:
        """Let go of what it writes to."""


class DescriptorOutput:
    """Writes lines to a descriptor, past Python's buffered stream.

    The stream has a lock. A thread that is stuck in a write would keep it, and the end
    of the process would wait for it.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._torn = False

    def write(self, level: int, line: str) -> None:
        """As `Output.write`."""
        # A full disk takes a part of a line, and the next one is not to continue it.
        data = memoryview(b"\n" * self._torn + f"{line}\n".encode())
        written = 0
        try:
            while written < len(data):
                written += self._write(data[written:])
        finally:
            if written:
                self._torn = written < len(data)

    def close(self) -> None:
        """Nothing: the descriptor is the process's."""

    def _write(self, data: memoryview) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            # Whoever shares the pipe or the terminal can have said that nobody waits.
            poll = select.poll()
            poll.register(self._descriptor, select.POLLOUT)
            poll.poll(PATIENCE_S * MS_PER_S)
            return os.write(self._descriptor, data)


class SyslogOutput:
    """Sends lines to the node's syslog as datagrams, or as a stream where it is one."""

    def __init__(self, path: str, name: str) -> None:
        self._path = path
        self._name = f"{name}[{os.getpid()}]"
        self._socket: socket.socket | None = None

    def write(self, level: int, line: str) -> None:
        """As `Output.write`."""
        number = _FACILITY | priority(level)
        data = f"<{number}>{self._name}: {line}\0".encode()
        known = self._socket is not None
        try:
            self._send(data)
        except OSError:
            self.close()
            if not known:
                raise
            # It has been started again since the last line.
            self._send(data)

    def close(self) -> None:
        """Close the socket; another write opens one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, data: bytes) -> None:
        if self._socket is None:
            self._socket = _connected(self._path)
        self._socket.sendall(data)


def _connected(path: str) -> socket.socket:
    """Raises: OSError, if nobody listens."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        connection = socket.socket(socket.AF_UNIX, kind)
        try:
            connection.connect(path)
        except OSError as error:
            connection.close()
            if error.errno == errno.EPROTOTYPE and kind is socket.SOCK_DGRAM:
                continue
            raise
        return connection
    raise AssertionError("the last kind was tried, and nothing raised")
