"""The fast way from a text to its value."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi import quick
from nri_cdi.cdi.composing import compose
from nri_cdi.cdi.quick import IrregularError, quick_json, quick_yaml

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing\n", None),
        ("---\n", None),
        ("a", "a"),
        ("'1'", "1"),
        (
            "a: 1\nb: [x, 'y', 0o10]\nc: {d: null}",
            {"a": 1, "b": ["x", "y", 8], "c": {"d": None}},
        ),
        ("- - a\n  - b\n- c: d", [["a", "b"], {"c": "d"}]),
        ("'a': 'b'", {"a": "b"}),
        ("a: [[], {}]", {"a": [[], {}]}),
        ("a: 1\n---\na: [", {"a": 1}),
        ("a: 1\n...\n}", {"a": 1}),
        ("!!map\na: !!seq [b]", {"a": ["b"]}),
    ],
)
def test_plain_yaml_is_read(text: str, value: object) -> None:
    assert quick_yaml(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "&a b",
        "!!str a",
        "a: &x b",
        "a: !!str b",
        "&x a: b",
        "!!str a: b",
        "[&a b]",
        "[!!str a]",
        "a: &x [b]",
        "a: &x {b: c}",
        "a: *x",
        "[*x]",
        "<<: {a: b}",
        "a: 1\na: 2",
        "1: 2",
        "null: 2",
        "? [a]\n: b",
        "? {a: b}\n: c",
        "[" * 101 + "]" * 101,
        "{a: " * 101 + "}" * 101,
    ],
)
def test_what_needs_a_closer_look_is_left_to_the_complete_way(text: str) -> None:
    with pytest.raises(IrregularError):
        quick_yaml(text)


def test_a_hundred_levels_are_read() -> None:
    value = quick_yaml("[" * 100 + "]" * 100)
    assert json.dumps(value) == "[" * 100 + "]" * 100


@pytest.mark.parametrize("text", ["a: b: c", "[", "a: [1] x", "{a: 1} @"])
def test_what_is_no_yaml_is_an_error(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        quick_yaml(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            '{"a": [1, -1, 1.5, true, false, null, "x"]}',
            {"a": [1, -1, 1.5, True, False, None, "x"]},
        ),
        ('{"a": 1e3, "b": 1E400}', {"a": 1000.0, "b": "1E400"}),
        ('{"a": NaN, "b": -Infinity}', {"a": "NaN", "b": "-Infinity"}),
        ('{"a": "\\ud83d\\uDE00"}', {"a": "\U0001f600"}),
        ('{"a": "\\\\ud83d"}', {"a": "\\ud83d"}),
        ('{"<<": 1}', {"<<": 1}),
    ],
)
def test_json_is_read(text: str, value: object) -> None:
    assert quick_json(text) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1,}',
        '{"a": 1} # comment',
        "{a: 1}",
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1, "b": 2}}',
        '{"a": "\\ud800"}',
        '{"\\uDFFF": 1}',
        '{"a": "\t"}',
        '{"a":' * 100_000,
        '{"a": ' + "9" * 5000 + "}",
    ],
)
def test_json_that_needs_a_closer_look_is_left_to_yaml(text: str) -> None:
    with pytest.raises(IrregularError):
        quick_json(text)


def test_json_with_too_many_values_is_left_to_yaml(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quick, "MAX_VALUES", 10)
    assert quick_json('{"a": "a long text"}') == {"a": "a long text"}
    with pytest.raises(IrregularError):
        quick_json('{"a": [1,2,3,4,5,6,7,8,9]}')


@given(values)
def test_json_means_the_same_in_both_ways(value: object) -> None:
    text = json.dumps({"value": value})
    assert quick_json(text) == {"value": value}


@given(values)
def test_yaml_means_the_same_in_both_ways(value: object) -> None:
    text = yaml.safe_dump({"value": value}, default_style="'")
    assert compose(text).value == {"value": value}
    plain = yaml.safe_dump(value, default_style=None)
    try:
        quickly = quick_yaml(plain)
    except IrregularError:
        return
    composed = compose(plain)
    assert composed.flaws == ()
    assert composed.value == quickly
