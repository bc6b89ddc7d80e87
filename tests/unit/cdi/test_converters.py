"""Plain values to those of a spec's fields: the types that each takes."""

from __future__ import annotations

import math
from typing import Any

import pytest

from nri_cdi.cdi.building import Builder, Convert
from nri_cdi.cdi.converters import (
    annotation_map,
    boolean,
    integer,
    integers,
    optional_integer,
    optional_texts,
    text,
    texts,
    word,
)
from nri_cdi.errors import Problem


@pytest.mark.parametrize(
    ("convert", "value", "expected"),
    [
        (text, "x", "x"),
        (text, 10, "10"),
        (text, 1.50, "1.5"),
        (text, True, "true"),
        (text, None, ""),
        (word, "x", "x"),
        (word, 1, "1"),
        (texts, None, ()),
        (texts, [], ()),
        (texts, ["a", "b"], ("a", "b")),
        (texts, ["a", 1, False], ("a", "1", "false")),
        (optional_texts, None, None),
        (optional_texts, [], ()),
        (optional_texts, ["a"], ("a",)),
        (optional_integer, None, None),
        (optional_integer, 0, 0),
        (optional_integer, 10.0, 10),
        (optional_integer, -0.0, 0),
        (optional_integer, 2**70, 2**70),
        (integer, None, 0),
        (integer, 7, 7),
        (integer, 1e3, 1000),
        (integers, None, ()),
        (integers, [1, 2.0, 2**40], (1, 2, 2**40)),
        (boolean, None, False),
        (boolean, True, True),
        (annotation_map, None, {}),
        (annotation_map, {}, {}),
        (
            annotation_map,
            {"a": "b", "c": 1.50, "d": None},
            {"a": "b", "c": "1.5", "d": ""},
        ),
    ],
)
def test_values_are_converted(convert: Convert, value: Any, expected: object) -> None:
    builder = Builder()
    assert convert(builder, value, None) == expected
    assert builder.problems == []


@pytest.mark.parametrize(
    ("convert", "value", "message", "expected"),
    [
        (text, ["a"], "expected a string, got a list", ""),
        (text, {}, "expected a string, got a mapping", ""),
        (texts, "a", "expected a list, got a string", ()),
        (texts, {"a": 1}, "expected a list, got a mapping", ()),
        (optional_texts, 1, "expected a list, got an integer", ()),
        (
            optional_integer,
            "0666",
            "expected an integer, got the string '0666'; leave out the quotes",
            None,
        ),
        (
            optional_integer,
            "root",
            "expected an integer, got the string 'root'",
            None,
        ),
        (optional_integer, 10.5, "expected an integer, got 10.5", None),
        (optional_integer, math.inf, "expected an integer, got inf", None),
        (optional_integer, 1e21, "expected an integer, got 1e+21", None),
        (optional_integer, True, "expected an integer, got a boolean", None),
        (integer, [], "expected an integer, got a list", 0),
        (integers, 5, "expected a list, got an integer", ()),
        (
            boolean,
            "true",
            "expected a boolean, got the string 'true'; leave out the quotes",
            False,
        ),
        (boolean, "maybe", "expected a boolean, got the string 'maybe'", False),
        (boolean, 1, "expected a boolean, got an integer", False),
        (annotation_map, [], "expected a mapping, got a list", {}),
        (annotation_map, "", "expected a mapping, got a string", {}),
    ],
)
def test_a_value_of_a_wrong_type_is_reported_and_replaced(
    convert: Convert, value: Any, message: str, expected: object
) -> None:
    builder = Builder()
    assert convert(builder, value, (None, "field")) == expected
    assert builder.problems == [
        Problem(rule="wrong-type", message=message, pointer="field")
    ]


@pytest.mark.parametrize(
    ("convert", "value", "pointer", "message", "expected"),
    [
        (texts, ["a", None], "field[1]", "expected a string, got null", ("a", "")),
        (texts, ["a", ["b"]], "field[1]", "expected a string, got a list", ("a", "")),
        (integers, [None], "field[0]", "expected an integer, got null", (0,)),
        (
            integers,
            [1, "b"],
            "field[1]",
            "expected an integer, got the string 'b'",
            (1, 0),
        ),
        (
            annotation_map,
            {"a/b": []},
            "field['a/b']",
            "expected a string, got a list",
            {"a/b": ""},
        ),
    ],
)
def test_a_bad_item_is_reported_with_its_place(
    convert: Convert, value: Any, pointer: str, message: str, expected: object
) -> None:
    builder = Builder()
    assert convert(builder, value, (None, "field")) == expected
    assert [(item.pointer, item.message) for item in builder.problems] == [
        (pointer, message)
    ]


def test_equal_words_and_lists_become_one() -> None:
    builder = Builder()
    first, second = "".join(["a", "b"]), "".join(["a", "b"])
    assert word(builder, first, None) is word(builder, second, None)
    assert texts(builder, [first], None) is texts(builder, [second], None)
