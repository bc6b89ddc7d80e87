"""What a text says otherwise than it is read: its scalars, and what is behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import yaml
from yaml.events import (
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from nri_cdi.cdi.converters import boolean, integer, integers, optional_integer
from nri_cdi.cdi.events import MalformedError, open_events, position, value_of
from nri_cdi.cdi.lint.findings import Finding, Sieve, finding
from nri_cdi.cdi.lint.rules import LintRule
from nri_cdi.cdi.pointers import at_index, at_key
from nri_cdi.cdi.scalars import Scalar, key_of, resolve_plain, text_of
from nri_cdi.cdi.shapes import SHAPES
from nri_cdi.cdi.syntax import Position, syntax_problem
from nri_cdi.quoting import quoted

_NO_TEXT = (boolean, integer, integers, optional_integer)

NO_TEXT_FIELDS = frozenset(
    name.lower()
    for shape in SHAPES.values()
    for name, (_, _, convert) in shape.fields.items()
    if convert in _NO_TEXT
) | frozenset(name for shape in SHAPES.values() for name in shape.removed)
"""The fields, in lower case, whose values are numbers or booleans."""

_MAX_SHOWN = 20

# What a document can consist of; an alias would need an anchor before it.
_CONTENT = (ScalarEvent, MappingStartEvent, SequenceStartEvent)


def lint_text(text: str, path: str) -> list[Finding]:
    """What of a valid spec's text does not mean what it seems to.

    Findings have no line and column, but for what stands behind the spec.
    """
    try:
        return _lint_json(text)
    except (ValueError, RecursionError):
        found = _lint_yaml(text)
    if path.endswith(".json"):
        message = "this is YAML, or JSON with extras; other tools take it for JSON"
        found.append(finding(LintRule.NOT_JSON, "", message))
    return found


class _Changed(str):
    """A number of a JSON text that, as a text, is another one."""

    __slots__ = ()


def _lint_json(text: str) -> list[Finding]:
    """Raises: ValueError, RecursionError, if it is not JSON."""
    changed: list[_Changed] = []

    def number(literal: str) -> str:
        if text_of(resolve_plain(literal)) == literal:
            return literal
        changed.append(_Changed(literal))
        return changed[-1]

    value = json.loads(text, parse_float=number, parse_int=number)
    sieve = Sieve()
    if changed:
        sieve.add(_changed_numbers(value, ""))
    return sieve.found


def _changed_numbers(value: Any, pointer: str) -> Iterator[Finding]:
    if isinstance(value, _Changed):
        yield _changed(pointer, value, resolve_plain(value))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _changed_numbers(item, at_index(pointer, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            if key.lower() not in NO_TEXT_FIELDS:
                yield from _changed_numbers(item, at_key(pointer, key))


def _changed(pointer: str, written: str, read: Scalar) -> Finding:
    shown = written if len(written) <= _MAX_SHOWN else f"{written[:_MAX_SHOWN]}..."
    message = f"{shown} is read as {quoted(text_of(read))}; put it in quotes"
    return finding(LintRule.CHANGED_TEXT, pointer, message)


def _lint_yaml(text: str) -> list[Finding]:
    walk = _Walk(text)
    try:
        walk.root()
    except yaml.YAMLError:
        return walk.sieve.found  # of a text that is no spec
    return walk.sieve.found + walk.behind()


class _Walk:
    """Goes through the events of a text, and looks at every scalar."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next = open_events(text)
        self.sieve = Sieve()

    def root(self) -> None:
        self._next()  # the start of the stream
        self._next()  # the start of the document
        self._value(self._next(), "", is_text=True)

    def behind(self) -> list[Finding]:
        """What stands behind the first document, if anything does."""
        place = self._place_behind()
        if place is None:
            return []
        message = (
            "what follows is never read: a file has one spec; move the other one to a "
            "file of its own"
        )
        behind = finding(LintRule.IGNORED_DOCUMENT, "", message)
        return [replace(behind, line=place[0], column=place[1])]

    def _place_behind(self) -> Position | None:
        try:
            while not isinstance(event := self._next(), StreamEndEvent):
                if isinstance(event, _CONTENT) and not _is_empty(event):
                    return position(event)
        except yaml.YAMLError as error:
            problem = syntax_problem(self._text, error)
            return problem.line or 1, problem.column or 1
        except MalformedError as error:  # of very many empty documents
            return error.problem.line or 1, error.problem.column or 1
        return None

    def _value(self, event: Event, pointer: str, *, is_text: bool) -> None:
        if isinstance(event, ScalarEvent):
            if is_text and not event.style and event.tag is None:
                self._look_at(event, pointer)
        elif isinstance(event, MappingStartEvent):
            self._mapping(pointer)
        elif isinstance(event, SequenceStartEvent):
            self._sequence(pointer, is_text=is_text)

    def _mapping(self, pointer: str) -> None:
        while not isinstance(event := self._next(), MappingEndEvent):
            if not isinstance(event, ScalarEvent):  # an alias: nothing else is a key
                self._value(self._next(), pointer, is_text=True)
                continue
            key = key_of(value_of(event))
            place = at_key(pointer, key)
            if key != event.value and event.tag is None:
                self.sieve.add([_changed(place, event.value, key)])
            is_text = key.lower() not in NO_TEXT_FIELDS
            self._value(self._next(), place, is_text=is_text)

    def _sequence(self, pointer: str, *, is_text: bool) -> None:
        index = 0
        while not isinstance(event := self._next(), SequenceEndEvent):
            self._value(event, at_index(pointer, index), is_text=is_text)
            index += 1

    def _look_at(self, event: ScalarEvent, pointer: str) -> None:
        value = value_of(event)
        # Null is nothing where text belongs, and hardly meant otherwise.
        if value is not None and text_of(value) != event.value:
            self.sieve.add([_changed(pointer, event.value, value)])


def _is_empty(event: Event) -> bool:
    """Whether this is the nothing of an empty document."""
    return isinstance(event, ScalarEvent) and not event.value and not event.style
