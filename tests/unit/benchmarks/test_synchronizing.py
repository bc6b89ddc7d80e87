"""The messages of a synchronization: all of the node, each within NRI's limit."""

from __future__ import annotations

import pytest

from benchmarks.synchronizing import split
from nri_cdi.nri import api
from nri_cdi.ttrpc.calls import MAX_PAYLOAD

PODS = [api.PodSandbox(id=str(number), name="p" * 1000) for number in range(20)]
CONTAINERS = [api.Container(id=str(number), name="c" * 3000) for number in range(30)]


@pytest.mark.parametrize("most", [4_000, 10_000, 50_000])
def test_messages_have_everything_once_and_in_order(most: int) -> None:
    messages = list(split(PODS, CONTAINERS, most))
    assert [pod for message in messages for pod in message.pods] == PODS
    told = [each for message in messages for each in message.containers]
    assert told == CONTAINERS


@pytest.mark.parametrize("most", [4_000, 10_000, 50_000])
def test_messages_are_as_long_as_they_may_be_at_most(most: int) -> None:
    messages = list(split(PODS, CONTAINERS, most))
    assert len(messages) > 1
    # The field that says that there is more is not among the objects.
    more = api.SynchronizeRequest(more=True).ByteSize()
    assert all(message.ByteSize() <= most + more for message in messages)


def test_all_messages_but_the_last_say_that_there_is_more() -> None:
    said = [message.more for message in split(PODS, CONTAINERS, 10_000)]
    assert said == [True] * (len(said) - 1) + [False]


def test_what_fits_is_one_message() -> None:
    assert len(list(split(PODS, CONTAINERS))) == 1


def test_the_limit_leaves_room_for_what_stands_around_a_message() -> None:
    pods = [api.PodSandbox(id=str(number), name="p" * 100_000) for number in range(50)]
    assert all(each.ByteSize() < MAX_PAYLOAD for each in split(pods, []))
