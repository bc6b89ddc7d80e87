from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.composing import compose
from nri_cdi.cdi.yamltext import is_plain, scalar_text, to_yaml

# What Go, PyYAML, or YAML 1.2 may take for something else than a string.
AMBIGUOUS = (
    *("y", "n", "yes", "no", "on", "off", "true", "False", "null", "~", ""),
    *("0", "010", "08", "0o10", "0x10", "0b11", "1_000", "1e3", "12e5", "1.0", "1.50"),
    *(".inf", "-.Inf", ".nan", "1:30", "190:20:30", "2001-01-01", "=", "<<", "+1"),
)
TEXTS = (*AMBIGUOUS, "- a", "a: b", "a #b", " a", "a ", "@a", "%a", "\t", "a\nb\n", "é")

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(codec="utf-8"))
    | st.sampled_from(TEXTS),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text("abc=<y10", max_size=4), inner)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_string_stays_one_for_every_reader(text: str) -> None:
    written = to_yaml({"a": text, text: 1} if text != "a" else {"a": text})
    assert compose(written).value["a"] == text
    assert yaml.safe_load(written)["a"] == text


@given(PLAIN)
def test_what_is_written_reads_as_the_same(value: Any) -> None:
    written = to_yaml({"value": value})
    assert compose(written).value == {"value": value}
    assert yaml.safe_load(written) == {"value": value}


def test_lines_are_not_folded() -> None:
    assert to_yaml({"a": "b " * 500 + "b"}).count("\n") == 1


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a", "a\n"),
        ({}, "{}\n"),
        ({"a": {}, "b": [], "c": [{}, []]}, "a: {}\nb: []\nc:\n- {}\n- []\n"),
        ({"b": {"d": 1, "c": None}, "a": True}, "b:\n  d: 1\n  c: null\na: true\n"),
        ([{"a": [1, {"b": 2, "c": 3}]}], "- a:\n  - 1\n  - b: 2\n    c: 3\n"),
        ([[1, [2, 3]], 4], "- - 1\n  - - 2\n    - 3\n- 4\n"),
        ({"yes": 1, "": 2, 3: 4, None: 5}, '"yes": 1\n"": 2\n3: 4\nnull: 5\n'),
        ([{"a": {"b": 1}}, {"c": {"d": 2}}], "- a:\n    b: 1\n- c:\n    d: 2\n"),
    ],
)
def test_values_are_blocks_of_two_spaces_a_level(value: Any, written: str) -> None:
    assert to_yaml(value) == written
    assert yaml.safe_load(written) == value


@pytest.mark.parametrize("inner", [1, "b", [], {}, [1, [2]], {"c": {"d": 1}, "e": [2]}])
@pytest.mark.parametrize("length", [1023, 1024, 5000])
def test_a_key_may_be_as_long_as_a_path(length: int, inner: Any) -> None:
    value = [{"/" * length: inner, "x": 1}]
    assert yaml.safe_load(to_yaml(value)) == value
    assert compose(to_yaml({"a": value})).value == {"a": value}


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (1.0, "1.0"),
        (0.1, "0.1"),
        (1e20, "1.0e+20"),
        (2.5e-7, "2.5e-07"),
        (math.inf, ".inf"),
        (-math.inf, "-.inf"),
    ],
)
def test_a_number_is_one_for_every_reader(number: float, written: str) -> None:
    assert scalar_text(number) == written
    assert yaml.safe_load(written) == number
    assert compose(f"a: {written}").value == {"a": number}


def test_what_is_no_number_is_written_as_such() -> None:
    assert scalar_text(math.nan) == ".nan"


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(UnicodeEncodeError):
        to_yaml({"a": "\udcff"})


@given(st.from_regex(r"[A-Za-z/][A-Za-z0-9:=,/ #.\[{&*-]*", fullmatch=True))
def test_texts_that_need_no_closer_look_need_no_quotes(text: str) -> None:
    if is_plain(text):
        assert yaml.safe_load(f"a: {text}\n") == {"a": text}
        assert compose(f"- {text}\n").value == [text]


def test_a_value_that_is_there_twice_is_written_twice() -> None:
    shared = ["a"]
    assert to_yaml({"x": shared, "z": shared}) == "x:\n- a\nz:\n- a\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a", "a"),
        ("/dev/a-b_c.d", "/dev/a-b_c.d"),
        ("0.5.0", "0.5.0"),
        ("L3:0=f;1=f", "L3:0=f;1=f"),
        ("lib.so::/usr/lib", "lib.so::/usr/lib"),
        ("--folder", "--folder"),
        ("yes", '"yes"'),
        ("y", '"y"'),
        ("", '""'),
        ("0", '"0"'),
        ("2001-01-01", '"2001-01-01"'),
        ("1:30", '"1:30"'),
        ("<<", '"<<"'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("a\nb\t", '"a\\nb\\t"'),
        ('"', '"\\""'),
        ("\x85", '"\\u0085"'),
        ("a\u202eb", '"a\\u202eb"'),
        ("a\u200bb", '"a\\u200bb"'),
        ("a\U000e0041b", '"a\\U000e0041b"'),
        ("\U0001f600", "\U0001f600"),
        ("a:b", "a:b"),
        ("a:", '"a:"'),
        (438, "438"),
        (True, "true"),
        (None, "null"),
    ],
)
def test_a_scalar_has_quotes_only_where_it_needs_them(value: Any, written: str) -> None:
    assert scalar_text(value) == written
    assert to_yaml([value]) == f"- {written}\n"


@given(st.text(st.characters(codec="utf-8")))
def test_a_text_on_its_own_reads_as_the_same(text: str) -> None:
    written = f"a: {scalar_text(text)}\n"
    assert "\n" not in scalar_text(text)
    assert compose(written).value == {"a": text}
    assert yaml.safe_load(written) == {"a": text}
