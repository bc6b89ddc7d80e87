"""The trunk as bytes, and ttrpc over it."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nri_cdi.errors import LocalProtocolError, RemoteProtocolError
from nri_cdi.nri.mux import (
    FRAME,
    MAX_INBOUND,
    MAX_OUTBOUND,
    PLUGIN_SERVICE_CONN,
    RUNTIME_SERVICE_CONN,
    Mux,
)
from nri_cdi.ttrpc.calls import MAX_PAYLOAD, Request, encode_request, encode_success
from nri_cdi.ttrpc.connection import ClientConnection
from nri_cdi.ttrpc.frames import HEADER
from nri_cdi.ttrpc.service import Server, Service

PLUGIN, RUNTIME = PLUGIN_SERVICE_CONN, RUNTIME_SERVICE_CONN
LIMIT = 16
GO_FIRST_FRAME = 4096  # the Go side's bufio.Writer

# Name, bytes, and the payloads in them for the two connections, each as one stream.
VECTORS: list[tuple[str, bytes, bytes, bytes]] = [
    ("nothing", b"", b"", b""),
    ("plugin service", bytes.fromhex("00000001 00000003 616263"), b"abc", b""),
    ("runtime service", bytes.fromhex("00000002 00000003 616263"), b"", b"abc"),
    ("empty payload", bytes.fromhex("00000001 00000000"), b"", b""),
    (
        "one after the other",
        bytes.fromhex(
            "00000001 00000001 61  00000002 00000001 78  00000001 00000001 62"
        ),
        b"ab",
        b"x",
    ),
    ("reserved connection", bytes.fromhex("00000000 00000002 6162"), b"", b""),
    (
        "unknown connections around a known one",
        bytes.fromhex("00000003 00000001 61 00000001 00000001 62 ffffffff 00000001 63"),
        b"b",
        b"",
    ),
    (
        "payload at the limit",
        bytes.fromhex("00000001 00000010") + b"x" * LIMIT,
        b"x" * LIMIT,
        b"",
    ),
]
CASES = pytest.mark.parametrize(
    ("data", "plugin", "runtime"),
    [pytest.param(*row, id=name) for name, *row in VECTORS],
)


def streams(payloads: list[tuple[int, bytes]]) -> tuple[bytes, bytes]:
    """The two connections' bytes; fails if there are empty or foreign payloads."""
    assert {conn_id for conn_id, _ in payloads} <= {PLUGIN, RUNTIME}
    assert all(payload for _, payload in payloads)
    plugin = b"".join(payload for conn_id, payload in payloads if conn_id == PLUGIN)
    runtime = b"".join(payload for conn_id, payload in payloads if conn_id == RUNTIME)
    return plugin, runtime


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def lengths(frames: list[bytes]) -> list[int]:
    """The payloads' lengths; fails unless each item is one frame."""
    headers = [FRAME.unpack_from(frame) for frame in frames]
    assert [length for _, length in headers] == [len(f) - FRAME.size for f in frames]
    return [length for _, length in headers]


@CASES
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_read_whole(
    data: bytes,
    plugin: bytes,
    runtime: bytes,
    kind: type[bytes] | type[bytearray] | type[memoryview],
) -> None:
    mux = Mux(LIMIT)
    payloads = mux.receive_data(kind(data))
    mux.receive_eof()
    assert streams(payloads) == (plugin, runtime)
    assert {type(payload) for _, payload in payloads} <= {bytes}


@CASES
def test_read_byte_by_byte(data: bytes, plugin: bytes, runtime: bytes) -> None:
    mux = Mux(LIMIT)
    payloads = [each for byte in data for each in mux.receive_data(bytes([byte]))]
    mux.receive_eof()
    assert streams(payloads) == (plugin, runtime)


@CASES
@pytest.mark.parametrize(
    "trailing", [b"\0", bytes(7), FRAME.pack(PLUGIN, 1), FRAME.pack(7, 2) + b"x"]
)
def test_read_with_trailing_bytes(
    data: bytes, plugin: bytes, runtime: bytes, trailing: bytes
) -> None:
    mux = Mux(LIMIT)
    assert streams(mux.receive_data(data + trailing)) == (plugin, runtime)
    with pytest.raises(RemoteProtocolError) as caught:
        mux.receive_eof()
    assert str(caught.value) == "trunk closed by the peer within a frame"


