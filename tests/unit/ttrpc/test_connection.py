"""Both ends of a connection: alone against bytes, and joined back to back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nri_cdi.errors import LocalProtocolError, RemoteProtocolError
from nri_cdi.ttrpc.calls import (
    MAX_PAYLOAD,
    Request,
    Response,
    decode_request,
    decode_response,
    encode_failure,
    encode_request,
    encode_success,
)
from nri_cdi.ttrpc.connection import ClientConnection, ServerConnection
from nri_cdi.ttrpc.frames import (
    HEADER,
    MAX_INBOUND,
    MAX_OUTBOUND,
    Message,
    MessageReader,
    MessageType,
    encode,
)
from nri_cdi.ttrpc.status import MAX_MESSAGE, Code, Status

LIMIT = 64
REQUEST, RESPONSE, DATA = MessageType.REQUEST, MessageType.RESPONSE, MessageType.DATA
CALL = encode_request("svc", "Do", b"in", 0, ())

EVEN = Status(3, "StreamID must be odd for client initiated streams")
USED = Status(3, "StreamID cannot be re-used and must increment")
INACTIVE = Status(3, "StreamID is no longer active")
EXPIRED = Status(4, "context deadline exceeded")
LATE_CALL = encode_request("svc", "Do", b"in", -1, ())
LONG = bytes(LIMIT + 1)
OVERSIZED = Status(8, f"message length 65 exceed maximum message size of {LIMIT}")


def message(
    stream_id: int, type_: int = REQUEST, body: bytes = CALL, flags: int = 0
) -> bytes:
    return b"".join(encode(stream_id, type_, body, flags=flags))


def sent(connection: ServerConnection | ClientConnection) -> list[Message]:
    """The messages to send; fails unless each is its header, then its body if any."""
    chunks = connection.data_to_send()
    messages = MessageReader().receive_data(b"".join(chunks))
    found = [each for each in messages if isinstance(each, Message)]
    expected = []
    for each in found:
        header = HEADER.pack(len(each.body), each.stream_id, each.type, each.flags)
        expected += [header, each.body] if each.body else [header]
    assert chunks == expected
    return found


def answers(server: ServerConnection) -> list[Response]:
    messages = sent(server)
    assert {(each.type, each.flags) for each in messages} <= {(RESPONSE, 0)}
    return [decode_response(each.stream_id, each.body) for each in messages]


def refused(stream_id: int, status: Status) -> Response:
    return Response(stream_id=stream_id, status=status, payload=b"")


def success(stream_id: int) -> Response:
    return Response(stream_id=stream_id, status=None, payload=b"out")


def undecodable(decode: Callable[[int, bytes], object], code: int) -> Response:
    """The refusal of what ``decode`` can't read: the text is partly protobuf's."""
    with pytest.raises(RemoteProtocolError) as caught:
        decode(1, b"\xff")
    return refused(1, Status(code, str(caught.value)))


NO_REQUEST = undecodable(decode_request, Code.INVALID_ARGUMENT)
NO_RESPONSE = undecodable(decode_response, Code.INTERNAL)


class Pair:
    """A client and a server, joined back to back."""

    def __init__(self) -> None:
        self.client = ClientConnection()
        self.server = ServerConnection()

    def to_server(self) -> list[Request]:
        return self.server.receive_data(b"".join(self.client.data_to_send()))

    def to_client(self) -> list[Response]:
        return self.client.receive_data(b"".join(self.server.data_to_send()))


# What a client may do wrong: the calls that come out in spite of it (by stream id), the
# answers that it gets at once, and the calls whose own answer it gets in the end.
# Source: ttrpc server.go, serverConn.run.
MISTAKES: list[tuple[str, bytes, list[int], list[Response], list[int]]] = [
    ("even id", message(2), [], [refused(2, EVEN)], []),
    ("id 0", message(0), [], [refused(0, EVEN)], []),
    ("data on an even id", message(2, DATA), [], [refused(2, EVEN)], []),
    ("reused id", message(1) + message(1), [1], [refused(1, USED)], []),
    ("lower id", message(5) + message(3), [5], [refused(3, USED)], [5]),
    ("gap in ids", message(1) + message(101), [1, 101], [], [1, 101]),
    ("type 0", message(1, 0), [], [], []),
    ("type 9", message(1, 9), [], [], []),
    ("type 9 on an even id", message(2, 9), [], [], []),
    ("response from a client", message(1, RESPONSE), [], [], []),
    ("data on an unknown stream", message(1, DATA), [], [refused(1, INACTIVE)], []),
    ("empty data", message(1, DATA, b"", 5), [], [refused(1, INACTIVE)], []),
    (
        "data before its request",
        message(1, DATA) + message(1),
        [1],
        [refused(1, INACTIVE)],
        [1],
    ),
    (
        "data on a stream in flight",
        message(1) + message(1, DATA, b"x"),
        [1],
        [refused(1, INACTIVE)],
        [],
    ),
    (
        "data twice on a stream in flight",
        message(1) + 2 * message(1, DATA, b"x"),
        [1],
        2 * [refused(1, INACTIVE)],
        [],
    ),
    ("undecodable request", message(1, body=b"\xff"), [], [NO_REQUEST], []),
    ("expired request", message(1, body=LATE_CALL), [], [refused(1, EXPIRED)], []),
    ("oversized request", message(1, body=LONG), [], [refused(1, OVERSIZED)], []),
    ("oversized data", message(1, DATA, LONG), [], [refused(1, OVERSIZED)], []),
    ("oversized on an even id", message(2, 1, LONG), [], [refused(2, OVERSIZED)], []),
    ("oversized and of type 9", message(1, 9, LONG), [], [], []),
    (
        "oversized on a stream in flight",
        message(1) + message(1, body=LONG),
        [1],
        [refused(1, OVERSIZED)],
        [],
    ),
    ("flag remoteClosed", message(1, flags=1), [1], [], [1]),
    ("flag remoteOpen", message(1, flags=2), [1], [], [1]),
    ("every flag", message(1, flags=255), [1], [], [1]),
    ("empty request", message(1, body=b""), [1], [], [1]),
]
CASES = pytest.mark.parametrize(
    ("data", "stream_ids", "refusals", "answered"),
    [pytest.param(*row, id=name) for name, *row in MISTAKES],
)


@CASES
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_clients_mistake_has_its_answer(
    data: bytes,
    stream_ids: list[int],
    refusals: list[Response],
    answered: list[int],
    size: int,
) -> None:
    server = ServerConnection(max_inbound=LIMIT)
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    requests = [request for piece in pieces for request in server.receive_data(piece)]
    assert [request.stream_id for request in requests] == stream_ids
    assert answers(server) == refusals
    for request in requests:
        server.respond(request.stream_id, b"out")
    assert answers(server) == [success(stream_id) for stream_id in answered]


@CASES
def test_a_clients_mistake_leaves_the_connection_usable(
    data: bytes, stream_ids: list[int], refusals: list[Response], answered: list[int]
) -> None:
    server = ServerConnection(max_inbound=LIMIT)
    requests = server.receive_data(data + message(1001))
    assert [request.stream_id for request in requests] == [*stream_ids, 1001]
    for request in requests:
        server.fail(request.stream_id, Code.ABORTED, "no")
    assert answers(server) == [
        *refusals,
        *(refused(stream_id, Status(10, "no")) for stream_id in [*answered, 1001]),
    ]


def test_a_request_comes_out_with_all_that_it_has() -> None:
    body = encode_request("svc", "Do", b"in", 1_999_900_000, [("k", "v"), ("k", "w")])
    assert ServerConnection().receive_data(message(7, body=body)) == [
        Request(
            stream_id=7,
            service="svc",
            method="Do",
            payload=b"in",
            timeout_ns=1_999_900_000,
            metadata=(("k", "v"), ("k", "w")),
        )
    ]


def test_a_server_takes_64_mib_unless_told_otherwise() -> None:
    server = ServerConnection()
    server.receive_data(HEADER.pack(MAX_INBOUND, 1, REQUEST, 0))
    assert server.data_to_send() == []
    server = ServerConnection()
    server.receive_data(HEADER.pack(MAX_INBOUND + 1, 1, REQUEST, 0))
    text = "message length 67108865 exceed maximum message size of 67108864"
    assert answers(server) == [refused(1, Status(8, text))]


def test_an_empty_answer_is_a_header_alone() -> None:
    server = ServerConnection()
    server.receive_data(message(1))
    server.respond(1, b"")
    assert server.data_to_send() == [bytes.fromhex("00000000 00000001 02 00")]


def test_what_has_been_taken_to_send_is_not_given_again() -> None:
    server = ServerConnection()
    server.receive_data(message(1))
    server.respond(1, b"out")
    assert len(server.data_to_send()) == 2
    assert server.data_to_send() == []


def test_the_longest_answer_is_sent() -> None:
    server = ServerConnection()
    server.receive_data(message(1))
    server.respond(1, bytes(MAX_PAYLOAD))
    assert [len(chunk) for chunk in server.data_to_send()] == [10, MAX_OUTBOUND]


def test_a_longer_answer_becomes_a_status() -> None:
    server = ServerConnection()
    server.receive_data(message(1))
    server.respond(1, bytes(MAX_PAYLOAD + 1))
    text = "answer of 4194300 bytes: must be at most 4194299"
    assert answers(server) == [refused(1, Status(8, text))]


def test_a_longer_answer_that_nobody_waits_for_is_dropped() -> None:
    server = ServerConnection()
    server.receive_data(message(1))
    server.receive_eof()
    server.respond(1, bytes(MAX_PAYLOAD + 1))
    assert server.data_to_send() == []


@pytest.mark.parametrize("character", ["x", "é", "\U0001f600", "\udcff"])
def test_an_error_text_of_any_size_is_sent(character: str) -> None:
    server = ServerConnection()
    server.receive_data(message(1))
    server.fail(1, Code.NOT_FOUND, character * MAX_OUTBOUND)
    [response] = answers(server)
    assert response.status is not None
    assert MAX_MESSAGE - 8 < len(response.status.message.encode()) <= MAX_MESSAGE


@pytest.mark.parametrize(
    ("stream_id", "state"),
    [
        (1, "closed"),
        (2, "of the kind that clients don't open"),
        (3, "closed"),
        (9, "not open yet"),
    ],
)
def test_only_an_open_stream_can_be_answered(stream_id: int, state: str) -> None:
    server = ServerConnection()
    server.receive_data(message(3) + message(5))
    server.respond(3, b"")
    server.data_to_send()
    with pytest.raises(LocalProtocolError) as responding:
        server.respond(stream_id, b"")
    with pytest.raises(LocalProtocolError) as failing:
        server.fail(stream_id, 1, "")
    text = f"answer on stream {stream_id}, which is {state}"
    assert (str(responding.value), str(failing.value)) == (text, text)
    assert server.data_to_send() == []


@pytest.mark.parametrize("code", [0, 2**31])
def test_a_failure_without_a_code_is_not_sent(code: int) -> None:
    server = ServerConnection()
    server.receive_data(message(1))
    with pytest.raises(LocalProtocolError, match=f"^status code {code} of a failed"):
        server.fail(1, code, "x")
    server.respond(1, b"out")
    assert answers(server) == [success(1)]


@pytest.mark.parametrize("data", [b"\0", message(1)[:-1], HEADER.pack(65, 1, 1, 0)])
def test_the_servers_end_within_a_message_is_the_peers_fault(data: bytes) -> None:
    server = ServerConnection(max_inbound=LIMIT)
    server.receive_data(data)
    with pytest.raises(RemoteProtocolError) as caught:
        server.receive_eof()
    assert str(caught.value) == "connection closed by the peer within a message"


def test_an_answer_after_the_end_is_dropped() -> None:
    server = ServerConnection()
    server.receive_data(message(1) + message(3))
    server.receive_eof()
    server.respond(1, b"out")
    server.fail(3, 1, "")
    assert server.data_to_send() == []


def test_nothing_reaches_a_server_after_the_end() -> None:
    server = ServerConnection()
    server.receive_eof()
    with pytest.raises(LocalProtocolError, match="^data received after the end"):
        server.receive_data(message(1))


# What a server may send, and what the client's calls 1 and 3 come to.
SERVERS_MESSAGES: list[tuple[str, bytes, list[Response]]] = [
    ("success", message(1, RESPONSE, encode_success(b"out")), [success(1)]),
    (
        "success with a status",
        message(1, RESPONSE, bytes.fromhex("0a021200 1203 6f7574")),
        [success(1)],
    ),
    (
        "nothing at all",
        message(1, RESPONSE, b""),
        [Response(stream_id=1, status=None, payload=b"")],
    ),
    (
        "failure",
        message(1, RESPONSE, encode_failure(Status(12, "method Do"))),
        [refused(1, Status(12, "method Do"))],
    ),
    (
        "out of order",
        message(3, RESPONSE, encode_success(b"out"))
        + message(1, RESPONSE, encode_success(b"out")),
        [success(3), success(1)],
    ),
    ("twice", 2 * message(1, RESPONSE, encode_success(b"out")), [success(1)]),
    ("unknown stream", message(5, RESPONSE, b""), []),
    ("even id", message(2, RESPONSE, b""), []),
    ("id 0", message(0, RESPONSE, b""), []),
    ("type 0", message(1, 0), []),
    ("type 9", message(1, 9), []),
    ("request from a server", message(1, REQUEST), []),
    (
        "data",
        message(1, DATA, b"x") + message(1, RESPONSE, b""),
        [refused(1, Status(13, "data received in answer to a unary call"))],
    ),
    ("data on an unknown stream", message(7, DATA, b"x"), []),
    ("oversized", message(3, RESPONSE, LONG), [refused(3, OVERSIZED)]),
    ("oversized data", message(3, DATA, LONG), [refused(3, OVERSIZED)]),
    ("oversized on an unknown stream", message(7, RESPONSE, LONG), []),
    ("undecodable", message(1, RESPONSE, b"\xff"), [NO_RESPONSE]),
]


@pytest.mark.parametrize(
    ("data", "responses"),
    [pytest.param(*row, id=name) for name, *row in SERVERS_MESSAGES],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_what_a_call_comes_to(
    data: bytes, responses: list[Response], size: int
) -> None:
    client = ClientConnection(max_inbound=LIMIT)
    assert [client.call("svc", "Do", b"in") for _ in range(2)] == [1, 3]
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    assert [r for piece in pieces for r in client.receive_data(piece)] == responses
    ended = {response.stream_id for response in responses}
    assert set(client.receive_eof()) == {1, 3} - ended


def test_a_call_is_sent_as_a_header_and_a_body() -> None:
    client = ClientConnection()
    client.call("svc", "Do", b"in", timeout_ns=5, metadata=[("k", "v")])
    client.call("svc", "Do", b"in")
    first = encode_request("svc", "Do", b"in", 5, [("k", "v")])
    assert sent(client) == [Message(1, REQUEST, 0, first), Message(3, REQUEST, 0, CALL)]


def test_a_call_that_is_too_long_uses_no_stream_id() -> None:
    client = ClientConnection()
    with pytest.raises(LocalProtocolError) as caught:
        client.call("", "", bytes(MAX_OUTBOUND))
    assert str(caught.value) == (
        "message of 4194309 bytes on stream 1: must be at most 4194304"
    )
    assert client.data_to_send() == []
    assert client.call("", "", b"") == 1


def test_a_late_response_is_dropped() -> None:
    client = ClientConnection()
    client.call("svc", "Do", b"")
    client.forget(1)
    assert client.receive_data(message(1, RESPONSE, b"")) == []
    assert client.receive_eof() == ()


def test_a_call_can_be_forgotten_after_its_response() -> None:
    client = ClientConnection()
    client.call("svc", "Do", b"")
    client.receive_data(message(1, RESPONSE, b""))
    client.forget(1)
    client.forget(1)
    assert client.receive_eof() == ()


def test_only_a_call_can_be_forgotten() -> None:
    client = ClientConnection()
    with pytest.raises(LocalProtocolError) as caught:
        client.forget(1)
    assert str(caught.value) == "end of the wait on stream 1, which is not open yet"


def test_the_clients_end_within_a_message_is_the_peers_fault() -> None:
    client = ClientConnection()
    client.call("svc", "Do", b"")
    client.receive_data(b"\0")
    with pytest.raises(RemoteProtocolError) as caught:
        client.receive_eof()
    assert str(caught.value) == "connection closed by the peer within a message"
    assert client.receive_eof() == ()


def test_there_is_no_call_after_the_end() -> None:
    client = ClientConnection()
    client.receive_eof()
    with pytest.raises(LocalProtocolError) as caught:
        client.call("svc", "Do", b"")
    assert str(caught.value) == "call after the end of the connection"


@pytest.mark.parametrize("size", [0, 1, 4085, 4086, 4096, 65536, MAX_PAYLOAD - 64])
def test_a_payload_of_each_size_goes_there_and_back(size: int) -> None:
    pair = Pair()
    payload = b"p" * size
    stream_id = pair.client.call("svc", "Do", payload)
    [request] = pair.to_server()
    assert request.payload == payload
    pair.server.respond(request.stream_id, request.payload)
    assert pair.to_client() == [
        Response(stream_id=stream_id, status=None, payload=payload)
    ]


@given(
    st.lists(st.tuples(st.binary(max_size=20), st.booleans()), max_size=6), st.data()
)
@settings(deadline=None)
def test_each_call_has_its_own_answer_in_whatever_order(
    calls: list[tuple[bytes, bool]], data: st.DataObject
) -> None:
    pair = Pair()
    expected = {}
    for payload, succeeds in calls:
        stream_id = pair.client.call("svc", "Do" if succeeds else "Fail", payload)
        status = None if succeeds else Status(2, "no")
        expected[stream_id] = (status, payload if succeeds else b"")
    for request in data.draw(st.permutations(pair.to_server())):
        if request.method == "Do":
            pair.server.respond(request.stream_id, request.payload)
        else:
            pair.server.fail(request.stream_id, Code.UNKNOWN, "no")
    responses = pair.to_client()
    assert {r.stream_id: (r.status, r.payload) for r in responses} == expected
    assert len(responses) == len(calls)
    assert pair.client.receive_eof() == ()


MESSAGES = st.builds(
    lambda stream_id, type_, flags, body: message(stream_id, type_, body, flags),
    st.integers(0, 8),
    st.integers(0, 4),
    st.integers(0, 255),
    st.one_of(st.binary(max_size=LIMIT + 8), st.just(CALL), st.just(LATE_CALL)),
)


@given(st.lists(st.one_of(MESSAGES, st.binary(max_size=12)), max_size=10))
@settings(deadline=None)
def test_whatever_comes_a_server_answers_every_stream_that_it_opened(
    pieces: list[bytes],
) -> None:
    server = ServerConnection(max_inbound=LIMIT)
    for piece in pieces:
        for request in server.receive_data(piece):
            server.respond(request.stream_id, b"out")
            with pytest.raises(LocalProtocolError):
                server.respond(request.stream_id, b"out")
    # No stream is left open, so that the end has nothing to abandon.
    for response in answers(server):
        with pytest.raises(LocalProtocolError):
            server.respond(response.stream_id, b"out")


@given(st.lists(st.one_of(MESSAGES, st.binary(max_size=12)), max_size=10))
@settings(deadline=None)
def test_whatever_comes_a_call_ends_once(pieces: list[bytes]) -> None:
    client = ClientConnection(max_inbound=LIMIT)
    called = [client.call("svc", "Do", b"") for _ in range(3)]
    ended = [r.stream_id for piece in pieces for r in client.receive_data(piece)]
    lost: tuple[int, ...] = ()
    with suppress(RemoteProtocolError):
        lost = client.receive_eof()
        assert sorted([*ended, *lost]) == called
    assert len(set(ended)) == len(ended)
    assert set(ended) <= set(called)
