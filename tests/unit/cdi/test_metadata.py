"""Annotations of specs and devices."""

from __future__ import annotations

import pytest

from nri_cdi.cdi.metadata import validate_annotations
from nri_cdi.cdi.problems import MAX_PROBLEMS
from nri_cdi.errors import Problem

_DNS = (
    "the prefix must be a DNS name: letters, digits, '-' and '.', "
    "each part starting and ending with a letter or digit"
)
_NAME = (
    "the name must be letters, digits, '-', '_' and '.', "
    "starting and ending with a letter or digit"
)


@pytest.mark.parametrize(
    "key",
    [
        "a",
        "0",
        "A_b.C-d",
        "example.com/key",
        "EXAMPLE.com/Key",
        f"{'p' * 253}/n",
        "n" * 63,
    ],
)
def test_good_keys_are_good(key: str) -> None:
    assert validate_annotations({key: "any value: \n \0"}) == []


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "the name is empty"),
        ("/", "the prefix before '/' is empty"),
        ("/name", "the prefix before '/' is empty"),
        ("example.com/", "the name is empty"),
        ("a/b/c", _DNS),
        ("-a/b", _DNS),
        ("a..b/c", _DNS),
        ("a_b/c", _DNS),
        ("a\n/b", _DNS),
        (f"{'p' * 254}/n", "the prefix has over 253 characters"),
        ("n" * 64, "the name has over 63 characters"),
        ("bad key!!", _NAME),
        ("-a", _NAME),
        ("a.", _NAME),
        ("a\n", _NAME),
        ("\u00e9", _NAME),
    ],
)
def test_bad_keys_are_reported_with_the_reason(key: str, reason: str) -> None:
    (problem,) = validate_annotations({"good": "x", key: "x"})
    assert problem.rule == "invalid-annotation-key"
    assert problem.message.startswith("annotation key ")
    assert problem.message.endswith(f": {reason}")


def test_a_bad_key_is_named_with_its_place() -> None:
    assert validate_annotations({"bad key": ""}) == [
        Problem(
            rule="invalid-annotation-key",
            message=f"annotation key 'bad key': {_NAME}",
            pointer="['bad key']",
        )
    ]


def test_all_annotations_together_have_a_limit_in_bytes() -> None:
    full = {"a": "x" * (256 * 1024 - 3), "b": "y"}
    assert validate_annotations(full) == []
    assert validate_annotations({**full, "b": "\u00e9"}) == [
        Problem(
            rule="annotations-too-large",
            message="the annotations have 262145 bytes; at most 262144 are allowed",
        )
    ]


def test_the_report_has_an_end() -> None:
    annotations = {f"bad {number}": "" for number in range(2 * MAX_PROBLEMS)}
    assert len(validate_annotations(annotations)) == MAX_PROBLEMS