def test_a_buffer_can_be_used_again() -> None:
    buffer = bytearray(bytes.fromhex("00000001 00000003 616263"))
    payloads = Mux().receive_data(memoryview(buffer))
    buffer[:] = bytes(len(buffer))
    assert payloads == [(PLUGIN, b"abc")]


@given(
    st.lists(st.tuples(st.integers(0, 4), st.binary(max_size=LIMIT)), max_size=8),
    st.lists(st.integers(0, 400), max_size=12),
)
@settings(deadline=None)
def test_any_cut_of_the_trunk_gives_the_same_bytes(
    frames: list[tuple[int, bytes]], places: list[int]
) -> None:
    data = b"".join(FRAME.pack(i, len(payload)) + payload for i, payload in frames)
    mux = Mux(LIMIT)
    payloads = [each for piece in cut(data, places) for each in mux.receive_data(piece)]
    mux.receive_eof()
    known = [
        (i, payload) for i, payload in frames if i in {PLUGIN, RUNTIME} and payload
    ]
    assert streams(payloads) == streams(known)


@given(st.lists(st.binary(max_size=20), max_size=10))
@settings(deadline=None)
def test_any_bytes_are_taken_or_the_peers_fault(pieces: list[bytes]) -> None:
    mux = Mux(LIMIT)
    taken: list[tuple[int, bytes]] = []
    try:
        for piece in pieces:
            taken += mux.receive_data(piece)
        mux.receive_eof()
    except RemoteProtocolError:
        with pytest.raises(LocalProtocolError):
            mux.receive_data(b"")
    assert len(b"".join(streams(taken))) <= len(b"".join(pieces))


@pytest.mark.parametrize("conn_id", [PLUGIN, RUNTIME, 0, 9])
def test_a_frame_over_the_limit_is_the_peers_fault(conn_id: int) -> None:
    mux = Mux()
    with pytest.raises(RemoteProtocolError) as caught:
        mux.receive_data(FRAME.pack(conn_id, MAX_INBOUND + 1))
    assert str(caught.value) == (
        f"frame of 67108875 bytes on connection {conn_id}: must be at most 67108874"
    )
    with pytest.raises(LocalProtocolError) as late:
        mux.receive_data(b"x")
    assert str(late.value) == "data received after the end of the trunk"
    mux.receive_eof()


def test_a_frame_at_the_limit_is_taken_as_it_comes() -> None:
    mux = Mux()
    mux.receive_data(FRAME.pack(RUNTIME, MAX_INBOUND))
    piece = bytes(1 << 20)
    count, rest = divmod(MAX_INBOUND, len(piece))
    for _ in range(count):
        assert mux.receive_data(piece) == [(RUNTIME, piece)]
    assert mux.receive_data(bytes(rest)) == [(RUNTIME, bytes(rest))]
    mux.receive_eof()


@pytest.mark.parametrize("conn_id", [PLUGIN, 9])
def test_nothing_piles_up(conn_id: int) -> None:
    mux = Mux()
    piece = bytes(4096)
    mux.receive_data(FRAME.pack(conn_id, 512 * len(piece)))
    tracemalloc.start()
    try:
        for _ in range(512):
            mux.receive_data(piece)
        assert tracemalloc.get_traced_memory()[1] < 2 * len(piece)
    finally:
        tracemalloc.stop()
    mux.receive_eof()


def test_nothing_comes_after_the_end() -> None:
    mux = Mux()
    mux.receive_eof()
    with pytest.raises(LocalProtocolError) as caught:
        mux.receive_data(b"")
    assert str(caught.value) == "data received after the end of the trunk"


@pytest.mark.parametrize(
    ("sizes", "frames"),
    [
        ([], []),
        ([0], []),
        ([1], [1]),
        ([10, 3, 0, 10], [10, 3, 10]),
        ([MAX_OUTBOUND], [MAX_OUTBOUND]),
        ([MAX_OUTBOUND + 1, 2], [MAX_OUTBOUND, 1, 2]),
        ([2 * MAX_OUTBOUND], [MAX_OUTBOUND, MAX_OUTBOUND]),
    ],
)
def test_each_chunk_has_its_frame(sizes: list[int], frames: list[int]) -> None:
    chunks = [bytes([index]) * size for index, size in enumerate(sizes)]
    encoded = Mux.encode(RUNTIME, chunks)
    assert lengths(encoded) == frames
    received = Mux().receive_data(b"".join(encoded))
    assert streams(received) == (b"", b"".join(chunks))


