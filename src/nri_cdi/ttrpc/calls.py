"""Requests and responses, and the protobuf messages that carry them.

Source: ttrpc request.proto; server.go and client.go (which fields mean what).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf.message import DecodeError, EncodeError

from nri_cdi._pb.ttrpc import request_pb2 as wire
from nri_cdi.errors import LocalProtocolError, RemoteProtocolError
from nri_cdi.ttrpc.frames import MAX_OUTBOUND
from nri_cdi.ttrpc.status import Code, Status

MAX_PAYLOAD = MAX_OUTBOUND - 5
"""Longest payload of an answer, in bytes: its tag takes one byte, its length four."""

# The pure Python protobuf reports bad UTF-8 as a ValueError.
_UNDECODABLE = (DecodeError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call as the server gets it.

    ``timeout_ns`` is the time that the caller waits, from when it sent the call; 0 sets
    no limit. Keys of ``metadata`` may repeat.
    """

    stream_id: int
    service: str
    method: str
    payload: bytes
    timeout_ns: int = 0
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The end of a call as the client gets it; ``status`` is None if it succeeded."""

    stream_id: int
    status: Status | None
    payload: bytes


def encode_request(
    service: str,
    method: str,
    payload: bytes,
    timeout_ns: int,
    metadata: Iterable[tuple[str, str]],
) -> bytes:
    """The body of a request.

    Raises:
        LocalProtocolError: a text isn't UTF-8, or ``timeout_ns`` no int64.
    """
    try:
        return wire.Request(
            service=service,
            method=method,
            payload=payload,
            timeout_nano=timeout_ns,
            metadata=[wire.KeyValue(key=key, value=value) for key, value in metadata],
        ).SerializeToString()
    except (EncodeError, ValueError) as error:
        raise LocalProtocolError(
            f"call of {method!r} of {service!r}: {error}"
        ) from error


def decode_request(stream_id: int, body: bytes) -> Request:
    """The request that ``body`` is.

    Raises:
        RemoteProtocolError: it isn't one.
    """
    try:
        request = wire.Request.FromString(body)
    except _UNDECODABLE as error:
        raise RemoteProtocolError(f"unmarshal request error: {error}") from error
    return Request(
        stream_id=stream_id,
        service=request.service,
        method=request.method,
        payload=request.payload,
        timeout_ns=request.timeout_nano,
        metadata=tuple([(pair.key, pair.value) for pair in request.metadata]),
    )


def encode_success(payload: bytes) -> bytes:
    """The body of the response to a call that succeeded: it has no status."""
    return wire.Response(payload=payload).SerializeToString()


def encode_failure(status: Status) -> bytes:
    """The body of the response to a call that failed.

    It has no payload: the reference client decodes that before it looks at the status.
    """
    return wire.Response(
        status=wire.Status(code=status.code, message=status.message)
    ).SerializeToString()


def decode_response(stream_id: int, body: bytes) -> Response:
    """The response that ``body`` is.

    Raises:
        RemoteProtocolError: it isn't one.
    """
    try:
        response = wire.Response.FromString(body)
    except _UNDECODABLE as error:
        raise RemoteProtocolError(f"unmarshal response error: {error}") from error
    status = None
    if response.status.code != Code.OK:
        status = Status(response.status.code, response.status.message)
    return Response(stream_id=stream_id, status=status, payload=response.payload)
