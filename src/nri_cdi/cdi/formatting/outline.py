"""The entries of a YAML text, and where in it each starts and ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from nri_cdi.cdi.events import open_events, problem_at, value_of
from nri_cdi.cdi.formatting.entries import Entry, Kind
from nri_cdi.cdi.formatting.remarks import BLOCK_STYLES, LINE_BREAK, block_end
from nri_cdi.cdi.problems import ProblemLog
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.scalars import key_of
from nri_cdi.cdi.syntax import syntax_problem
from nri_cdi.errors import Problem
from nri_cdi.quoting import quoted

_STANDARD_TAGS = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """A place in the text where an entry starts or ends; ``line`` is from 0.

    Block lists and mappings have no end of their own: the indentation ends them.
    """

    offset: int
    line: int
    entry: Entry
    is_start: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A document's entries; ``boundaries`` are in the order of the text.

    ``problems`` is what is in the text that entries have no place for.
    """

    root: Entry
    boundaries: tuple[Boundary, ...]
    problems: tuple[Problem, ...]


def outline(text: str) -> Outline:
    """The entries of a text that has a valid spec in it."""
    reader = _Reader(text)
    root = reader.document()
    return Outline(
        root=root,
        boundaries=tuple(reader.boundaries),
        problems=tuple(reader.problems),
    )


class _Reader:
    """Makes entries of events."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next: Any = open_events(text)
        self.boundaries: list[Boundary] = []
        self.problems = ProblemLog()

    def document(self) -> Entry:
        self._next()  # the start of the stream
        self._next()  # the start of the document
        root = Entry()
        self._fill(root, self._next())
        self._next()  # the end of the document
        self._no_more()
        return root

    def _no_more(self) -> None:
        try:
            event = self._next()
        except yaml.YAMLError as error:
            place = syntax_problem(self._text, error)
            message = (
                "no reader of specs looks at the text from here on; take it away, "
                "or make it a comment"
            )
            item = replace(place, rule=Rule.LOSSY_REWRITE, message=message)
            self.problems.add(item)
            return
        if not isinstance(event, StreamEndEvent):
            self._refuse(
                event,
                "no reader of specs looks at the document that starts here; "
                "move it to a file of its own",
            )

    def _fill(self, entry: Entry, event: Any) -> None:
        """Read the value of ``entry``, which starts with ``event``."""
        self._judge(event)
        if isinstance(event, MappingStartEvent):
            entry.kind = Kind.MAPPING
            _set_column(entry, event)
            while not isinstance(inner := self._next(), MappingEndEvent):
                self._field(entry, inner)
        elif isinstance(event, SequenceStartEvent):
            entry.kind = Kind.SEQUENCE
            _set_column(entry, event)
            while not isinstance(inner := self._next(), SequenceEndEvent):
                child = self._child(entry, inner)
                self._fill(child, inner)
        else:
            self._scalar(entry, event)
            return
        if event.flow_style:
            self._end(entry, inner.end_mark.index, inner.end_mark.line)

    def _field(self, mapping: Entry, event: Any) -> None:
        """Read a key, which is ``event``, and its value."""
        self._judge(event)
        # In a valid spec nothing else has this name, be it in quotes.
        if isinstance(event, ScalarEvent) and event.value == "<<":
            self._refuse(event, "a merge can't be kept; write out what '<<' brings")
        child = self._child(mapping, event)
        child.key = _key(event)
        self._fill(child, self._next())

    def _child(self, around: Entry, event: Any) -> Entry:
        """A new entry that starts with ``event``."""
        start = event.start_mark
        child = Entry(parent=around, line=start.line)
        around.children.append(child)
        self._bound(child, start.index, start.line, is_start=True)
        return child

    def _scalar(self, entry: Entry, event: Any) -> None:
        if isinstance(event, AliasEvent):
            return  # it has been refused
        entry.value = value_of(event)
        start, end, line = event.start_mark, event.end_mark.index, event.end_mark.line
        if event.style in BLOCK_STYLES:
            end = block_end(self._text, start.index, end)
            line = start.line + len(LINE_BREAK.findall(self._text, start.index, end))
        elif entry.value is None and entry.parent and entry.parent.column is not None:
            # Comments may stand where there could be a block.
            entry.column = entry.parent.column + 1
        self._end(entry, end, line)

    def _end(self, entry: Entry, offset: int, line: int) -> None:
        self._bound(entry, offset, line, is_start=False)

    def _bound(self, entry: Entry, offset: int, line: int, *, is_start: bool) -> None:
        self.boundaries.append(
            Boundary(offset=offset, line=line, entry=entry, is_start=is_start)
        )

    def _judge(self, event: Any) -> None:
        """Refuse what is lost where values are written out."""
        if isinstance(event, AliasEvent):
            name = quoted(str(event.anchor))
            self._refuse(
                event, f"the alias {name} can't be kept; write out what it stands for"
            )
            return
        if event.anchor is not None:
            name = quoted(event.anchor)
            self._refuse(
                event,
                f"the anchor {name} can't be kept; write its value out where it is "
                "used, and take the anchor away",
            )
        if event.tag is not None and not event.tag.startswith(_STANDARD_TAGS):
            tag = quoted(event.tag)
            self._refuse(
                event,
                f"the tag {tag} can't be kept, and has no effect; take it away",
            )

    def _refuse(self, event: Event, message: str) -> None:
        self.problems.add(problem_at(event, Rule.LOSSY_REWRITE, message))


def _set_column(entry: Entry, event: Any) -> None:
    if not event.flow_style:
        entry.column = event.start_mark.column


def _key(event: Any) -> str | None:
    """The key that an event is; None for an alias, which has been refused."""
    return key_of(value_of(event)) if isinstance(event, ScalarEvent) else None
