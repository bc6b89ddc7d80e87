"""What can be wrong with an OCI spec, and the error that says so.

Only what an edit touches is looked at. The rest belongs to the runtime: it is passed on
as it is, valid or not.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from nri_cdi.errors import OciSpecError, Problem

UNNAMED = "OCI spec"
"""Stands in messages for the file's name where there is no file."""


class Rule(StrEnum):
    """What is wrong; those that CDI specs can break too have the same identifiers."""

    FILE_TOO_LARGE = "file-too-large"
    NOT_UTF_8 = "not-utf-8"
    SYNTAX = "syntax"
    NESTING_TOO_DEEP = "nesting-too-deep"
    DUPLICATE_KEY = "duplicate-key"
    WRONG_TYPE = "wrong-type"
    WRONG_CASE = "wrong-case"
    OUT_OF_RANGE = "out-of-range"


_WORDS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a fraction",
    type(None): "null",
}


def unsuitable(path: str, rule: Rule, pointer: str, message: str) -> OciSpecError:
    """The error for what is at ``pointer`` in the spec of ``path``."""
    return OciSpecError(path, (Problem(rule=rule, message=message, pointer=pointer),))


def wrong_type(path: str, pointer: str, kind: type, value: Any) -> OciSpecError:
    """The error for a ``value`` that isn't of the ``kind`` that belongs there."""
    got = _WORDS.get(type(value), f"Python's {type(value).__name__}")
    message = f"expected {_WORDS[kind]}, got {got}"
    return unsuitable(path, Rule.WRONG_TYPE, pointer, message)


def join(at: str, key: str) -> str:
    """The place of ``key`` in the object at ``at``, which is empty for the whole."""
    return f"{at}.{key}" if at else key


def is_a(kind: type, value: Any) -> bool:
    """Whether a JSON value is of a kind; Python takes booleans for integers."""
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))
