"""The trunk of an NRI connection: two connections over one byte stream.

    offset 0  u32  connection id
    offset 4  u32  length of the payload
    offset 8  ...  payload

All integers are big endian. Nothing tells of a connection's opening or closing. The
payloads of a connection, one after the other, are its byte stream: where a frame ends
means nothing to a reader here, but much to the Go reader, which takes one frame at a
time and gives up on the trunk when a frame is larger than its buffer. So what is given
to be sent in one piece is sent in one frame.

Source: NRI pkg/net/multiplex/mux.go, ttrpc.go.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from nri_cdi.errors import LocalProtocolError, RemoteProtocolError
from nri_cdi.ttrpc import frames as ttrpc

PLUGIN_SERVICE_CONN = 1
"""Where the plugin serves, and the runtime calls. Source: ttrpc.go."""

RUNTIME_SERVICE_CONN = 2
"""Where the runtime serves, and the plugin calls. Source: ttrpc.go."""

FRAME = struct.Struct(">II")

MAX_OUTBOUND = ttrpc.MAX_OUTBOUND + ttrpc.HEADER.size
"""Longest payload sent, in bytes. Source: mux.go, maxPayloadSize."""

MAX_INBOUND = ttrpc.MAX_INBOUND + ttrpc.HEADER.size
"""Longest payload taken, in bytes: one message with its header.

The reference takes any length. A longer one is no NRI runtime's: the peer is something
else, or has lost its place.
"""

_CONNS = frozenset({PLUGIN_SERVICE_CONN, RUNTIME_SERVICE_CONN})


class Mux:
    """One trunk, as its bytes come and go."""

    def __init__(self, max_frame: int = MAX_INBOUND) -> None:
        """``max_frame`` is the longest payload taken, in bytes."""
        self._max_frame = max_frame
        self._head = b""  # the beginning of a frame's header
        self._conn_id = 0
        self._missing = 0  # bytes of the present frame that are still to come
        self._ended = False

    def receive_data(
        self, data: bytes | bytearray | memoryview
    ) -> list[tuple[int, bytes]]:
        """Take bytes as they come; return (connection id, payload) pairs in order.

        A payload is handed on as far as it has come, so that nothing piles up here.
        What is for another connection is dropped, as the reference does.

        Raises:
            RemoteProtocolError: a frame is too long; the trunk is lost.
            LocalProtocolError: called after the end of the trunk.
        """
        if self._ended:
            raise LocalProtocolError("data received after the end of the trunk")
        payloads: list[tuple[int, bytes]] = []
        position = 0
        while position < len(data):
            if not self._missing:
                position = self._take_header(data, position)
                continue
            end = min(position + self._missing, len(data))
            if self._conn_id in _CONNS:
                payloads.append((self._conn_id, bytes(data[position:end])))
            self._missing -= end - position
            position = end
        return payloads

    def receive_eof(self) -> None:
        """Take note that the peer closed the trunk.

        Raises:
            RemoteProtocolError: it did so within a frame.
        """
        self._ended = True
        if self._head or self._missing:
            raise RemoteProtocolError("trunk closed by the peer within a frame")

    @staticmethod
    def encode(conn_id: int, chunks: Iterable[bytes]) -> list[bytes]:
        """The frames that carry ``chunks``: one each, none for one that is empty.

        A chunk longer than MAX_OUTBOUND takes several frames.

        Raises:
            LocalProtocolError: there is no such connection.
        """
        if conn_id not in _CONNS:
            raise LocalProtocolError(f"connection {conn_id}: must be one of {_ids()}")
        return [
            FRAME.pack(conn_id, len(payload)) + payload
            for chunk in chunks
            for payload in _cut(chunk)
        ]

    def _take_header(self, data: bytes | bytearray | memoryview, position: int) -> int:
        """Read the header of a frame, as far as it has come; return where that ends."""
        end = min(position + FRAME.size - len(self._head), len(data))
        head = self._head + data[position:end]
        if len(head) < FRAME.size:
            self._head = head
            return end
        self._head = b""
        conn_id, length = FRAME.unpack(head)
        if length > self._max_frame:
            self._ended = True
            raise RemoteProtocolError(
                f"frame of {length} bytes on connection {conn_id}: "
                f"must be at most {self._max_frame}"
            )
        self._conn_id, self._missing = conn_id, length
        return end


def _cut(chunk: bytes) -> Sequence[bytes]:
    """The payloads to send for a chunk."""
    if len(chunk) <= MAX_OUTBOUND:
        return (chunk,) if chunk else ()
    starts = range(0, len(chunk), MAX_OUTBOUND)
    return [chunk[start : start + MAX_OUTBOUND] for start in starts]


def _ids() -> str:
    return ", ".join(str(conn_id) for conn_id in sorted(_CONNS))
