"""Where the values of a text stand: sought only once something is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
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
    open_events,
    position,
    value_of,
)
from nri_cdi.cdi.pointers import at_index, at_key, is_within, parent
from nri_cdi.cdi.scalars import ScalarError, key_of
from nri_cdi.cdi.syntax import UNPRINTABLE, Position
from nri_cdi.folding import fold

# JSON may have characters that YAML must escape, and writes one beyond 16 bits as two
# escapes; libyaml reads neither.
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_READABLE_ESCAPE = r"\\ufffd"
_READABLE = "\ufffd"

# The mappings of a spec whose keys are not fields: their case counts.
_ANNOTATIONS = re.compile(r"(?:devices\[[0-9]+\]\.)?annotations(?![^.[])")


def locate(text: str, pointers: Iterable[str]) -> Mapping[str, Position]:
    """The positions of ``pointers`` in a YAML or JSON text, as far as it has them.

    A value in a mapping stands where its key does. What the text doesn't spell out (a
    missing field, the inside of an alias) stands where the nearest thing around it
    does. Fields of a spec are found in whatever case their letters are; of two that
    are the same field, the place is that of the one that counts.
    """
    asked = {pointer: _folded(pointer) for pointer in pointers}
    locator = _Locator(text, asked.values(), _at_field)
    # What was found before an error is right.
    with suppress(yaml.YAMLError, MalformedError):
        locator.root()
    return locator.found(asked)


def locate_all(text: str, pointers: Iterable[str]) -> Mapping[str, Position]:
    """The same for a text of several documents, as if they were the items of a list.

    Here the case of letters counts.
    """
    asked = {pointer: pointer for pointer in pointers}
    locator = _Locator(text, asked.values(), at_key)
    with suppress(yaml.YAMLError, MalformedError):
        locator.documents()
    return locator.found(asked)


class _Locator:
    """Walks through the events, and into those values alone that were asked for."""

    def __init__(
        self,
        text: str,
        pointers: Iterable[str],
        at_key: Callable[[str, str], str],
    ) -> None:
        self._next = open_events(_readable(text))
        self._at_key = at_key
        self._found: dict[str, Position] = {}
        self._wanted = {""}
        for pointer in pointers:
            while pointer not in self._wanted:
                self._wanted.add(pointer)
                pointer = parent(pointer)

    def found(self, asked: Mapping[str, str]) -> Mapping[str, Position]:
        """The positions of what was asked for, as far as there are any."""
        places = {name: self._nearest(pointer) for name, pointer in asked.items()}
        return {name: place for name, place in places.items() if place}

    def _nearest(self, pointer: str) -> Position | None:
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

    def documents(self) -> None:
        self._next()  # the start of the stream
        index = 0
        while not isinstance(self._next(), StreamEndEvent):
            event = self._next()
            self._walk(event, at_index("", index), position(event))
            self._next()  # the end of the document
            index += 1

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
        counting: dict[str, str] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            key = self._key(event)
            value = self._next()
            if key is None:
                self._skip(value)
                continue
            inner = self._at_key(pointer, key)
            if inner in counting:
                # As in Builder, the last in the order of code points counts.
                if counting[inner] >= key:
                    self._skip(value)
                    continue
                self._forget(inner)
            counting[inner] = key
            self._walk(value, inner, position(event))

    def _forget(self, pointer: str) -> None:
        for found in [each for each in self._found if is_within(each, pointer)]:
            del self._found[found]

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


def _at_field(pointer: str, key: str) -> str:
    """The place of what ``key`` has in a mapping of a spec, for comparison."""
    return at_key(pointer, key if _ANNOTATIONS.fullmatch(pointer) else fold(key))


def _folded(pointer: str) -> str:
    """The place that `_at_field` has for the last part of ``pointer``."""
    return pointer if _ANNOTATIONS.match(pointer) else fold(pointer)


def _readable(text: str) -> str:
    """``text``, with something as long in place of what JSON has and YAML doesn't."""
    return UNPRINTABLE.sub(_READABLE, _SURROGATE_ESCAPE.sub(_READABLE_ESCAPE, text))
