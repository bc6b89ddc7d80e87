"""Messages as bytes, however the bytes are cut."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nri_cdi.errors import LocalProtocolError, RemoteProtocolError
from nri_cdi.ttrpc.frames import (
    HEADER,
    MAX_INBOUND,
    MAX_OUTBOUND,
    Message,
    MessageReader,
    MessageType,
    OversizedMessage,
    encode,
)

LIMIT = 16
TOO_LONG = LIMIT + 1

# Name, bytes, and the messages that a reader with a limit of LIMIT makes of them.
VECTORS: list[tuple[str, bytes, list[Message | OversizedMessage]]] = [
    ("nothing", b"", []),
    (
        "request",
        bytes.fromhex("00000003 00000001 01 00 616263"),
        [Message(1, MessageType.REQUEST, 0, b"abc")],
    ),
    (
        "response without body",
        bytes.fromhex("00000000 00000003 02 00"),
        [Message(3, MessageType.RESPONSE, 0, b"")],
    ),
    (
        "data with flags",
        bytes.fromhex("00000001 00000005 03 05 78"),
        [Message(5, MessageType.DATA, 5, b"x")],
    ),
    (
        "unknown type, highest id, all flags",
        bytes.fromhex("00000001 ffffffff ff ff 78"),
        [Message(0xFFFFFFFF, 255, 255, b"x")],
    ),
    (
        "body at the limit",
        bytes.fromhex("00000010 00000001 01 00") + b"x" * LIMIT,
        [Message(1, 1, 0, b"x" * LIMIT)],
    ),
    (
        "body over the limit",
        bytes.fromhex("00000011 00000001 01 00") + b"x" * TOO_LONG,
        [OversizedMessage(stream_id=1, type=1, length=TOO_LONG)],
    ),
    (
        "two over the limit around one",
        bytes.fromhex("00000012 00000001 01 00")
        + b"\0" * 18
        + bytes.fromhex("00000001 00000003 01 00 78")
        + bytes.fromhex("00000020 00000005 02 00")
        + b"\xff" * 32,
        [
            OversizedMessage(stream_id=1, type=1, length=18),
            Message(3, 1, 0, b"x"),
            OversizedMessage(stream_id=5, type=2, length=32),
        ],
    ),
]
CASES = pytest.mark.parametrize(
    ("data", "messages"),
    [pytest.param(data, messages, id=name) for name, data, messages in VECTORS],
)


def read(
    pieces: Iterable[bytes], reader: MessageReader
) -> list[Message | OversizedMessage]:
    return [message for piece in pieces for message in reader.receive_data(piece)]


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@CASES
def test_read_whole(data: bytes, messages: list[Message | OversizedMessage]) -> None:
    reader = MessageReader(LIMIT)
    assert reader.receive_data(data) == messages
    assert not reader.mid_message


@CASES
def test_read_byte_by_byte(
    data: bytes, messages: list[Message | OversizedMessage]
) -> None:
    reader = MessageReader(LIMIT)
    assert read((bytes([byte]) for byte in data), reader) == messages
    assert not reader.mid_message


@CASES
@pytest.mark.parametrize("trailing", [b"\0", bytes(9), bytes.fromhex("01" + "00" * 9)])
def test_read_with_trailing_bytes(
    data: bytes, messages: list[Message | OversizedMessage], trailing: bytes
) -> None:
    reader = MessageReader(LIMIT)
    assert reader.receive_data(data + trailing)[: len(messages)] == messages
    assert reader.mid_message


@given(
    st.lists(
        st.tuples(
            st.integers(0, 0xFFFFFFFF),
            st.integers(0, 255),
            st.integers(0, 255),
            st.binary(max_size=2 * LIMIT),
        ),
        max_size=8,
    ),
    st.lists(st.integers(0, 400), max_size=12),
)
@settings(deadline=None)
def test_any_cut_gives_the_same_messages(
    parts: list[tuple[int, int, int, bytes]], places: list[int]
) -> None:
    data = b"".join(
        b"".join(encode(stream_id, type_, body, flags=flags))
        for stream_id, type_, flags, body in parts
    )
    expected = [
        Message(stream_id, type_, flags, body)
        if len(body) <= LIMIT
        else OversizedMessage(stream_id=stream_id, type=type_, length=len(body))
        for stream_id, type_, flags, body in parts
    ]
    assert read(cut(data, places), MessageReader(LIMIT)) == expected


@given(st.lists(st.binary(max_size=64)))
@settings(deadline=None)
def test_every_sequence_of_bytes_is_one_of_messages(pieces: list[bytes]) -> None:
    reader = MessageReader(LIMIT)
    messages = read(pieces, reader)
    sizes = (
        m.length if isinstance(m, OversizedMessage) else len(m.body) for m in messages
    )
    assert messages == read([b"".join(pieces)], MessageReader(LIMIT))
    assert reader.mid_message == (
        sum(HEADER.size + size for size in sizes) != sum(map(len, pieces))
    )


@pytest.mark.parametrize("size", [0, 1, 4086, 4096, MAX_OUTBOUND])
def test_a_body_of_each_size_comes_back(size: int) -> None:
    body = b"b" * size
    header, same = encode(7, MessageType.REQUEST, body)
    assert same is body
    assert MessageReader().receive_data(header + body) == [Message(7, 1, 0, body)]


def test_a_body_over_the_limit_is_not_sent() -> None:
    with pytest.raises(LocalProtocolError) as caught:
        encode(7, MessageType.RESPONSE, bytes(MAX_OUTBOUND + 1))
    assert str(caught.value) == (
        "message of 4194305 bytes on stream 7: must be at most 4194304"
    )


def test_a_message_of_64_mib_comes_in_pieces_of_4_kib() -> None:
    reader = MessageReader()
    assert not reader.receive_data(HEADER.pack(MAX_INBOUND, 1, 1, 0))
    piece = bytes(4096)
    messages = read([piece] * (MAX_INBOUND // len(piece)), reader)
    assert [(m.stream_id, len(m.body)) for m in messages if isinstance(m, Message)] == [
        (1, MAX_INBOUND)
    ]


def test_one_byte_more_than_64_mib_is_too_long() -> None:
    assert MessageReader().receive_data(HEADER.pack(MAX_INBOUND + 1, 1, 1, 0)) == [
        OversizedMessage(stream_id=1, type=1, length=MAX_INBOUND + 1)
    ]


def test_an_oversized_body_is_never_kept() -> None:
    reader = MessageReader(LIMIT)
    piece = bytes(4096)
    reader.receive_data(HEADER.pack(256 * len(piece), 1, 1, 0))
    tracemalloc.start()
    try:
        for _ in range(256):
            assert reader.receive_data(piece) == []
        assert tracemalloc.get_traced_memory()[1] < len(piece)
    finally:
        tracemalloc.stop()
    assert reader.receive_data(HEADER.pack(0, 3, 1, 0)) == [Message(3, 1, 0, b"")]


def test_a_message_that_comes_whole_is_copied_once() -> None:
    data = HEADER.pack(1 << 20, 1, 1, 0) + bytes(1 << 20)
    reader = MessageReader()
    tracemalloc.start()
    try:
        messages = reader.receive_data(data)
        assert tracemalloc.get_traced_memory()[1] < 1.1 * len(data)
    finally:
        tracemalloc.stop()
    assert len(messages) == 1


def test_the_end_between_messages_is_fine() -> None:
    reader = MessageReader()
    reader.receive_data(HEADER.pack(0, 1, 1, 0))
    assert not reader.ended
    reader.receive_eof()
    assert reader.ended


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\0", id="within a header"),
        pytest.param(HEADER.pack(1, 1, 1, 0), id="before a body"),
        pytest.param(HEADER.pack(2, 1, 1, 0) + b"x", id="within a body"),
        pytest.param(HEADER.pack(TOO_LONG, 1, 1, 0), id="within an oversized body"),
    ],
)
def test_the_end_within_a_message_is_the_peers_fault(data: bytes) -> None:
    reader = MessageReader(LIMIT)
    reader.receive_data(data)
    with pytest.raises(RemoteProtocolError) as caught:
        reader.receive_eof()
    assert str(caught.value) == "connection closed by the peer within a message"
    assert not reader.mid_message


def test_nothing_comes_after_the_end() -> None:
    reader = MessageReader()
    reader.receive_eof()
    with pytest.raises(LocalProtocolError) as caught:
        reader.receive_data(b"x")
    assert str(caught.value) == "data received after the end of the connection"
