"""The tables of streams: what they allow, and what they keep."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nri_cdi.errors import LocalProtocolError
from nri_cdi.ttrpc.frames import MAX_STREAM_ID
from nri_cdi.ttrpc.streams import (
    CLIENT,
    SERVER,
    Action,
    Event,
    State,
    Streams,
    Table,
)

PEERS_EVENTS = {
    "server": (SERVER, (Event.REQUEST, Event.DATA, Event.OVERSIZED)),
    "client": (CLIENT, (Event.RESPONSE, Event.DATA, Event.OVERSIZED)),
}
ids = st.integers(0, 9)


@pytest.mark.parametrize("role", PEERS_EVENTS)
def test_the_peer_can_send_anything_in_any_state(role: str) -> None:
    table, events = PEERS_EVENTS[role]
    states = {state for row in table.values() for state in row}
    missing = [
        pair for pair in product(events, states) if pair[1] not in table[pair[0]]
    ]
    assert missing == []


@pytest.mark.parametrize("table", [SERVER, CLIENT], ids=["server", "client"])
def test_no_id_comes_back_to_idle_or_changes_its_parity(table: Table) -> None:
    for row in table.values():
        for before, (after, _) in row.items():
            assert after is before or after not in {State.IDLE, State.EVEN}
            assert before is not State.EVEN or after is State.EVEN


@pytest.mark.parametrize("table", [SERVER, CLIENT], ids=["server", "client"])
def test_closed_is_the_end(table: Table) -> None:
    for row in table.values():
        if State.CLOSED in row:
            assert row[State.CLOSED][0] is State.CLOSED


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], State.IDLE),
        ([Event.REQUEST], State.OPEN),
        ([Event.REQUEST, Event.ANSWER], State.CLOSED),
        ([Event.REQUEST, Event.REQUEST], State.ABANDONED),
        ([Event.REQUEST, Event.DATA, Event.ANSWER], State.CLOSED),
        ([Event.REQUEST, Event.EOF], State.ABANDONED),
        ([Event.DATA], State.IDLE),
        ([Event.OVERSIZED], State.IDLE),
    ],
)
def test_the_life_of_a_stream_at_the_server(events: list[Event], state: State) -> None:
    streams = Streams(SERVER)
    for event in events:
        streams.step(1, event)
    assert streams.state(1) is state
    assert streams.live == ((1,) if state in {State.OPEN, State.ABANDONED} else ())


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], State.IDLE),
        ([Event.CALL], State.OPEN),
        ([Event.CALL, Event.RESPONSE], State.CLOSED),
        ([Event.CALL, Event.RESPONSE, Event.FORGET], State.CLOSED),
        ([Event.CALL, Event.FORGET, Event.RESPONSE], State.CLOSED),
        ([Event.CALL, Event.DATA], State.CLOSED),
        ([Event.CALL, Event.OVERSIZED], State.CLOSED),
        ([Event.CALL, Event.EOF], State.CLOSED),
        ([Event.RESPONSE], State.IDLE),
    ],
)
def test_the_life_of_a_stream_at_the_client(events: list[Event], state: State) -> None:
    streams = Streams(CLIENT)
    for event in events:
        streams.step(1, event)
    assert streams.state(1) is state
    assert streams.live == ((1,) if state is State.OPEN else ())


@pytest.mark.parametrize(
    ("stream_id", "state"),
    [
        (0, State.EVEN),
        (2, State.EVEN),
        (MAX_STREAM_ID - 1, State.EVEN),
        (1, State.CLOSED),
        (5, State.CLOSED),
        (7, State.OPEN),
        (9, State.IDLE),
        (MAX_STREAM_ID, State.IDLE),
    ],
)
def test_an_id_below_the_highest_is_closed(stream_id: int, state: State) -> None:
    streams = Streams(SERVER)
    streams.step(7, Event.REQUEST)
    assert streams.state(stream_id) is state


@pytest.mark.parametrize("order", [(1, 3, 5), (5, 3, 1), (3, 5, 1)])
def test_an_id_stays_closed_in_whatever_order_the_answers_come(
    order: tuple[int, ...],
) -> None:
    streams = Streams(SERVER)
    for stream_id in (1, 3, 5):
        streams.step(stream_id, Event.REQUEST)
    for stream_id in order:
        streams.step(stream_id, Event.ANSWER)
    assert {streams.state(stream_id) for stream_id in order} == {State.CLOSED}
    assert streams.state(7) is State.IDLE


@pytest.mark.parametrize(
    ("table", "stream_id", "event", "text"),
    [
        (SERVER, 1, Event.ANSWER, "answer on stream 1, which is not open yet"),
        (
            SERVER,
            2,
            Event.ANSWER,
            "answer on stream 2, which is of the kind that clients don't open",
        ),
        (CLIENT, 1, Event.FORGET, "end of the wait on stream 1, which is not open yet"),
        (
            CLIENT,
            4,
            Event.CALL,
            "call on stream 4, which is of the kind that clients don't open",
        ),
    ],
)
def test_what_the_table_lacks_is_our_fault(
    table: Table, stream_id: int, event: Event, text: str
) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        Streams(table).step(stream_id, event)
    assert str(caught.value) == text


def test_a_stream_is_answered_once() -> None:
    streams = Streams(SERVER)
    streams.step(1, Event.REQUEST)
    assert streams.step(1, Event.ANSWER) is Action.ACCEPT
    with pytest.raises(LocalProtocolError) as caught:
        streams.step(1, Event.ANSWER)
    assert str(caught.value) == "answer on stream 1, which is closed"


@pytest.mark.parametrize(
    ("table", "event", "live"),
    [(SERVER, Event.REQUEST, (1, 5)), (CLIENT, Event.CALL, ())],
    ids=["server", "client"],
)
def test_the_end_of_the_connection_reaches_every_stream(
    table: Table, event: Event, live: tuple[int, ...]
) -> None:
    streams = Streams(table)
    for stream_id in (1, 5):
        streams.step(stream_id, event)
    streams.end()
    streams.end()
    assert streams.live == live


def test_calls_have_odd_ids_that_rise() -> None:
    streams = Streams(CLIENT)
    seen = []
    for _ in range(3):
        seen.append(streams.next_id())
        streams.step(seen[-1], Event.CALL)
    assert seen == [1, 3, 5]


def test_ids_end() -> None:
    streams = Streams(CLIENT)
    streams.step(MAX_STREAM_ID - 2, Event.CALL)
    assert streams.next_id() == MAX_STREAM_ID
    streams.step(MAX_STREAM_ID, Event.CALL)
    with pytest.raises(LocalProtocolError) as caught:
        streams.next_id()
    assert str(caught.value) == "call on a connection whose stream ids are used up"


@given(st.lists(st.tuples(ids, st.sampled_from(PEERS_EVENTS["server"][1]))))
@settings(deadline=None)
def test_whatever_a_client_sends_only_unanswered_streams_are_kept(
    events: list[tuple[int, Event]],
) -> None:
    streams = Streams(SERVER)
    accepted = [
        stream_id
        for stream_id, event in events
        if streams.step(stream_id, event) is Action.ACCEPT
    ]
    assert streams.live == tuple(accepted)
    assert accepted == sorted(set(accepted))
    for stream_id in accepted:
        streams.step(stream_id, Event.ANSWER)
    assert streams.live == ()


@given(st.lists(st.tuples(ids, st.sampled_from(PEERS_EVENTS["client"][1]))))
@settings(deadline=None)
def test_whatever_a_server_sends_a_call_ends_once(
    events: list[tuple[int, Event]],
) -> None:
    streams = Streams(CLIENT)
    for stream_id in (1, 3, 5):
        streams.step(stream_id, Event.CALL)
    ended = [
        stream_id
        for stream_id, event in events
        if streams.step(stream_id, event) is not Action.DROP
    ]
    assert len(ended) == len(set(ended))
    assert {*ended, *streams.live} == {1, 3, 5}
