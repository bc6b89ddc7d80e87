"""Requests and responses as protobuf."""

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
from nri_cdi.ttrpc.frames import MAX_OUTBOUND
from nri_cdi.ttrpc.status import MAX_CODE, MIN_CODE, Status

REQUESTS = [
    ("", Request(stream_id=1, service="", method="", payload=b"")),
    (
        "0a0161 120162 1a0163 2064",
        Request(stream_id=1, service="a", method="b", payload=b"c", timeout_ns=100),
    ),
    (
        "20ffffffffffffffffff01",
        Request(stream_id=1, service="", method="", payload=b"", timeout_ns=-1),
    ),
    (
        "2a060a016b120176 2a060a016b120177",
        Request(
            stream_id=1,
            service="",
            method="",
            payload=b"",
            metadata=(("k", "v"), ("k", "w")),
        ),
    ),
]
RESPONSES = [
    ("", Response(stream_id=1, status=None, payload=b"")),
    ("120178", Response(stream_id=1, status=None, payload=b"x")),
    ("0a0312016d 120178", Response(stream_id=1, status=None, payload=b"x")),
    ("0a05080c12016d", Response(stream_id=1, status=Status(12, "m"), payload=b"")),
    ("0a020863", Response(stream_id=1, status=Status(99, ""), payload=b"")),
]
MALFORMED = ["ff", "0a05", "0a01ff", "0b" * 200]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(("body", "request_"), REQUESTS)
def test_a_request_is_read(body: str, request_: Request) -> None:
    assert decode_request(1, bytes.fromhex(body)) == request_


@pytest.mark.parametrize(("body", "response"), RESPONSES)
def test_a_response_is_read(body: str, response: Response) -> None:
    assert decode_response(1, bytes.fromhex(body)) == response


@pytest.mark.parametrize("body", MALFORMED)
def test_a_malformed_request_is_the_peers_fault(body: str) -> None:
    with pytest.raises(RemoteProtocolError, match=r"^unmarshal request error: \S"):
        decode_request(1, bytes.fromhex(body))


@pytest.mark.parametrize("body", ["ff", "0a05", "0a0312 01ff", "0b" * 200])
def test_a_malformed_response_is_the_peers_fault(body: str) -> None:
    with pytest.raises(RemoteProtocolError, match=r"^unmarshal response error: \S"):
        decode_response(1, bytes.fromhex(body))


@given(
    texts,
    texts,
    st.binary(max_size=40),
    st.integers(-(2**63), 2**63 - 1),
    st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
)
@settings(deadline=None)
def test_a_request_comes_back(
    service: str,
    method: str,
    payload: bytes,
    timeout_ns: int,
    metadata: tuple[tuple[str, str], ...],
) -> None:
    body = encode_request(service, method, payload, timeout_ns, metadata)
    assert decode_request(5, body) == Request(
        stream_id=5,
        service=service,
        method=method,
        payload=payload,
        timeout_ns=timeout_ns,
        metadata=metadata,
    )


@given(st.binary(max_size=40))
@settings(deadline=None)
def test_a_success_comes_back_and_has_no_status(payload: bytes) -> None:
    body = encode_success(payload)
    assert decode_response(5, body) == Response(
        stream_id=5, status=None, payload=payload
    )


@given(st.integers(MIN_CODE, MAX_CODE).filter(bool), texts)
@settings(deadline=None)
def test_a_failure_comes_back_and_has_no_payload(code: int, message: str) -> None:
    status = Status(code, message)
    assert decode_response(5, encode_failure(status)) == Response(
        stream_id=5, status=status, payload=b""
    )


@pytest.mark.parametrize("decode", [decode_request, decode_response])
@given(body=st.binary(max_size=60))
@settings(deadline=None)
def test_any_bytes_are_read_or_the_peers_fault(
    decode: Callable[[int, bytes], Request | Response], body: bytes
) -> None:
    with suppress(RemoteProtocolError):
        assert decode(1, body).stream_id == 1


def test_the_longest_payload_makes_the_longest_message() -> None:
    assert len(encode_success(bytes(MAX_PAYLOAD))) == MAX_OUTBOUND


@pytest.mark.parametrize(
    ("service", "timeout_ns", "metadata"),
    [
        ("\udcff", 0, ()),
        ("a", 2**63, ()),
        ("a", 0, (("k", "\udcff"),)),
    ],
)
def test_what_protobuf_cant_hold_is_our_fault(
    service: str, timeout_ns: int, metadata: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        encode_request(service, "Do", b"", timeout_ns, metadata)
    assert str(caught.value).startswith(f"call of 'Do' of {service!r}: ")
