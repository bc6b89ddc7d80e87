"""One ttrpc connection, from either end: bytes in, calls or answers out, and back.

Nothing here waits or does I/O. Unary calls only: a message of type data is never sent.
What a message does to its stream stands in ``streams``.

Source: ttrpc PROTOCOL.md; server.go; client.go; services.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
from nri_cdi.ttrpc.frames import (
    MAX_INBOUND,
    Message,
    MessageReader,
    MessageType,
    OversizedMessage,
    encode,
)
from nri_cdi.ttrpc.status import Code, Status, check_error_code, clip
from nri_cdi.ttrpc.streams import CLIENT, SERVER, Action, Event, Streams, Table

__all__ = ["ClientConnection", "Request", "Response", "ServerConnection"]

# Types that aren't here are for the future and are ignored, as the reference does.
_SERVER_EVENTS: Mapping[int, Event] = {
    MessageType.REQUEST: Event.REQUEST,
    MessageType.DATA: Event.DATA,
}
_CLIENT_EVENTS: Mapping[int, Event] = {
    MessageType.RESPONSE: Event.RESPONSE,
    MessageType.DATA: Event.DATA,
}

# The words of the reference server, for peers and people that look for them.
_REFUSALS = {
    Action.REFUSE_EVEN_ID: Status(
        Code.INVALID_ARGUMENT, "StreamID must be odd for client initiated streams"
    ),
    Action.REFUSE_USED_ID: Status(
        Code.INVALID_ARGUMENT, "StreamID cannot be re-used and must increment"
    ),
    Action.REFUSE_DATA: Status(Code.INVALID_ARGUMENT, "StreamID is no longer active"),
}
_EXPIRED = Status(Code.DEADLINE_EXCEEDED, "context deadline exceeded")


class _Connection:
    """What both ends have: a reader, the streams, and what is to be sent."""

    def __init__(self, table: Table, max_inbound: int) -> None:
        self._reader = MessageReader(max_inbound)
        self._max_inbound = max_inbound
        self._streams = Streams(table)
        self._outgoing: list[bytes] = []

    def data_to_send(self) -> list[bytes]:
        """What is to be written, each item by a write (or in a mux frame) of its own.

        An item is the header of a message or its body; none is empty. The Go side
        refuses a mux frame of more than 4096 bytes that begins with a header.
        """
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def _send(self, stream_id: int, message_type: MessageType, body: bytes) -> None:
        header, body = encode(stream_id, message_type, body)
        self._outgoing.append(header)
        if body:
            self._outgoing.append(body)

    def _oversized(self, message: OversizedMessage) -> Status:
        return Status(
            Code.RESOURCE_EXHAUSTED,
            f"message length {message.length} exceed maximum message size of "
            f"{self._max_inbound}",
        )


class ServerConnection(_Connection):
    """The end that is called.

    Each request that comes out is to be answered once, by ``respond`` or ``fail``.
    Whatever else the peer sends is answered or ignored here, and breaks nothing.
    """

    def __init__(self, *, max_inbound: int = MAX_INBOUND) -> None:
        super().__init__(SERVER, max_inbound)

    def receive_data(self, data: bytes) -> list[Request]:
        """Take bytes as they come; return the calls that they complete.

        Raises:
            LocalProtocolError: called after ``receive_eof``.
        """
        requests = []
        for message in self._reader.receive_data(data):
            event = _SERVER_EVENTS.get(message.type)
            if event is None:
                continue
            request = self._receive(message, event)
            if request is not None:
                requests.append(request)
        return requests

    def receive_eof(self) -> None:
        """Take note of the connection's end; answers yet to be given are dropped.

        Raises:
            RemoteProtocolError: it came within a message.
        """
        self._streams.end()
        self._reader.receive_eof()

    def respond(self, stream_id: int, payload: bytes) -> None:
        """Answer a call. A payload over MAX_PAYLOAD becomes a status that says so.

        Raises:
            LocalProtocolError: the stream isn't open, or has been answered.
        """
        if len(payload) > MAX_PAYLOAD:
            self.fail(
                stream_id,
                Code.RESOURCE_EXHAUSTED,
                f"answer of {len(payload)} bytes: must be at most {MAX_PAYLOAD}",
            )
            return
        body = encode_success(payload)
        if self._streams.step(stream_id, Event.ANSWER) is Action.ACCEPT:
            self._send(stream_id, MessageType.RESPONSE, body)

    def fail(self, stream_id: int, code: int, message: str) -> None:
        """Answer a call with an error; ``message`` is clipped to MAX_MESSAGE bytes.

        Raises:
            LocalProtocolError: the stream isn't open, or has been answered, or ``code``
                doesn't stand for a failure.
        """
        check_error_code(code)
        status = Status(code, clip(message))
        if self._streams.step(stream_id, Event.ANSWER) is Action.ACCEPT:
            self._send_status(stream_id, status)

    def _receive(
        self, message: Message | OversizedMessage, event: Event
    ) -> Request | None:
        if isinstance(message, OversizedMessage):
            self._streams.step(message.stream_id, Event.OVERSIZED)
            self._send_status(message.stream_id, self._oversized(message))
            return None
        action = self._streams.step(message.stream_id, event)
        if action is Action.ACCEPT:
            return self._decode(message)
        self._send_status(message.stream_id, _REFUSALS[action])
        return None

    def _decode(self, message: Message) -> Request | None:
        """Read the call on a stream that has just opened, or answer it at once."""
        stream_id = message.stream_id
        try:
            request = decode_request(stream_id, message.body)
        except RemoteProtocolError as error:
            self.fail(stream_id, Code.INVALID_ARGUMENT, str(error))
            return None
        if request.timeout_ns < 0:
            self.fail(stream_id, _EXPIRED.code, _EXPIRED.message)
            return None
        return request

    def _send_status(self, stream_id: int, status: Status) -> None:
        self._send(stream_id, MessageType.RESPONSE, encode_failure(status))


class ClientConnection(_Connection):
    """The end that calls."""

    def __init__(self, *, max_inbound: int = MAX_INBOUND) -> None:
        super().__init__(CLIENT, max_inbound)

    def call(
        self,
        service: str,
        method: str,
        payload: bytes,
        *,
        timeout_ns: int = 0,
        metadata: Iterable[tuple[str, str]] = (),
    ) -> int:
        """Begin a call; return the stream id that its response will have.

        ``timeout_ns`` tells the server how long the answer is waited for (0: no limit);
        to keep to it is the caller's part, with ``forget``.

        Raises:
            LocalProtocolError: the connection has ended or has no stream id left, or
                the request is too long or can't be encoded.
        """
        if self._reader.ended:
            raise LocalProtocolError("call after the end of the connection")
        stream_id = self._streams.next_id()
        request = encode_request(service, method, payload, timeout_ns, metadata)
        self._send(stream_id, MessageType.REQUEST, request)
        self._streams.step(stream_id, Event.CALL)
        return stream_id

    def forget(self, stream_id: int) -> None:
        """Wait no longer for a response; one that comes late is dropped.

        Nothing happens if it has come already.

        Raises:
            LocalProtocolError: there was no such call.
        """
        self._streams.step(stream_id, Event.FORGET)

    def receive_data(self, data: bytes) -> list[Response]:
        """Take bytes as they come; return the ends of calls that they complete.

        Responses that nobody waits for are dropped. A response that can't be read ends
        its call with a status of ours.

        Raises:
            LocalProtocolError: called after ``receive_eof``.
        """
        responses = []
        for message in self._reader.receive_data(data):
            event = _CLIENT_EVENTS.get(message.type)
            if event is None:
                continue
            response = self._receive(message, event)
            if response is not None:
                responses.append(response)
        return responses

    def receive_eof(self) -> tuple[int, ...]:
        """Take note of the connection's end; return the stream ids of calls lost by it.

        Raises:
            RemoteProtocolError: it came within a message. Every call is lost then too.
        """
        lost = self._streams.live
        self._streams.end()
        self._reader.receive_eof()
        return lost

    def _receive(
        self, message: Message | OversizedMessage, event: Event
    ) -> Response | None:
        stream_id = message.stream_id
        if isinstance(message, OversizedMessage):
            action = self._streams.step(stream_id, Event.OVERSIZED)
            failure = self._oversized(message)
        else:
            action = self._streams.step(stream_id, event)
            failure = Status(Code.INTERNAL, "data received in answer to a unary call")
            if action is Action.ACCEPT:
                return _response(message)
        if action is Action.DROP:
            return None
        return Response(stream_id=stream_id, status=failure, payload=b"")


def _response(message: Message) -> Response:
    try:
        return decode_response(message.stream_id, message.body)
    except RemoteProtocolError as error:
        status = Status(Code.INTERNAL, str(error))
        return Response(stream_id=message.stream_id, status=status, payload=b"")
