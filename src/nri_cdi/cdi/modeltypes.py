"""Whether the values of a spec have the types that ``model`` gives them.

Those that are read from text have. A spec that a program made may not: nothing in
Python sees to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from nri_cdi.cdi.model import Spec
from nri_cdi.cdi.pointers import at_index, at_key
from nri_cdi.cdi.problems import MAX_PROBLEMS, problem
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.shapes import SHAPES
from nri_cdi.errors import Problem


def wrong_types(spec: object) -> list[Problem]:
    """Each value that has another type than it should; a subtype is another one.

    A file may have no form for one, as of a number that says its own name.
    """
    return list(islice(_wrong(spec, Spec, ""), MAX_PROBLEMS))


def _wrong(value: Any, wanted: Any, pointer: str) -> Iterator[Problem]:
    kind, parts = _taken_apart(wanted)
    is_right = type(value) is kind
    if kind is UnionType:
        if value is not None:
            yield from _wrong(value, parts[0], pointer)
    elif kind is Mapping and isinstance(value, Mapping):
        yield from _wrong_texts(value, pointer)
    elif not is_right:
        message = f"the value must be of type {kind.__name__}, not {_name(value)}"
        yield problem(Rule.WRONG_TYPE, pointer, message)
    elif kind is tuple:
        yield from _wrong_items(value, parts[0], pointer)
    elif kind in SHAPES:
        for name, attribute, wanted_there in _members(kind):
            there = at_key(pointer, name)
            yield from _wrong(getattr(value, attribute), wanted_there, there)


def _wrong_items(items: Any, wanted: Any, pointer: str) -> Iterator[Problem]:
    for index, item in enumerate(items):
        yield from _wrong(item, wanted, at_index(pointer, index))


def _wrong_texts(texts: Mapping[Any, Any], pointer: str) -> Iterator[Problem]:
    for key, text in texts.items():
        if type(key) is str:
            yield from _wrong(text, str, at_key(pointer, key))
        else:
            message = f"a key must be of type str, not {_name(key)}"
            yield problem(Rule.WRONG_TYPE, pointer, message)


def _name(value: object) -> str:
    return type(value).__name__


@cache
def _taken_apart(wanted: Any) -> tuple[Any, tuple[Any, ...]]:
    """``tuple[str, ...]`` as tuple and str, and a plain type as itself."""
    return get_origin(wanted) or wanted, get_args(wanted)


@cache
def _members(model: type) -> tuple[tuple[str, str, Any], ...]:
    """Of each field its name, its attribute and its type."""
    types = get_type_hints(model)
    return tuple(
        (name, attribute, types[attribute])
        for name, (attribute, _, _) in SHAPES[model].fields.items()
    )