@pytest.mark.parametrize("conn_id", [0, 3, -1, 2**32])
def test_nothing_is_sent_on_another_connection(conn_id: int) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        Mux.encode(conn_id, [b"x"])
    assert str(caught.value) == f"connection {conn_id}: must be one of 1, 2"


def echo(request: Request) -> bytes:
    return request.payload


def grow(request: Request) -> bytes:
    return bytes(int(request.payload))


class Trunk:
    """A runtime and a plugin that echoes, with all that they say on the trunk."""

    def __init__(self) -> None:
        self.client = ClientConnection()
        service = Service("svc", {"Echo": echo, "Grow": grow})
        self.server = Server([service], lambda _request, _error: None)
        self.plugin, self.runtime = Mux(), Mux()

    def plugins_frames(self, data: bytes) -> list[bytes]:
        """What the plugin sends when it receives ``data``."""
        for _, payload in self.plugin.receive_data(data):
            assert self.server.receive_data(payload) == []
        return self.plugin.encode(PLUGIN, self.server.data_to_send())

    def runtimes_frames(self) -> list[bytes]:
        """What the runtime sends, framed as the Go side frames it."""
        chunks = []
        pieces = iter(self.client.data_to_send())
        for header in pieces:
            message = header + next(pieces, b"")
            chunks += [message[:GO_FIRST_FRAME], message[GO_FIRST_FRAME:]]
        return self.runtime.encode(PLUGIN, chunks)


@pytest.mark.parametrize(
    "size", [0, 1, 2500, 4086, 4087, 65536, MAX_PAYLOAD - 100, MAX_PAYLOAD - 64]
)
def test_a_call_goes_over_the_trunk_and_back(size: int) -> None:
    trunk = Trunk()
    payload = b"p" * size
    trunk.client.call("svc", "Echo", payload)
    frames = trunk.plugins_frames(b"".join(trunk.runtimes_frames()))
    body = len(encode_success(payload))
    assert lengths(frames) == ([HEADER.size, body] if body else [HEADER.size])
    [(conn_id, header), *rest] = trunk.runtime.receive_data(b"".join(frames))
    data = header + b"".join(payload for _, payload in rest)
    [response] = trunk.client.receive_data(data)
    assert (conn_id, response.status) == (PLUGIN, None)
    assert response.payload == payload


def test_an_answer_that_is_too_long_comes_as_an_error() -> None:
    trunk = Trunk()
    trunk.client.call("svc", "Grow", str(MAX_PAYLOAD + 1).encode())
    frames = trunk.plugins_frames(b"".join(trunk.runtimes_frames()))
    [_, (_, body)] = trunk.runtime.receive_data(b"".join(frames))
    assert lengths(frames) == [HEADER.size, len(body)]
    assert b"answer of 4194300 bytes: must be at most 4194299" in body


def test_a_request_over_4_mib_is_answered() -> None:
    trunk = Trunk()
    body = encode_request("svc", "Grow", b"3", 0, [("k", "v" * 6_036_160)])
    chunks = [HEADER.pack(len(body), 1, 1, 0), body]
    frames = trunk.plugins_frames(b"".join(Mux.encode(PLUGIN, chunks)))
    assert lengths(frames) == [HEADER.size, len(encode_success(bytes(3)))]


@given(
    st.lists(st.integers(0, 9000), min_size=1, max_size=4),
    st.lists(st.integers(0, 40000), max_size=8),
)
@settings(deadline=None, max_examples=50)
def test_any_cut_of_the_trunk_gives_the_same_answers(
    sizes: list[int], places: list[int]
) -> None:
    trunk = Trunk()
    for size in sizes:
        trunk.client.call("svc", "Echo", b"p" * size)
    data = b"".join(trunk.runtimes_frames())
    frames = [f for piece in cut(data, places) for f in trunk.plugins_frames(piece)]
    received = trunk.runtime.receive_data(b"".join(frames))
    responses = [
        r for _, payload in received for r in trunk.client.receive_data(payload)
    ]
    assert [response.payload for response in responses] == [b"p" * n for n in sizes]
