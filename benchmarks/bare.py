"""``python -m benchmarks.bare SOCKET FILE``: a constant answer, and no library at all.

The least that Python can do over the same wire: it reads the frames, finds the stream
id, and answers CreateContainer with the bytes of FILE, whatever the request is.

Source of the layouts: nri_cdi.nri.mux, nri_cdi.ttrpc.frames; ttrpc's request.proto and
NRI's api.proto, for the numbers of the fields.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

FRAME = struct.Struct(">II")
HEADER = struct.Struct(">IIBB")

PLUGIN_CONN, RUNTIME_CONN = 1, 2
REQUEST, RESPONSE = 1, 2
BUFFER = 64 * 1024

RUNTIME_SERVICE = b"nri.pkg.api.v1alpha1.Runtime"

# Fields by their numbers: of ttrpc's Request, of RegisterPluginRequest, and of ttrpc's
# Response.
SERVICE, METHOD, PAYLOAD = 1, 2, 3
NAME, INDEX = 1, 2
ANSWER = 2

EVENTS = b"\x10\x08"
"""A ConfigureResponse that asks for CreateContainer, bit 3, alone."""

# Of a field of bytes in protobuf: its wire type, and the digits of its length.
BYTES = 2
MORE = 0x80


def main(socket_path: str, answer_path: str) -> None:
    """Register, and answer until the runtime closes the connection."""
    create = _field(ANSWER, Path(answer_path).read_bytes())
    configure = _field(ANSWER, EVENTS)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trunk:
        trunk.connect(socket_path)
        trunk.sendall(_frames(RUNTIME_CONN, 1, REQUEST, _registration()))
        for stream_id, body in _requests(trunk):
            if b"CreateContainer" in body:
                answer = create
            elif b"Configure" in body:
                answer = configure
            else:
                answer = b""
            trunk.sendall(_frames(PLUGIN_CONN, stream_id, RESPONSE, answer))


def _requests(trunk: socket.socket) -> Iterator[tuple[int, bytes]]:
    """The stream ids and bodies of the runtime's calls."""
    frames = stream = b""
    while received := trunk.recv(BUFFER):
        frames += received
        while len(frames) >= FRAME.size:
            conn, length = FRAME.unpack_from(frames)
            end = FRAME.size + length
            if len(frames) < end:
                break
            if conn == PLUGIN_CONN:
                stream += frames[FRAME.size : end]
            frames = frames[end:]
        while len(stream) >= HEADER.size:
            length, stream_id, _, _ = HEADER.unpack_from(stream)
            end = HEADER.size + length
            if len(stream) < end:
                break
            yield stream_id, stream[HEADER.size : end]
            stream = stream[end:]


def _registration() -> bytes:
    identity = _field(NAME, b"bare") + _field(INDEX, b"10")
    return (
        _field(SERVICE, RUNTIME_SERVICE)
        + _field(METHOD, b"RegisterPlugin")
        + _field(PAYLOAD, identity)
    )


def _frames(conn: int, stream_id: int, kind: int, body: bytes) -> bytes:
    """A header and a body, each in a frame."""
    header = HEADER.pack(len(body), stream_id, kind, 0)
    frames = FRAME.pack(conn, len(header)) + header
    return frames + FRAME.pack(conn, len(body)) + body if body else frames


def _field(number: int, data: bytes) -> bytes:
    """A field of bytes in protobuf: tag, length and data."""
    digits, rest = [], len(data)
    while rest >= MORE:
        digits.append(rest % MORE | MORE)
        rest //= MORE
    return bytes([number << 3 | BYTES, *digits, rest]) + data


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
