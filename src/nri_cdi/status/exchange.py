"""One request and its answer on a connection: bytes in, bytes out, no I/O.

A connection has one request, and its body is not read. What comes behind it is nobody's
concern, as the connection is closed.
"""

from __future__ import annotations

from collections.abc import Iterator

import h11

from nri_cdi.status.site import (
    BAD_REQUEST,
    HEAD_TOO_LARGE,
    HEADERS,
    METHOD_NOT_ALLOWED,
    MISDIRECTED,
    NOT_FOUND,
    OK,
    UNAVAILABLE,
    VERSION_NOT_SUPPORTED,
    Answer,
    Request,
    line,
)

# Bytes of a request without its body, and its lines: each takes some time to parse.
HEAD_LIMIT = 16 * 1024
LINES_LIMIT = 100

# What is given to the socket at a time.
PIECE_LENGTH = 64 * 1024

_HEAD = b"HEAD"

# Source: RFC 9110, section 15.
_REASONS = {
    OK: "OK",
    BAD_REQUEST: "Bad Request",
    NOT_FOUND: "Not Found",
    METHOD_NOT_ALLOWED: "Method Not Allowed",
    MISDIRECTED: "Misdirected Request",
    HEAD_TOO_LARGE: "Request Header Fields Too Large",
    UNAVAILABLE: "Service Unavailable",
    VERSION_NOT_SUPPORTED: "HTTP Version Not Supported",
}


class Exchange:
    """Reads a request, and writes the answer to it."""

    def __init__(self) -> None:
        self._connection = h11.Connection(
            h11.SERVER, max_incomplete_event_size=HEAD_LIMIT
        )
        self._lines = 0
        self._method = b""

    def receive_data(self, data: bytes) -> Request | Answer | None:
        """Take some bytes: the request, or the answer to what is none, or not yet."""
        self._lines += data.count(b"\n")
        if self._lines > LINES_LIMIT and self._connection.their_state is h11.IDLE:
            return line(HEAD_TOO_LARGE, f"a request has {LINES_LIMIT} lines at most")
        try:
            self._connection.receive_data(data)
            event = self._connection.next_event()
        except h11.RemoteProtocolError as error:
            return _complaint(error)
        if not isinstance(event, h11.Request):
            return None
        self._method = event.method
        return _request(event)

    def encode(self, answer: Answer) -> Iterator[bytes]:
        """The answer's bytes, in pieces."""
        headers = [
            ("Content-Type", answer.type),
            ("Content-Length", str(sum(map(len, answer.body)))),
            ("Connection", "close"),
            *HEADERS,
        ]
        if answer.allow:
            headers.append(("Allow", answer.allow))
        response = h11.Response(
            status_code=answer.status, headers=headers, reason=_REASONS[answer.status]
        )
        yield self._connection.send(response) or b""
        if self._method != _HEAD:
            for piece in answer.body:
                yield from self._body(piece)

    def _body(self, piece: bytes) -> Iterator[bytes]:
        for start in range(0, len(piece), PIECE_LENGTH):
            data = h11.Data(data=piece[start : start + PIECE_LENGTH])
            yield self._connection.send(data) or b""


def _complaint(error: h11.RemoteProtocolError) -> Answer:
    if error.error_status_hint == HEAD_TOO_LARGE:
        text = f"a request has {HEAD_LIMIT} bytes at most"
        return line(HEAD_TOO_LARGE, text)
    return line(BAD_REQUEST, "this is no HTTP request")


def _request(event: h11.Request) -> Request:
    headers = dict(event.headers)
    return Request(
        method=event.method,
        target=event.target,
        version=event.http_version,
        host=headers.get(b"host"),
        accept=headers.get(b"accept", b"").decode("latin-1"),
    )
