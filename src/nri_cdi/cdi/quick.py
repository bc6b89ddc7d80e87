"""The fast way from a text to its value, for texts without anything out of the way.

What it doesn't do (anchors, tags, merges, keys given twice, ...) it refuses with
IrregularError, and ``composing`` does the whole work. That way a plain file, which is
what all generators of specs write, pays for no bookkeeping.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from nri_cdi.cdi.events import MAX_DEPTH, MAX_VALUES, open_events
from nri_cdi.cdi.scalars import HINTS, Scalar, resolve_plain

Value = Any
"""A Scalar, a list of values, or a dict of values by str. mypy wants a cast at each
step through a recursive type; ``building`` checks every type instead."""


class IrregularError(Exception):
    """The text needs the complete way. Private to this package."""


def quick_json(text: str) -> Value:
    """The value of a JSON text.

    Raises:
        IrregularError: it isn't JSON, or needs a closer look.
    """
    if len(text) > MAX_VALUES and sum(map(text.count, ",:[{")) > MAX_VALUES:
        raise IrregularError
    try:
        value = json.loads(
            text,
            # Being a Python function it lets other threads run in between.
            object_pairs_hook=_object,
            # As the reference, which takes JSON for YAML: 1e400 is a string, and so
            # are the constants NaN and Infinity.
            parse_float=resolve_plain,
            parse_constant=str,
        )
        if "\\ud" in text or "\\uD" in text:
            # Half a surrogate pair is no character: this refuses to encode it.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise IrregularError from error
    return value


def quick_yaml(text: str) -> Value:
    """The value of a YAML text's first document; None where there is none.

    Raises:
        IrregularError: it needs a closer look.
        MalformedError: it has too many values.
        yaml.YAMLError: it isn't YAML.
    """
    return _Reader(open_events(text)).root()


def _object(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise IrregularError
    return value


class _Plain(dict[str, Scalar]):
    """The values of plain scalars, worked out once each: most are repeated."""

    def __missing__(self, text: str) -> Scalar:
        value = self[text] = resolve_plain(text)
        return value


class _Reader:
    """Builds a value from events, in one pass."""

    __slots__ = ("_next", "_plain")

    def __init__(self, next_event: Callable[[], Any]) -> None:
        self._next = next_event
        self._plain = _Plain()

    def root(self) -> Value:
        self._next()  # the start of the stream
        if type(self._next()) is StreamEndEvent:
            return None
        value = self._value(self._next(), 0)
        self._next()  # the end of the document: what stands there must be readable
        return value

    def _value(self, event: Any, depth: int) -> Value:
        kind = type(event)
        if event.anchor is not None:
            raise IrregularError
        if kind is ScalarEvent:
            if event.tag is not None:
                raise IrregularError
            return event.value if event.style else self._plain[event.value]
        if depth == MAX_DEPTH:
            raise IrregularError
        if kind is MappingStartEvent:
            return self._mapping(depth + 1)
        return self._sequence(depth + 1)

    def _sequence(self, depth: int) -> list[Value]:
        next_event, plain = self._next, self._plain
        items: list[Value] = []
        value: Value
        while True:
            event = next_event()
            if type(event) is ScalarEvent:
                # The case of _value that nearly all items are.
                if event.tag is not None or event.anchor is not None:
                    raise IrregularError
                value = event.value
                if value[:1] in HINTS and not event.style:
                    value = plain[value]
                items.append(value)
            elif type(event) is SequenceEndEvent:
                return items
            else:
                items.append(self._value(event, depth))

    def _mapping(self, depth: int) -> dict[str, Value]:
        next_event, plain = self._next, self._plain
        items: dict[str, Value] = {}
        value: Value
        while True:
            event = next_event()
            if type(event) is MappingEndEvent:
                return items
            if type(event) is not ScalarEvent:
                raise IrregularError
            key = event.value if event.style else plain[event.value]
            if (
                type(key) is not str
                or key in items
                or key == "<<"
                or event.tag is not None
                or event.anchor is not None
            ):
                raise IrregularError
            event = next_event()
            if type(event) is ScalarEvent:
                if event.tag is not None or event.anchor is not None:
                    raise IrregularError
                value = event.value
                if value[:1] in HINTS and not event.style:
                    value = plain[value]
                items[key] = value
            else:
                items[key] = self._value(event, depth)
