"""The fields of a manifest, each of the type that Kubernetes gives it.

What has another type is a problem, and stands for an empty value from then on, so that
all problems of a file are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from nri_cdi.cdi.pointers import at_key
from nri_cdi.cdi.problems import ProblemLog, problem
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.scalars import describe
from nri_cdi.errors import Problem
from nri_cdi.quoting import quoted

MISSING_FIELD = "missing-field"

Fields = Mapping[str, Any]
_ABSENT: Fields = MappingProxyType({})

REFUSED: Fields = MappingProxyType({})
"""Stands for what was refused already: nothing more is to be said of it."""

_EMPTY: tuple[object, ...] = (None, "", [])


class FieldReader:
    """Looks into mappings, and keeps the problems that it finds.

    ``pointer`` is the place of the mapping ``found``, in which ``key`` is looked up.
    """

    def __init__(self) -> None:
        self.problems = ProblemLog()

    def needed(self, found: Fields, key: str, pointer: str) -> tuple[Fields, str]:
        """A mapping that must be there, and its place."""
        self.need(found, key, pointer)
        inner, at = self.inner(found, key, pointer)
        return (REFUSED if inner is _ABSENT else inner), at

    def inner(self, found: Fields, key: str, pointer: str) -> tuple[Fields, str]:
        """A mapping that may be missing, and its place."""
        value, at = found.get(key), at_key(pointer, key)
        return (_ABSENT if value is None else self.mapping(value, at)), at

    def mapping(self, value: object, pointer: str) -> Fields:
        """A value that must be a mapping; ``pointer`` is its own place."""
        if isinstance(value, dict):
            return value
        self.refuse(pointer, f"must be a mapping, not {describe(value)}")
        return REFUSED

    def items(self, found: Fields, key: str, pointer: str) -> list[Any]:
        """The items of a list that may be missing."""
        value = found.get(key)
        if value is None or isinstance(value, list):
            return value or []
        self.refuse(at_key(pointer, key), f"must be a list, not {describe(value)}")
        return []

    def text(self, found: Fields, key: str, pointer: str) -> str:
        """A string; null is an empty one, as it is for an API server."""
        value = found.get(key)
        if value is None or isinstance(value, str):
            return value or ""
        remedy = "" if isinstance(value, (dict, list)) else ": put it in quotes"
        at = at_key(pointer, key)
        self.refuse(at, f"must be a string, not {describe(value)}{remedy}")
        return ""

    def needed_text(self, found: Fields, key: str, pointer: str) -> str:
        """A string that must be there, and not be empty."""
        self.need(found, key, pointer)
        return self.text(found, key, pointer)

    def need(self, found: Fields, key: str, pointer: str) -> None:
        """Refuse what has nothing at ``key``, unless it was refused already."""
        if found is not REFUSED and found.get(key) in _EMPTY:
            missing = Problem(
                rule=MISSING_FIELD, message=f"it needs {quoted(key)}", pointer=pointer
            )
            self.problems.add(missing)

    def refuse(self, pointer: str, message: str, rule: Rule = Rule.WRONG_TYPE) -> None:
        """Note what is wrong with the value at ``pointer``."""
        self.problems.add(problem(rule, pointer, message))
