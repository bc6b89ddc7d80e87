"""Requests: what they tell of their devices, and how several become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.quoting import MAX_LISTED
from nri_cdi.requests import (
    NO_REQUEST,
    Place,
    Request,
    Source,
    combined,
    requested_devices,
)

GPU_0, GPU_1, NET = "vendor.com/gpu=0", "vendor.com/gpu=1", "vendor.com/net=eth1"


def annotation(name: str) -> Source:
    return Source(place=Place.ANNOTATION, name=name)


def variable(name: str) -> Source:
    return Source(place=Place.VARIABLE, name=name)


def request(sources: Mapping[str, Sequence[Source]]) -> Request:
    return Request(
        devices=tuple(sources),
        sources={device: tuple(found) for device, found in sources.items()},
    )


def test_a_request_is_true_if_it_has_devices() -> None:
    assert requested_devices({"cdi.k8s.io/gpu": GPU_0}, "main")
    assert not NO_REQUEST


def test_equal_requests_have_equal_hashes() -> None:
    one, other = (requested_devices({"cdi.k8s.io/x": GPU_0}, "c") for _ in range(2))
    assert {one} == {other}


@pytest.mark.parametrize(
    ("present", "left"),
    [
        ((), (GPU_0, NET)),
        ((GPU_1,), (GPU_0, NET)),
        ((GPU_0, GPU_1), (NET,)),
        ((NET, GPU_0), ()),
    ],
)
def test_devices_that_a_container_has_already_can_be_left_out(
    present: Sequence[str], left: tuple[str, ...]
) -> None:
    asked = request({GPU_0: (), NET: ()})
    assert asked.without(iter(present)) == left


def test_annotations_and_variables_are_told_apart() -> None:
    asked = request({GPU_0: (annotation("a"), variable("V"), annotation("b"))})
    assert asked.annotations(GPU_0) == ("a", "b")
    assert asked.variables(GPU_0) == ("V",)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (annotation("cdi.k8s.io/gpu"), "annotation cdi.k8s.io/gpu"),
        (variable("NVIDIA_VISIBLE_DEVICES"), "variable NVIDIA_VISIBLE_DEVICES"),
        (annotation("a\x1b[31m"), "annotation 'a\\x1b[31m'"),
        (annotation("k" * 317), "annotation " + "k" * 317),
        (annotation("k" * 318), f"annotation '{'k' * 64}'... (318 characters)"),
    ],
)
def test_a_source_is_readable_text(source: Source, text: str) -> None:
    assert str(source) == text


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ((annotation("a"),), "annotation a"),
        ((variable("A"),), "variable A"),
        ((annotation("b"), annotation("a")), "annotations a, b"),
        ((variable("B"), annotation("a")), "annotation a and variable B"),
        (
            (variable("C"), annotation("b"), annotation("a")),
            "annotations a, b and variable C",
        ),
        ((variable("C"), variable("B")), "variables B, C"),
        (
            [annotation(name) for name in "edcba"],
            "annotations a, b, c and 2 more",
        ),
        (
            (variable("A"), variable("B"), variable("C"), annotation("a")),
            "annotation a and variables A, B and 1 more",
        ),
        ((annotation("a\nb"),), "annotation 'a\\nb'"),
    ],
)
def test_blame_names_some_of_those_who_asked(
    sources: Sequence[Source], words: str
) -> None:
    assert request({GPU_0: sources}).blame([GPU_0]) == f"asked for by {words}"


def test_blame_names_each_source_of_the_devices_in_question_once() -> None:
    one, both, other = annotation("one"), annotation("both"), annotation("other")
    asked = request({GPU_0: (one, both), GPU_1: (both,), NET: (other,)})
    assert asked.blame((GPU_0, GPU_1)) == "asked for by annotations both, one"


def test_combining_nothing_gives_nothing() -> None:
    assert combined() is NO_REQUEST
    assert combined(NO_REQUEST, NO_REQUEST) is NO_REQUEST


def test_one_request_among_empty_ones_stays_as_it_is() -> None:
    asked = request({GPU_0: (annotation("a"),)})
    assert combined(NO_REQUEST, asked, NO_REQUEST) is asked


sources = st.lists(
    st.sampled_from([annotation("a"), annotation("b"), variable("V")]),
    min_size=1,
    max_size=2,
    unique=True,
)
requests = st.dictionaries(st.sampled_from([GPU_0, GPU_1, NET]), sources).map(request)


@given(st.lists(requests, max_size=3))
def test_combined_requests_have_every_device_once_in_order_with_all_its_sources(
    parts: list[Request],
) -> None:
    whole = combined(*parts)
    named = [device for part in parts for device in part.devices]
    assert whole.devices == tuple(dict.fromkeys(named))
    assert set(whole.sources) == set(whole.devices)
    for device in whole.devices:
        asking = [part.sources.get(device, ()) for part in parts]
        flat = [source for found in asking for source in found]
        assert whole.sources[device] == tuple(dict.fromkeys(flat))


@given(requests.filter(bool))
def test_blame_is_one_line_with_no_more_names_than_a_reader_wants(
    asked: Request,
) -> None:
    words = asked.blame(asked.devices)
    found = {source for device in asked.devices for source in asked.sources[device]}
    assert words.isprintable()
    assert ("more" in words) is (len(found) > MAX_LISTED)
