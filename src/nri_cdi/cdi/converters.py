"""From plain values to those of a spec's fields: strings, numbers, lists.

Types are converted as the reference does it: where a string belongs, a number becomes
one; where an integer belongs, 10.0 is one, and ``"10"`` isn't. A converter reports what
it can't convert, and gives an empty value for it.

Source: sigs.k8s.io/yaml; Go's encoding/json.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from nri_cdi.cdi.building import Builder, Convert, Place, Shape
from nri_cdi.cdi.model import NO_ANNOTATIONS
from nri_cdi.cdi.scalars import resolve_plain, text_of
from nri_cdi.quoting import quoted

_JSON_INTEGER_LIMIT = 1e21
"""From here on Go writes a float with an exponent, which is no integer to it."""


def text(builder: Builder, value: Any, place: Place) -> str:
    """A string; a number or a boolean becomes one, as its text in Go."""
    if type(value) is list or type(value) is dict:
        builder.wrong_type("a string", value, place)
        return ""
    return text_of(value)


def word(builder: Builder, value: Any, place: Place) -> str:
    """A string of which there are few, and many of each: equal ones become one."""
    made = text(builder, value, place)
    return builder.words.setdefault(made, made)


def texts(builder: Builder, value: Any, place: Place) -> tuple[str, ...]:
    """A list of strings; null is an empty one."""
    if type(value) is not list:
        value = _items(builder, "a string", value, place)
    for item in value:
        if type(item) is not str:
            builder.null_items("a string", value, place)
            value = [text(builder, each, (place, at)) for at, each in enumerate(value)]
            break
    made = tuple(value)
    return builder.lists.setdefault(made, made)


def optional_texts(
    builder: Builder, value: Any, place: Place
) -> tuple[str, ...] | None:
    """A list of strings, or null."""
    return None if value is None else texts(builder, value, place)


def optional_integer(builder: Builder, value: Any, place: Place) -> int | None:
    """An integer of any size, 10.0 for 10 too; or null."""
    if value is None or type(value) is int:
        return value
    if type(value) is float and value.is_integer() and abs(value) < _JSON_INTEGER_LIMIT:
        return int(value)
    _wrong_scalar(builder, "an integer", int, value, place)
    return None


def integer(builder: Builder, value: Any, place: Place) -> int:
    """An integer; null is 0."""
    return optional_integer(builder, value, place) or 0


def integers(builder: Builder, value: Any, place: Place) -> tuple[int, ...]:
    """A list of integers; null is an empty one."""
    items = enumerate(_items(builder, "an integer", value, place))
    return tuple([integer(builder, item, (place, at)) for at, item in items])


def boolean(builder: Builder, value: Any, place: Place) -> bool:
    """A boolean; null is false."""
    if value is None or type(value) is bool:
        return bool(value)
    _wrong_scalar(builder, "a boolean", bool, value, place)
    return False


def annotation_map(builder: Builder, value: Any, place: Place) -> Mapping[str, str]:
    """A mapping of strings; null is an empty one."""
    if value is not None and type(value) is not dict:
        builder.wrong_type("a mapping", value, place)
        return NO_ANNOTATIONS
    if not value:
        return NO_ANNOTATIONS
    return MappingProxyType(
        {key: text(builder, item, (place, key)) for key, item in value.items()}
    )


def one(shape: Shape) -> Convert:
    """A mapping; null is an empty one."""
    return lambda builder, value, place: builder.make(shape, value, place)


def one_or_none(shape: Shape) -> Convert:
    """A mapping, or null."""
    return lambda builder, value, place: (
        None if value is None else builder.make(shape, value, place)
    )


def many(shape: Shape) -> Convert:
    """A list of mappings; null is an empty one."""

    def convert(builder: Builder, value: Any, place: Place) -> tuple[Any, ...]:
        if type(value) is not list or None in value:
            value = _items(builder, "a mapping", value, place)
        make = builder.make
        return tuple([make(shape, item, (place, at)) for at, item in enumerate(value)])

    return convert


def _wrong_scalar(
    builder: Builder, expected: str, kind: type, value: Any, place: Place
) -> None:
    """Report what is no ``kind``; quotes may be all that is wrong with it."""
    if type(value) is not str:
        builder.wrong_type(expected, value, place)
        return
    hint = "; leave out the quotes" if type(resolve_plain(value)) is kind else ""
    builder.wrong_type(expected, value, place, f"the string {quoted(value)}{hint}")


def _items(builder: Builder, expected: str, value: Any, place: Place) -> list[Any]:
    """The items of a list; null is an empty one."""
    if type(value) is list:
        builder.null_items(expected, value, place)
        return value
    if value is not None:
        builder.wrong_type("a list", value, place)
    return []
