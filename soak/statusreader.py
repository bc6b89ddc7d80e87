"""What the plugin says of itself, at its status socket."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

TIMEOUT_S = 5.0
SERVED_S = 5.0
POLL_S = 0.01
OK = 200


class StatusError(RuntimeError):
    """The status can't be had."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def read_status(path: Path) -> Mapping[str, Any]:
    """``/status.json`` of the socket. Raises: StatusError."""
    try:
        connection = _connected(path)
        with closing(connection):
            connection.request("GET", "/status.json")
            answer = connection.getresponse()
            body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise StatusError(f"{path}: {error}") from error
    if answer.status != OK:
        raise StatusError(f"{path}: {answer.status} {body[:200]!r}")
    status: Mapping[str, Any] = json.loads(body)
    return status


def _connected(path: Path) -> _UnixConnection:
    """A connection, as soon as the plugin serves: some time after it is synchronized.

    Raises: OSError.
    """
    deadline = time.monotonic() + SERVED_S
    while True:
        connection = _UnixConnection(path)
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            is_early = isinstance(error, FileNotFoundError | ConnectionRefusedError)
            if not is_early or time.monotonic() > deadline:
                raise
            time.sleep(POLL_S)
        else:
            return connection
