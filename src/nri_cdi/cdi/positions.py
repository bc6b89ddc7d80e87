"""Where the values of a text stand: sought only once something is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress

import yaml
from yaml.events import (
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from nri_cdi.cdi.events import (
    MalformedError,
    Position,
    open_events,
    position,
    value_of,
)
from nri_cdi.cdi.pointers import at_index, at_key, parent
from nri_cdi.cdi.scalars import ScalarError, key_of

# JSON writes a character beyond 16 bits as two escapes, which libyaml doesn't read.
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_AS_LONG = r"\\ufffd"


def locate(text: str, pointers: Iterable[str]) -> Mapping[str, Position]:
    """The positions of ``pointers`` in a YAML or JSON text, as far as it has them.

    A value in a mapping stands where its key does. What the text doesn't spell out (a
    missing field, the inside of an alias) stands where the nearest thing around it
    does. As for fields of a spec, the case of letters doesn't count.
    """
    asked = {pointer: pointer.lower() for pointer in pointers}
    locator = _Locator(_SURROGATE_ESCAPE.sub(_AS_LONG, text), asked.values())
    # What was found before an error is right.
    with suppress(yaml.YAMLError, MalformedError):
        locator.root()
    found = {pointer: locator.nearest(folded) for pointer, folded in asked.items()}
    return {pointer: place for pointer, place in found.items() if place}


class _Locator:
    """Walks through the events, and into those values alone that were asked for."""

    def __init__(self, text: str, pointers: Iterable[str]) -> None:
        self._next = open_events(text)
        self._found: dict[str, Position] = {}
        self._wanted = {""}
        for pointer in pointers:
            while pointer not in self._wanted:
                self._wanted.add(pointer)
                pointer = parent(pointer)

    def nearest(self, pointer: str) -> Position | None:
        """The position of ``pointer``, or of what is around it."""
        while pointer and pointer not in self._found:
            pointer = parent(pointer)
        return self._found.get(pointer)

    def root(self) -> None:
        self._next()  # the start of the stream
        if isinstance(self._next(), StreamEndEvent):
            return
        event = self._next()
        self._walk(event, "", position(event))

    def _walk(self, event: Event, pointer: str, place: Position) -> None:
        if pointer not in self._wanted:
            self._skip(event)
            return
        self._found.setdefault(pointer, place)
        if isinstance(event, MappingStartEvent):
            self._mapping(pointer)
        elif isinstance(event, SequenceStartEvent):
            self._sequence(pointer)

    def _mapping(self, pointer: str) -> None:
        while not isinstance(event := self._next(), MappingEndEvent):
            key = self._key(event)
            value = self._next()
            if key is None:
                self._skip(value)
            else:
                self._walk(value, at_key(pointer, key).lower(), position(event))

    def _sequence(self, pointer: str) -> None:
        index = 0
        while not isinstance(event := self._next(), SequenceEndEvent):
            self._walk(event, at_index(pointer, index), position(event))
            index += 1

    def _key(self, event: Event) -> str | None:
        if isinstance(event, ScalarEvent):
            try:
                return key_of(value_of(event))
            except ScalarError:
                return None
        self._skip(event)
        return None

    def _skip(self, event: Event) -> None:
        """Read to the end of the value that starts with ``event``."""
        level = 0
        while True:
            level += isinstance(event, CollectionStartEvent)
            level -= isinstance(event, CollectionEndEvent)
            if level == 0:
                return
            event = self._next()
