from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.composing import compose
from nri_cdi.cdi.formatting.blocks import to_blocks
from nri_cdi.cdi.formatting.entries import Entry, Kind, entry_of

TEXTS = st.text(st.characters(codec="utf-8")) | st.text("ab \n#-:\t", max_size=12)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b": "yes"}, 'a: 1\nb: "yes"\n'),
        ({"yes": 1}, '"yes": 1\n'),
        ({"a": {}, "b": []}, "a: {}\nb: []\n"),
        ({"a": {"b": {"c": None}}}, "a:\n  b:\n    c: null\n"),
        ({"a": ["b", 1]}, "a:\n- b\n- 1\n"),
        ({"a": [{}, {"b": 1, "c": 2}]}, "a:\n- {}\n- b: 1\n  c: 2\n"),
        ({"a": [{"b": ["c"]}]}, "a:\n- b:\n  - c\n"),
        ({"a": [{"b": {"c": 1}}]}, "a:\n- b:\n    c: 1\n"),
        ({"a": "b\n"}, "a: |\n  b\n"),
        ({"a": "b\n  c"}, "a: |-\n  b\n    c\n"),
        ({"a": ["b\n\n\nc\n"]}, "a:\n- |\n  b\n\n\n  c\n"),
        ({"a": "\nb"}, 'a: "\\nb"\n'),
        ({"a": " b\nc"}, 'a: " b\\nc"\n'),
        ({"a": "b \nc"}, 'a: "b \\nc"\n'),
        ({"a": "b\n \nc"}, 'a: "b\\n \\nc"\n'),
        ({"a": "b\n\n"}, 'a: "b\\n\\n"\n'),
        ({"a": "\n"}, 'a: "\\n"\n'),
        ({"a": "b\tc\nd"}, 'a: "b\\tc\\nd"\n'),
    ],
)
def test_values_are_written_as_blocks(value: Any, text: str) -> None:
    assert to_blocks(entry_of(value)) == text
    assert compose(text).value == value


@given(st.dictionaries(st.text("ay1", min_size=1), st.lists(TEXTS), min_size=1))
def test_what_is_written_reads_as_the_same(value: Any) -> None:
    assert compose(to_blocks(entry_of(value))).value == value


def _field(key: str, *children: Entry, kind: Kind = Kind.SCALAR) -> Entry:
    return Entry(key=key, kind=kind, children=list(children), value=1)


def test_comments_are_above_beside_and_below() -> None:
    inner = _field("b")
    inner.above, inner.beside = ["# b1", "", "", "# b2"], ["# b3"]
    outer = _field("a", inner, kind=Kind.MAPPING)
    outer.above, outer.beside, outer.below = ["# a1"], ["# a2"], ["", "# a3"]
    root = Entry(kind=Kind.MAPPING, children=[outer])
    root.above, root.below = ["# r1"], ["# r2"]
    assert to_blocks(root) == (
        "# r1\n\n# a1\na:  # a2\n  # b1\n\n  # b2\n  b: 1  # b3\n\n  # a3\n# r2\n"
    )


def test_what_has_no_place_in_or_beside_a_value_is_above_it() -> None:
    first, empty = _field("b"), _field("c", kind=Kind.SEQUENCE)
    first.above, first.beside = ["", "# 3"], ["# 4", "# 5"]
    empty.above, empty.below, empty.beside = ["# 6"], ["# 7"], ["# 8"]
    item = Entry(kind=Kind.MAPPING, children=[first, empty])
    item.above, item.beside = ["# 1"], ["# 2"]
    root = Entry(kind=Kind.MAPPING, children=[_field("a", item, kind=Kind.SEQUENCE)])
    assert to_blocks(root) == (
        "a:\n# 1\n# 2\n# 3\n# 4\n- b: 1  # 5\n  # 6\n  # 7\n  c: []  # 8\n"
    )


def test_blank_lines_are_single_and_not_at_the_start_of_a_block() -> None:
    first, second, third = _field("b"), _field("c"), _field("d")
    first.above, second.above, third.above = ["", ""], ["", ""], [""]
    root = Entry(kind=Kind.MAPPING, children=[first, second, third])
    assert to_blocks(root) == "b: 1\n\nc: 1\n\nd: 1\n"
