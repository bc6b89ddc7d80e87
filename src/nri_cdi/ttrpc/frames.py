"""Messages of ttrpc on the wire: a header of ten bytes, then the body.

    offset 0  u32  length of the body
    offset 4  u32  stream id
    offset 8  u8   type
    offset 9  u8   flags
    offset 10 ...  body

All integers are big endian. Every sequence of bytes is a sequence of messages: only the
end of the connection can come at a wrong place.

Source: ttrpc PROTOCOL.md; channel.go.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from nri_cdi.errors import LocalProtocolError, RemoteProtocolError

HEADER = struct.Struct(">IIBB")

MAX_OUTBOUND = 4 * 1024 * 1024
"""Longest body that a peer takes, in bytes. Source: channel.go, messageLengthMax."""

MAX_INBOUND = 64 * 1024 * 1024
"""Longest body taken from a peer, in bytes.

ttrpc before 1.2.6 checks nothing when it sends, and NRI before 0.7 sends the state of
all containers as one message: containerd 1.7.14 to 1.7.25 go past 4 MiB on a full node.
"""

MAX_STREAM_ID = 2**32 - 1


class MessageType(IntEnum):
    """What a message is. Others may come and are ignored."""

    REQUEST = 1
    RESPONSE = 2
    DATA = 3


class Message(NamedTuple):
    """A message as received; ``type`` may be none of ``MessageType``.

    A tuple, for it is made for every message and costs a third of a frozen dataclass.
    """

    stream_id: int
    type: int
    flags: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OversizedMessage:
    """A message whose body of ``length`` bytes is over the limit, and is not kept."""

    stream_id: int
    type: int
    length: int


Messages: TypeAlias = list[Message | OversizedMessage]


def encode(
    stream_id: int, message_type: int, body: bytes, *, flags: int = 0
) -> tuple[bytes, bytes]:
    """The header and the body to send for a message.

    Raises:
        LocalProtocolError: the body is longer than MAX_OUTBOUND.
    """
    length = len(body)
    if length > MAX_OUTBOUND:
        raise LocalProtocolError(
            f"message of {length} bytes on stream {stream_id}: "
            f"must be at most {MAX_OUTBOUND}"
        )
    return HEADER.pack(length, stream_id, message_type, flags), body


class MessageReader:
    """Cuts a byte stream into messages; keeps only what is incomplete."""

    def __init__(self, max_length: int = MAX_INBOUND) -> None:
        self._max_length = max_length
        # An incomplete message, from its header on. A bytearray grows in linear time
        # however small the pieces, and, unlike a list of them, takes up no more memory
        # than their bytes.
        self._partial = bytearray()
        self._to_discard = 0
        self._ended = False

    @property
    def mid_message(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._partial) or self._to_discard > 0

    @property
    def ended(self) -> bool:
        """Whether the peer has closed the connection."""
        return self._ended

    def receive_data(self, data: bytes) -> Messages:
        """Take bytes as they come; return the messages that they complete.

        A message that is too long is told of as soon as its header is known, and its
        body is dropped as it streams by.

        Raises:
            LocalProtocolError: called after ``receive_eof``.
        """
        if self._ended:
            raise LocalProtocolError("data received after the end of the connection")
        messages: Messages = []
        position = 0
        while position < len(data):
            if self._to_discard:
                position = self._discard(data, position)
            elif self._partial:
                position = self._complete(data, position, messages)
            else:
                position = self._take(data, position, messages)
        return messages

    def receive_eof(self) -> None:
        """Take note that the peer closed the connection.

        Raises:
            RemoteProtocolError: it did so within a message.
        """
        self._ended = True
        if self.mid_message:
            self._partial.clear()
            self._to_discard = 0
            raise RemoteProtocolError("connection closed by the peer within a message")

    def _take(self, data: bytes, position: int, messages: Messages) -> int:
        """Read the message that begins at ``position``; return where that ends."""
        start = position + HEADER.size
        if start <= len(data):
            length, stream_id, type_, flags = HEADER.unpack_from(data, position)
            end: int = start + length
            if end <= len(data) and length <= self._max_length:
                body = data[start:end]
                messages.append(Message(stream_id, type_, flags, body))
                return end
        return self._complete(data, position, messages)

    def _complete(self, data: bytes, position: int, messages: Messages) -> int:
        """Give the incomplete message what it lacks; return where that ends."""
        position = self._fill(data, position, HEADER.size)
        if len(self._partial) < HEADER.size:
            return position
        length, stream_id, type_, flags = HEADER.unpack_from(self._partial)
        if length > self._max_length:
            self._partial.clear()
            self._to_discard = length
            messages.append(
                OversizedMessage(stream_id=stream_id, type=type_, length=length)
            )
            return position
        size = HEADER.size + length
        position = self._fill(data, position, size)
        if len(self._partial) == size:
            body = bytes(memoryview(self._partial)[HEADER.size :])
            self._partial = bytearray()
            messages.append(Message(stream_id, type_, flags, body))
        return position

    def _fill(self, data: bytes, position: int, size: int) -> int:
        """Let the incomplete message grow to ``size`` bytes, as far as data goes."""
        end = min(position + max(0, size - len(self._partial)), len(data))
        self._partial += memoryview(data)[position:end]
        return end

    def _discard(self, data: bytes, position: int) -> int:
        skipped = min(self._to_discard, len(data) - position)
        self._to_discard -= skipped
        return position + skipped
