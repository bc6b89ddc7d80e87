"""Handlers: how calls find them, and what their results and mistakes become."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nri_cdi.errors import LocalProtocolError, RemoteProtocolError
from nri_cdi.ttrpc.calls import MAX_PAYLOAD, Request, Response
from nri_cdi.ttrpc.connection import ClientConnection
from nri_cdi.ttrpc.service import Handler, Server, Service
from nri_cdi.ttrpc.status import Code, RpcError, Status


class Later:
    """An awaitable that nobody need await."""

    def __await__(self) -> Generator[None, None, bytes]:
        yield
        return b"late"


class Quit(BaseException):
    """What is no Exception, like a cancellation."""


class Refusal(RpcError):
    """A handler's own kind of RpcError."""


LATER = Later()


def echo(request: Request) -> bytes:
    return request.payload


def later(_request: Request) -> Awaitable[bytes]:
    return LATER


def refuse(_request: Request) -> bytes:
    raise Refusal(Code.NOT_FOUND, "no such device")


def fail(_request: Request) -> bytes:
    raise KeyError("gpu")


def fail_silently(_request: Request) -> bytes:
    raise ValueError


def return_text(_request: Request) -> bytes:
    return cast("bytes", "text")


def return_nothing(_request: Request) -> bytes:
    return cast("bytes", None)


def return_too_much(_request: Request) -> bytes:
    return bytes(MAX_PAYLOAD + 1)


def quit_(_request: Request) -> bytes:
    raise Quit


METHODS: dict[str, Handler] = {
    "Echo": echo,
    "Later": later,
    "Refuse": refuse,
    "Fail": fail,
    "FailSilently": fail_silently,
    "ReturnText": return_text,
    "ReturnNothing": return_nothing,
    "ReturnTooMuch": return_too_much,
    "Quit": quit_,
}


class Pair:
    """A client and a server with the methods above; the mistakes that it reports."""

    def __init__(self) -> None:
        self.client = ClientConnection()
        self.mistakes: list[tuple[str, str]] = []
        services = [Service("svc", METHODS), Service("empty", {})]
        self.server = Server(services, self._note)

    def call(self, method: str, service: str = "svc") -> list[Request]:
        """Call, and return the requests that wait."""
        self.client.call(service, method, b"in")
        waiting = self.server.receive_data(b"".join(self.client.data_to_send()))
        assert [result for _, result in waiting] == [LATER] * len(waiting)
        return [request for request, _ in waiting]

    def answers(self) -> list[tuple[Status | None, bytes]]:
        data = b"".join(self.server.data_to_send())
        return [_content(response) for response in self.client.receive_data(data)]

    def _note(self, request: Request, error: Exception) -> None:
        self.mistakes.append((request.method, repr(error)))


def _content(response: Response) -> tuple[Status | None, bytes]:
    return response.status, response.payload


@pytest.mark.parametrize(
    ("service", "method", "status", "payload", "mistakes"),
    [
        ("svc", "Echo", None, b"in", []),
        ("svc", "Refuse", Status(5, "no such device"), b"", []),
        ("nope", "Echo", Status(12, "service nope"), b"", []),
        ("", "", Status(12, "service "), b"", []),
        ("svc", "Nope", Status(12, "method Nope"), b"", []),
        ("empty", "Echo", Status(12, "method Echo"), b"", []),
        ("svc", "Fail", Status(13, "KeyError: 'gpu'"), b"", ["KeyError('gpu')"]),
        ("svc", "FailSilently", Status(13, "ValueError"), b"", ["ValueError()"]),
        (
            "svc",
            "ReturnText",
            Status(13, "TypeError: handler returned str: must be bytes"),
            b"",
            ["TypeError('handler returned str: must be bytes')"],
        ),
        (
            "svc",
            "ReturnNothing",
            Status(13, "TypeError: handler returned NoneType: must be bytes"),
            b"",
            ["TypeError('handler returned NoneType: must be bytes')"],
        ),
        (
            "svc",
            "ReturnTooMuch",
            Status(8, "answer of 4194300 bytes: must be at most 4194299"),
            b"",
            [],
        ),
    ],
)
def test_a_call_is_answered_at_once(
    service: str,
    method: str,
    status: Status | None,
    payload: bytes,
    mistakes: list[str],
) -> None:
    pair = Pair()
    assert pair.call(method, service) == []
    assert pair.answers() == [(status, payload)]
    assert pair.mistakes == [(method, mistake) for mistake in mistakes]


