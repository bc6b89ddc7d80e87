"""A configuration's text as nodes: what stands there, and where.

Of YAML it takes what everybody reads the same way: mappings, lists and texts. Anchors,
aliases, merge keys, tags and a second document are refused: a policy must say what it
means where it stands, and no few lines may stand for a million.
"""

from __future__ import annotations

from collections.abc import Callable
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
    malformed,
    open_events,
    position,
    too_deep,
)
from nri_cdi.cdi.problems import ProblemLog
from nri_cdi.errors import Problem

UNSUPPORTED = "unsupported-yaml"

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Something in the text, at a line and a column from 1.

    As it is, it stands for what was refused already: nothing more is to be said of it.
    """

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Node):
    """A text as written: an index 05 stays ``05``, whatever YAML makes of it."""

    text: str
    is_plain: bool

    @property
    def is_null(self) -> bool:
        """Whether it stands for nothing, as YAML has it."""
        return self.is_plain and self.text in _NULLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Items(Node):
    """A list."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries(Node):
    """A mapping; its keys need be neither texts nor different."""

    entries: tuple[tuple[Node, Node], ...]


def compose(text: str, problems: ProblemLog) -> Node | None:
    """What a text has in it; None if that is nothing but comments.

    Problems that leave the rest readable are added to ``problems``.

    Raises: MalformedError, if it is no YAML at all, or nested too deep.
    """
    try:
        return _Composer(open_events(text), problems).document()
    except yaml.YAMLError as error:
        raise malformed(text, error) from error


class _Composer:
    def __init__(self, next_event: Callable[[], Event], problems: ProblemLog) -> None:
        self._next = next_event
        self._problems = problems

    def document(self) -> Node | None:
        self._next()  # the start of the stream
        if isinstance(self._next(), StreamEndEvent):
            return None
        root = self._node(self._next(), 0)
        self._next()  # the end of the document
        event = self._next()
        if not isinstance(event, StreamEndEvent):
            self._refuse(event, "there is a second document; a configuration is one")
        return None if isinstance(root, Text) and _is_nothing(root) else root

    def _node(self, event: Any, depth: int) -> Node:
        line, column = position(event)
        if isinstance(event, AliasEvent):
            return self._refuse(event, "aliases are not supported: write it out")
        if event.anchor is not None:
            self._refuse(event, "anchors are not supported: write it out")
        if event.tag is not None:
            self._refuse(event, "tags are not supported: leave it out")
        if isinstance(event, ScalarEvent):
            is_plain = not event.style
            return Text(line=line, column=column, text=event.value, is_plain=is_plain)
        if depth == MAX_DEPTH:
            raise too_deep(event)
        if isinstance(event, MappingStartEvent):
            return self._mapping(line, column, depth + 1)
        return self._list(line, column, depth + 1)

    def _list(self, line: int, column: int, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._node(event, depth))
        return Items(line=line, column=column, items=tuple(items))

    def _mapping(self, line: int, column: int, depth: int) -> Node:
        entries: list[tuple[Node, Node]] = []
        while not isinstance(event := self._next(), MappingEndEvent):
            key = self._node(event, depth)
            entries.append((key, self._node(self._next(), depth)))
        return Entries(line=line, column=column, entries=tuple(entries))

    def _refuse(self, event: Event, message: str) -> Node:
        line, column = position(event)
        self._problems.add(
            Problem(rule=UNSUPPORTED, message=message, line=line, column=column)
        )
        return Node(line=line, column=column)


def _is_nothing(root: Text) -> bool:
    # A document that has but its three dashes.
    return root.is_plain and not root.text
