"""The life of a stream, seen from each end of a connection, as two tables.

Rule: everything that decides what a message does to a stream is in these tables. What
isn't in them can't happen, or is our caller's mistake.

A stream is one call: the client opens it with a request, the server closes it with one
response. Ids are odd and rise; gaps are normal. Only the ids of live streams are kept,
and the highest id seen, so a connection that lasts for months stays small.

Source: ttrpc PROTOCOL.md; server.go, serverConn.run; client.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import TypeAlias

from nri_cdi.errors import LocalProtocolError
from nri_cdi.ttrpc.frames import MAX_STREAM_ID


class State(Enum):
    """What a stream id stands for."""

    EVEN = "of the kind that clients don't open"
    IDLE = "not open yet"
    OPEN = "open"
    ABANDONED = "open for an answer that nobody waits for"
    CLOSED = "closed"

    # Members are compared by identity; the inherited hash is several times slower.
    __hash__ = object.__hash__


class Event(Enum):
    """What happens to a stream: the peer's message, or a wish of our caller."""

    REQUEST = "request"
    RESPONSE = "response"
    DATA = "data"
    OVERSIZED = "oversized message"
    CALL = "call"
    ANSWER = "answer"
    FORGET = "end of the wait"
    EOF = "end of the connection"

    # Members are compared by identity; the inherited hash is several times slower.
    __hash__ = object.__hash__


class Action(Enum):
    """What is to be done about an event."""

    ACCEPT = auto()
    DROP = auto()
    REFUSE_EVEN_ID = auto()
    REFUSE_USED_ID = auto()
    REFUSE_DATA = auto()
    REFUSE_OVERSIZED = auto()


Table: TypeAlias = Mapping[Event, Mapping[State, tuple[State, Action]]]


# A client that breaks the rules on a stream that waits for its answer takes the refusal
# for that answer: the stream is abandoned, and the real answer dropped, since two
# responses on one stream would be our breach. (The reference server panics when data
# comes on a unary stream.)
SERVER: Table = MappingProxyType(
    {
        Event.REQUEST: {
            State.EVEN: (State.EVEN, Action.REFUSE_EVEN_ID),
            State.IDLE: (State.OPEN, Action.ACCEPT),
            State.OPEN: (State.ABANDONED, Action.REFUSE_USED_ID),
            State.ABANDONED: (State.ABANDONED, Action.REFUSE_USED_ID),
            State.CLOSED: (State.CLOSED, Action.REFUSE_USED_ID),
        },
        Event.DATA: {
            State.EVEN: (State.EVEN, Action.REFUSE_EVEN_ID),
            State.IDLE: (State.IDLE, Action.REFUSE_DATA),
            State.OPEN: (State.ABANDONED, Action.REFUSE_DATA),
            State.ABANDONED: (State.ABANDONED, Action.REFUSE_DATA),
            State.CLOSED: (State.CLOSED, Action.REFUSE_DATA),
        },
        Event.OVERSIZED: {
            State.EVEN: (State.EVEN, Action.REFUSE_OVERSIZED),
            State.IDLE: (State.IDLE, Action.REFUSE_OVERSIZED),
            State.OPEN: (State.ABANDONED, Action.REFUSE_OVERSIZED),
            State.ABANDONED: (State.ABANDONED, Action.REFUSE_OVERSIZED),
            State.CLOSED: (State.CLOSED, Action.REFUSE_OVERSIZED),
        },
        Event.ANSWER: {
            State.OPEN: (State.CLOSED, Action.ACCEPT),
            State.ABANDONED: (State.CLOSED, Action.DROP),
        },
        Event.EOF: {
            State.OPEN: (State.ABANDONED, Action.DROP),
            State.ABANDONED: (State.ABANDONED, Action.DROP),
        },
    }
)

# A response may come after its deadline, or on no stream of ours: it is dropped. So may
# the end of a wait come after the response.
CLIENT: Table = MappingProxyType(
    {
        Event.CALL: {
            State.IDLE: (State.OPEN, Action.ACCEPT),
        },
        Event.RESPONSE: {
            State.EVEN: (State.EVEN, Action.DROP),
            State.IDLE: (State.IDLE, Action.DROP),
            State.OPEN: (State.CLOSED, Action.ACCEPT),
            State.CLOSED: (State.CLOSED, Action.DROP),
        },
        Event.DATA: {
            State.EVEN: (State.EVEN, Action.DROP),
            State.IDLE: (State.IDLE, Action.DROP),
            State.OPEN: (State.CLOSED, Action.REFUSE_DATA),
            State.CLOSED: (State.CLOSED, Action.DROP),
        },
        Event.OVERSIZED: {
            State.EVEN: (State.EVEN, Action.DROP),
            State.IDLE: (State.IDLE, Action.DROP),
            State.OPEN: (State.CLOSED, Action.REFUSE_OVERSIZED),
            State.CLOSED: (State.CLOSED, Action.DROP),
        },
        Event.FORGET: {
            State.OPEN: (State.CLOSED, Action.ACCEPT),
            State.CLOSED: (State.CLOSED, Action.DROP),
        },
        Event.EOF: {
            State.OPEN: (State.CLOSED, Action.ACCEPT),
        },
    }
)


class Streams:
    """The streams of one connection, seen from the end whose table is given."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._live: dict[int, State] = {}
        self._highest = 0

    @property
    def live(self) -> tuple[int, ...]:
        """The ids of streams that are not closed, in the order of their opening."""
        return tuple(self._live)

    def state(self, stream_id: int) -> State:
        """What ``stream_id`` stands for now."""
        live = self._live.get(stream_id)
        if live is not None:
            return live
        if stream_id % 2 == 0:
            return State.EVEN
        return State.CLOSED if stream_id <= self._highest else State.IDLE

    def next_id(self) -> int:
        """The id for the next call of a client; it is used only once it is called.

        Raises:
            LocalProtocolError: there is none left, after 2**31 calls.
        """
        stream_id = (self._highest + 1) | 1  # the next odd number
        if stream_id > MAX_STREAM_ID:
            raise LocalProtocolError(
                "call on a connection whose stream ids are used up"
            )
        return stream_id

    def step(self, stream_id: int, event: Event) -> Action:
        """Let ``event`` happen to a stream; return what is to be done about it.

        Raises:
            LocalProtocolError: it can't happen in the state that the stream is in.
        """
        state = self.state(stream_id)
        step = self._table[event].get(state)
        if step is None:
            raise LocalProtocolError(
                f"{event.value} on stream {stream_id}, which is {state.value}"
            )
        following, action = step
        if following is not state:
            self._move(stream_id, following)
        return action

    def end(self) -> None:
        """Let the connection end for every stream."""
        for stream_id in self.live:
            self.step(stream_id, Event.EOF)

    def _move(self, stream_id: int, state: State) -> None:
        if state is State.CLOSED:
            self._live.pop(stream_id, None)
        else:
            self._live[stream_id] = state
        if stream_id > self._highest:
            self._highest = stream_id
