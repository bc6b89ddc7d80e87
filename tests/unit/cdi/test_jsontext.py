from __future__ import annotations

import json
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.composing import compose
from nri_cdi.cdi.jsontext import UNSEEN, escaped, to_json

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", max_size=4), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_readers_of_json_and_of_yaml_take_it_for_the_same(value: Any) -> None:
    written = to_json({"value": value})
    assert json.loads(written) == {"value": value}
    assert compose(written).value == {"value": value}


def test_it_has_a_line_each_and_a_line_feed_at_the_end() -> None:
    assert to_json({"b": [1, "é"], "a": {}}) == (
        '{\n  "b": [\n    1,\n    "é"\n  ],\n  "a": {}\n}\n'
    )


@pytest.mark.parametrize(
    ("letter", "written"),
    [
        ("\x7f", "\\u007f"),
        ("\x85", "\\u0085"),
        ("\x9f", "\\u009f"),
        ("\u2028", "\\u2028"),
        ("\ufeff", "\\ufeff"),
        ("\uffff", "\\uffff"),
        # Nobody sees these; some of them turn the text around that they stand in.
        ("\xad", "\\u00ad"),
        ("\u200b", "\\u200b"),
        ("\u202e", "\\u202e"),
        ("\u2066", "\\u2066"),
        ("\xa0", "\xa0"),
        ("\U0001f600", "\U0001f600"),
        # JSON has a pair of escapes for it, which is no letter in YAML.
        ("\U000e0041", "\U000e0041"),
    ],
)
def test_letters_that_yaml_does_not_have_or_nobody_sees_are_escaped(
    letter: str, written: str
) -> None:
    assert escaped(f'"a{letter}b"') == f'"a{written}b"'


def test_all_letters_that_format_others_are_unseen() -> None:
    letters = map(chr, range(sys.maxunicode + 1))
    formats = {letter for letter in letters if unicodedata.category(letter) == "Cf"}
    assert {letter for letter in formats if not UNSEEN.fullmatch(letter)} == set()
