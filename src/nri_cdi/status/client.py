"""Asks a plugin on this machine for its status, over its socket or port."""

from __future__ import annotations

import socket
import time
from contextlib import suppress

import h11

from nri_cdi.address import Address, LoopbackAddress
from nri_cdi.errors import NriCdiError

# The plugin answers within its own 10 s, or closes the connection.
TIMEOUT_S = 12.0

READ_LENGTH = 64 * 1024

# With 10 000 devices a status has some megabytes.
BODY_LIMIT = 256 * 1024 * 1024

_METHOD = b"GET"


class StatusUnavailableError(NriCdiError):
    """Nobody answers at the address; the text says what is wrong, and what to do."""


def fetch(
    address: Address, path: str, timeout_s: float = TIMEOUT_S
) -> tuple[int, bytes]:
    """The status code and the body of what is at ``path``.

    ``timeout_s`` is for all of it.

    Raises: StatusUnavailableError.
    """
    ends_at = time.monotonic() + timeout_s
    try:
        with _connected(address, timeout_s) as connection:
            return _conversation(connection, address, path, ends_at)
    except (OSError, h11.RemoteProtocolError) as error:
        raise StatusUnavailableError(f"{address}: {_reason(error)}") from error


def _connected(address: Address, timeout_s: float) -> socket.socket:
    if isinstance(address, LoopbackAddress):
        return socket.create_connection((address.host, address.port), timeout_s)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.connect(address.path)
    except OSError:
        connection.close()
        raise
    return connection


def _conversation(
    connection: socket.socket, address: Address, path: str, ends_at: float
) -> tuple[int, bytes]:
    protocol = h11.Connection(h11.CLIENT)
    host = str(address) if isinstance(address, LoopbackAddress) else "localhost"
    headers = [("Host", host), ("Connection", "close")]
    request = h11.Request(method=_METHOD, target=path, headers=headers)
    # An answer may be there before the whole request is read.
    with suppress(BrokenPipeError):
        connection.sendall(
            (protocol.send(request) or b"") + (protocol.send(h11.EndOfMessage()) or b"")
        )
    return _answer(connection, protocol, ends_at)


def _answer(
    connection: socket.socket, protocol: h11.Connection, ends_at: float
) -> tuple[int, bytes]:
    status, body = 0, bytearray()
    while True:
        event = protocol.next_event()
        if event is h11.NEED_DATA:
            protocol.receive_data(_received(connection, ends_at))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > BODY_LIMIT:
                raise h11.RemoteProtocolError(f"more than {BODY_LIMIT} bytes")
        elif isinstance(event, h11.EndOfMessage):
            return status, bytes(body)
        else:
            raise h11.RemoteProtocolError("it ended without an answer")


def _received(connection: socket.socket, ends_at: float) -> bytes:
    left_s = ends_at - time.monotonic()
    if left_s <= 0:
        # Whoever sends a byte now and then would keep us for ever.
        raise TimeoutError
    connection.settimeout(left_s)
    return connection.recv(READ_LENGTH)


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return (
            "there is no such socket: the plugin doesn't run, or its configuration has "
            "another status address, or none"
        )
    if isinstance(error, ConnectionRefusedError):
        return "nobody serves there: the plugin doesn't run"
    if isinstance(error, PermissionError):
        return "permission is denied: ask as the user that the plugin runs as, root"
    if isinstance(error, TimeoutError):
        return "no answer in time: the plugin hangs, or has been stopped"
    if isinstance(error, h11.RemoteProtocolError):
        return f"what answers there is no nri-cdi: {error}"
    return (getattr(error, "strerror", None) or str(error)).lower()