@pytest.mark.parametrize(
    ("result", "status", "payload", "mistakes"),
    [
        (b"late", None, b"late", []),
        (b"", None, b"", []),
        (RpcError(4, "too late"), Status(4, "too late"), b"", []),
        (Refusal(99, "odd"), Status(99, "odd"), b"", []),
        (KeyError("gpu"), Status(13, "KeyError: 'gpu'"), b"", ["KeyError('gpu')"]),
        (Quit(), Status(1, "Quit"), b"", []),
        (Quit("now"), Status(1, "Quit: now"), b"", []),
        (
            cast("bytes", bytearray(b"x")),
            Status(13, "TypeError: handler returned bytearray: must be bytes"),
            b"",
            ["TypeError('handler returned bytearray: must be bytes')"],
        ),
    ],
)
def test_a_call_is_answered_later(
    result: bytes | BaseException,
    status: Status | None,
    payload: bytes,
    mistakes: list[str],
) -> None:
    pair = Pair()
    [request] = pair.call("Later")
    assert pair.answers() == []
    pair.server.finish(request, result)
    assert pair.answers() == [(status, payload)]
    assert pair.mistakes == [("Later", mistake) for mistake in mistakes]


def test_a_waiting_call_holds_up_no_other() -> None:
    pair = Pair()
    [first] = pair.call("Later")
    pair.call("Echo")
    assert pair.answers() == [(None, b"in")]
    pair.server.finish(first, b"late")
    assert pair.answers() == [(None, b"late")]


def test_several_calls_come_in_one_piece() -> None:
    pair = Pair()
    for method in ("Echo", "Later", "Fail", "Later", "Echo"):
        pair.client.call("svc", method, b"in")
    waiting = pair.server.receive_data(b"".join(pair.client.data_to_send()))
    assert [request.stream_id for request, _ in waiting] == [3, 7]
    assert pair.answers() == [
        (None, b"in"),
        (Status(13, "KeyError: 'gpu'"), b""),
        (None, b"in"),
    ]


def test_a_call_is_answered_once() -> None:
    pair = Pair()
    [request] = pair.call("Later")
    pair.server.finish(request, b"late")
    with pytest.raises(LocalProtocolError) as caught:
        pair.server.finish(request, b"later still")
    assert str(caught.value) == "answer on stream 1, which is closed"


def test_what_is_no_exception_of_a_handler_passes_through() -> None:
    pair = Pair()
    with pytest.raises(Quit):
        pair.call("Quit")


def test_an_answer_after_the_end_is_dropped_and_a_mistake_still_reported() -> None:
    pair = Pair()
    requests = [*pair.call("Later"), *pair.call("Later")]
    pair.server.receive_eof()
    pair.server.finish(requests[0], b"late")
    pair.server.finish(requests[1], KeyError("gpu"))
    assert pair.server.data_to_send() == []
    assert pair.mistakes == [("Later", "KeyError('gpu')")]


def test_the_end_within_a_message_is_the_peers_fault() -> None:
    pair = Pair()
    pair.server.receive_data(b"\0")
    with pytest.raises(RemoteProtocolError):
        pair.server.receive_eof()


def test_a_service_has_one_entry() -> None:
    with pytest.raises(LocalProtocolError) as caught:
        Server([Service("svc", {}), Service("svc", METHODS)], lambda *_: None)
    assert str(caught.value) == "service 'svc' is there twice"


@given(st.lists(st.binary(max_size=40)))
@settings(deadline=None)
def test_any_bytes_are_taken(pieces: list[bytes]) -> None:
    pair = Pair()
    for piece in pieces:
        assert pair.server.receive_data(piece) == []
    assert pair.mistakes == []
