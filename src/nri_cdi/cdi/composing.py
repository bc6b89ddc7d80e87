"""The complete way from a YAML text to its value: anchors, tags, merges, and flaws.

A flaw is what the reference refuses although the text is YAML, such as a key given
twice. All of a text's flaws are found, and what is left out for one doesn't matter:
a text with flaws is not used.

Source: go-yaml version 2, decode.go, in its strict mode. It differs in one point: a key
may override one that a merge brings, as YAML's merge type has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from nri_cdi.cdi.events import (
    MAX_DEPTH,
    MAX_VALUES,
    malformed,
    open_events,
    position,
    problem_at,
    too_deep,
    too_many_values,
    value_of,
)
from nri_cdi.cdi.pointers import at_index, at_key
from nri_cdi.cdi.problems import ProblemLog
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.scalars import ScalarError, describe, key_of
from nri_cdi.errors import Problem
from nri_cdi.quoting import quoted

_MERGE_TAG = "tag:yaml.org,2002:merge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A document's value, which is only good if ``flaws`` is empty."""

    value: Any
    flaws: tuple[Problem, ...]


def compose(text: str) -> Composed:
    """The value of a YAML text's first document; None where there is none.

    Raises:
        MalformedError: it isn't YAML, or it is larger or deeper than the limits.
    """
    nothing = Composed(value=None, flaws=())
    try:
        return next(_Composer(text).documents(), nothing)
    except yaml.YAMLError as error:
        raise malformed(text, error) from error


def compose_all(text: str) -> tuple[Composed, ...]:
    """The values of all documents of a YAML text, in order; an empty one is None.

    Raises:
        MalformedError: a part of it isn't YAML, or together they exceed the limits.
    """
    try:
        return tuple(_Composer(text).documents())
    except yaml.YAMLError as error:
        raise malformed(text, error) from error


class _Composer:
    """Builds a value from events, and remembers what its anchors stand for.

    With it goes how many keys and values that is, aliases in it spelled out.
    """

    def __init__(self, text: str) -> None:
        self._next = open_events(text)
        self._anchored: dict[str, tuple[Any, int]] = {}
        self._open_anchors: set[str] = set()
        self._values = 0
        self._flaws = ProblemLog()

    def documents(self) -> Iterator[Composed]:
        self._next()  # the start of the stream
        while not isinstance(self._next(), StreamEndEvent):
            value = self._value(self._next(), "", 0)
            self._next()  # the end of the document: what stands there must be readable
            yield Composed(value=value, flaws=tuple(self._flaws))
            self._anchored.clear()
            self._flaws.clear()

    def _value(self, event: Any, pointer: str, depth: int) -> Any:
        before = self._values
        self._count(event, 1)
        if isinstance(event, AliasEvent):
            return self._alias(event, pointer)
        anchor = event.anchor
        if anchor is None:
            return self._content(event, pointer, depth)
        self._open_anchors.add(anchor)
        value = self._content(event, pointer, depth)
        self._anchored[anchor] = value, self._values - before
        self._open_anchors.discard(anchor)
        return value

    def _content(self, event: Event, pointer: str, depth: int) -> Any:
        if isinstance(event, ScalarEvent):
            return self._scalar(event, pointer)
        if depth == MAX_DEPTH:
            raise too_deep(event)
        if isinstance(event, MappingStartEvent):
            return self._mapping(pointer, depth + 1)
        return self._sequence(pointer, depth + 1)

    def _scalar(self, event: ScalarEvent, pointer: str) -> Any:
        try:
            return value_of(event)
        except ScalarError as error:
            self._flaw(event, Rule.TAG_MISMATCH, str(error), pointer)
            return None

    def _alias(self, event: AliasEvent, pointer: str) -> Any:
        name = str(event.anchor)
        if name in self._open_anchors:
            message = f"the value of anchor {quoted(name)} contains itself"
        elif name in self._anchored:
            value, values = self._anchored[name]
            self._count(event, values)
            return value
        else:
            message = f"no anchor {quoted(name)} stands before this alias"
        self._flaw(event, Rule.UNKNOWN_ANCHOR, message, pointer)
        return None

    def _sequence(self, pointer: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._value(event, at_index(pointer, len(items)), depth))
        return items

    def _mapping(self, pointer: str, depth: int) -> dict[str, Any]:
        items: dict[str, Any] = {}
        lines: dict[str, int] = {}
        merged: list[dict[str, Any]] = []
        while not isinstance(event := self._next(), MappingEndEvent):
            if _is_merge(event):
                merged += self._merge_sources(event, pointer, depth)
                continue
            key = self._key(event, pointer, depth)
            value = self._value(self._next(), at_key(pointer, key or ""), depth)
            if key is None:
                continue
            if key in items:
                self._flaw(
                    event,
                    Rule.DUPLICATE_KEY,
                    f"the key {quoted(key)} is already on line {lines[key]}",
                    at_key(pointer, key),
                )
                continue
            items[key], lines[key] = value, position(event)[0]
        for source in merged:
            for name, value in source.items():
                items.setdefault(name, value)
        return items

    def _key(self, event: Event, pointer: str, depth: int) -> str | None:
        """The key that starts with ``event``; None, and a flaw, if it can't be one."""
        value = self._value(event, pointer, depth)
        if value is None or isinstance(value, (list, dict)):
            message = f"the key of a mapping must be a string, not {describe(value)}"
            self._flaw(event, Rule.UNUSABLE_KEY, message, pointer)
            return None
        return key_of(value)

    def _merge_sources(
        self, event: Event, pointer: str, depth: int
    ) -> list[dict[str, Any]]:
        """What the ``<<`` of ``event`` names; of two with one key the first counts."""
        value = self._value(self._next(), at_key(pointer, "<<"), depth)
        sources = value if isinstance(value, list) else [value]
        if all(isinstance(source, dict) for source in sources):
            return sources
        message = "the value of '<<' must be a mapping or a list of mappings"
        self._flaw(event, Rule.UNUSABLE_MERGE, message, at_key(pointer, "<<"))
        return []

    def _count(self, event: Event, values: int) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise too_many_values(event)

    def _flaw(self, event: Event, rule: Rule, message: str, pointer: str) -> None:
        self._flaws.add(problem_at(event, rule, message, pointer))


def _is_merge(event: Event) -> bool:
    if not isinstance(event, ScalarEvent) or event.value != "<<":
        return False
    return bool(event.implicit[0]) or event.tag == _MERGE_TAG
