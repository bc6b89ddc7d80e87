"""Where the values of a text stand."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi import events
from nri_cdi.cdi.positions import locate

TEXT = """\
kind: x
devices:
- name: a
  containerEdits:
    env: [A=b, C=d]
- &second
  Name: b
  annotations:
    example.com/k: v
    yes: w
- *second
? [complex]
: {name: c}
!!int z: bad
last: 1
"""


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("kind", (1, 1)),
        ("devices", (2, 1)),
        ("devices[0]", (3, 3)),
        ("devices[0].name", (3, 3)),
        ("devices[0].containerEdits.env[1]", (5, 16)),
        ("devices[1]", (6, 3)),
        ("devices[1].name", (7, 3)),
        ("devices[1].annotations['example.com/k']", (9, 5)),
        ("devices[1].annotations.true", (10, 5)),
        ("last", (15, 1)),
        # What the text doesn't spell out:
        ("devices[0].containerEdits.mounts[3].hostPath", (4, 3)),
        ("devices[2].name", (11, 3)),
        ("devices[9]", (2, 1)),
        ("missing", (1, 1)),
        ("kind.no.mapping", (1, 1)),
        ("", (1, 1)),
    ],
)
def test_a_value_is_located(pointer: str, place: tuple[int, int]) -> None:
    assert locate(TEXT, [pointer]) == {pointer: place}


def test_json_is_located_too() -> None:
    text = '{\n  "a": [1,\n    {"b": 2}]\n}'
    assert locate(text, ["a[1].b", "a"]) == {"a[1].b": (3, 6), "a": (2, 3)}


def test_what_stands_before_an_error_is_located() -> None:
    text = '{"a": 1,\n "b": "\\x", "c": 1}'
    assert locate(text, ["a", "c"]) == {"a": (1, 2), "c": (1, 1)}


def test_escapes_of_json_that_yaml_lacks_do_not_matter() -> None:
    text = '{"a": "\\ud83d\\uDE00", "b": 1}'
    assert locate(text, ["a", "b"]) == {"a": (1, 2), "b": (1, 23)}


@pytest.mark.parametrize("text", ["", "\t\t{}", "@"])
def test_a_text_without_positions_gives_none(text: str) -> None:
    assert locate(text, ["a"]) == {}


def test_a_text_beyond_the_limits_gives_what_came_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "MAX_VALUES", 10)
    text = "a: 1\nb: [1, 2, 3, 4, 5, 6, 7, 8, 9]\nc: 1"
    assert locate(text, ["a", "c"]) == {"a": (1, 1), "c": (1, 1)}


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20))
def test_items_of_indented_json_stand_on_lines_of_their_own(items: list[int]) -> None:
    text = json.dumps({"items": items}, indent=1)
    pointers = [f"items[{index}]" for index in range(len(items))]
    places = locate(text, pointers)
    assert [places[pointer][0] for pointer in pointers] == list(
        range(3, 3 + len(items))
    )
