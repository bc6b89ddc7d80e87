from __future__ import annotations

import pytest

from nri_cdi.status.exchange import HEAD_LIMIT, LINES_LIMIT, PIECE_LENGTH, Exchange
from nri_cdi.status.site import HEADERS, Answer, Request

REQUESTS = (
    (
        "a browser's",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n",
        Request(method=b"GET", target=b"/", host=b"localhost", accept="text/html"),
    ),
    (
        "HTTP/1.0 without a host",
        b"GET /metrics HTTP/1.0\r\n\r\n",
        Request(method=b"GET", target=b"/metrics", version=b"1.0"),
    ),
    (
        "absolute-form",
        b"GET http://localhost/healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        Request(method=b"GET", target=b"http://localhost/healthz", host=b"x"),
    ),
    (
        "another method",
        b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
        Request(method=b"BREW", target=b"/", host=b"x"),
    ),
    (
        "lines that end with a line feed alone",
        b"GET / HTTP/1.1\nHost: x\n\n",
        Request(method=b"GET", target=b"/", host=b"x"),
    ),
)

BOMB = b"GET / HTTP/1.1\r\nHost: x\r\n"

ATTACKS = (
    ("nonsense", b"\r\nxyz\r\n\r\n", 400),
    ("no target", b"GET\r\n\r\n", 400),
    ("HTTP/0.9", b"GET /\r\n\r\n", 400),
    ("no version of HTTP", b"GET / HTTP/one\r\n\r\n", 400),
    ("HTTP/1.1 without a host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("two hosts", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ("NUL in the target", b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("NUL in a header", b"GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n", 400),
    ("letters of other scripts", b"GET /\x80 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("control characters", b"GET /\x1b[31m HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("a space before the colon", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    ("a header without a name", b"GET / HTTP/1.1\r\n: x\r\n\r\n", 400),
    ("bad length", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
    (
        "two lengths",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        400,
    ),
    ("a bomb of one header", BOMB + b"A: " + b"x" * HEAD_LIMIT, 431),
    ("a bomb of a target", b"GET /" + b"x" * HEAD_LIMIT, 431),
    ("a bomb of headers", BOMB + b"A: b\r\n" * LINES_LIMIT, 431),
    ("a bomb without line ends", b"\0" * (HEAD_LIMIT + 1), 400),
)


@pytest.mark.parametrize(
    ("data", "request_"),
    [row[1:] for row in REQUESTS],
    ids=[row[0] for row in REQUESTS],
)
def test_a_request_is_read_whole_and_byte_by_byte(
    data: bytes, request_: Request
) -> None:
    assert Exchange().receive_data(data) == request_
    assert Exchange().receive_data(data + b"GET / HTTP/1.1\r\n\r\n") == request_
    exchange = Exchange()
    for place in range(len(data) - 1):
        assert exchange.receive_data(data[place : place + 1]) is None
    assert exchange.receive_data(data[-1:]) == request_


@pytest.mark.parametrize(
    ("data", "status"), [row[1:] for row in ATTACKS], ids=[row[0] for row in ATTACKS]
)
def test_what_is_no_request_is_told_so(data: bytes, status: int) -> None:
    for pieces in ([data], [data[place : place + 1] for place in range(len(data))]):
        exchange = Exchange()
        answers = (exchange.receive_data(piece) for piece in pieces)
        answer = next(made for made in answers if made is not None)
        assert isinstance(answer, Answer)
        assert answer.status == status
        assert answer.body[0].count(b"\n") == 1
        text = b"".join(exchange.encode(answer))
        assert text.startswith(f"HTTP/1.1 {status} ".encode())
        assert text.endswith(answer.body[0])


def test_the_preface_of_http_2_is_a_request_that_nobody_serves() -> None:
    made = Exchange().receive_data(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert isinstance(made, Request)
    assert made.version == b"2.0"


def test_a_body_is_not_waited_for() -> None:
    for framing in (b"Content-Length: 1000000", b"Transfer-Encoding: chunked"):
        head = b"POST / HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n"
        assert isinstance(Exchange().receive_data(head), Request)


def encoded(answer: Answer, method: bytes = b"GET") -> list[bytes]:
    exchange = Exchange()
    exchange.receive_data(method + b" / HTTP/1.1\r\nHost: x\r\n\r\n")
    return list(exchange.encode(answer))


def test_an_answer_has_all_headers_and_closes() -> None:
    (head, body) = encoded(Answer(body=(b"ok\n",)))
    assert body == b"ok\n"
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    assert {"Connection: close", "Content-Length: 3"} < set(lines)
    assert {f"{name}: {value}" for name, value in HEADERS} < set(lines)


def test_head_has_the_headers_of_get_and_no_body() -> None:
    answer = Answer(body=(b"ok\n",))
    assert encoded(answer, b"HEAD") == encoded(answer)[:1]


def test_a_long_body_comes_in_pieces() -> None:
    long = b"x" * (3 * PIECE_LENGTH + 1)
    pieces = encoded(Answer(body=(long, b"", b"y")))
    assert b"".join(pieces[1:]) == long + b"y"
    assert max(map(len, pieces)) <= PIECE_LENGTH


def test_what_is_allowed_is_said() -> None:
    head = encoded(Answer(status=405, body=(b"",), allow="GET, HEAD"))[0]
    assert b"\r\nAllow: GET, HEAD\r\n" in head
