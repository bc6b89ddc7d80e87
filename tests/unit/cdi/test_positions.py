"""Where the values of a text stand."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi import events
from nri_cdi.cdi.positions import locate, locate_all

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


def test_characters_of_json_that_yaml_must_escape_do_not_matter() -> None:
    text = '{"a": "\x7f\ufffe", "b": 1}'
    assert locate(text, ["a", "b"]) == {"a": (1, 2), "b": (1, 13)}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("kind: a\nKIND: b\n", 1),
        ("KIND: b\nkind: a\n", 2),
        ("kind: a\nKind: b\nKIND: c\n", 1),
        ("Kind: a\nkinD: b\nKIND: c\n", 2),
        ("kind: a\nkind: b\n", 1),
        ("\u212aind: a\nkind: b\n", 1),
    ],
)
def test_of_two_spellings_of_a_field_the_one_that_counts_is_located(
    text: str, line: int
) -> None:
    assert locate(text, ["kind"]) == {"kind": (line, 1)}


def test_what_is_in_a_spelling_that_does_not_count_is_not_located() -> None:
    text = "Devices:\n- name: a\ndevices:\n- kind: b\n"
    pointers = ["devices[0].name", "devices[0].kind"]
    assert locate(text, pointers) == {pointers[0]: (4, 3), pointers[1]: (4, 3)}


@pytest.mark.parametrize("outer", ["", "devices[0]."])
def test_the_case_of_an_annotation_s_key_counts(outer: str) -> None:
    annotations = "annotations: {A b: x, a b: y, K: z, k: z}\n"
    text = f"devices:\n- {annotations}" if outer else annotations
    column = 3 if outer else 1
    line = 2 if outer else 1
    pointers = [f"{outer}annotations{key}" for key in ("['a b']", "['A b']", ".k")]
    assert [locate(text, [pointer])[pointer] for pointer in pointers] == [
        (line, column + 22),
        (line, column + 14),
        (line, column + 36),
    ]


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


def test_documents_are_located_as_items_of_a_list() -> None:
    text = "# one\na: 1\nA: 2\n---\n---\n- b\n- c: 1\n"
    pointers = ["[0].a", "[0].A", "[0].b", "[1]", "[2][1].c", "[3].a"]
    assert locate_all(text, pointers) == {
        "[0].a": (2, 1),
        "[0].A": (3, 1),
        "[0].b": (2, 1),
        "[1]": (5, 1),
        "[2][1].c": (7, 3),
    }


def test_what_stands_before_an_error_in_a_later_document_is_located() -> None:
    assert locate_all("a: 1\n---\nb: 1\n@", ["[0].a", "[1].b"]) == {
        "[0].a": (1, 1),
        "[1].b": (3, 1),
    }
