"""The YAML events of a text, and the errors of texts that have none.

libyaml's event stream is used, not PyYAML's constructors: it costs a sixth of them, it
keeps the style and the tag of each scalar, and every event is one short call into C, so
that reading a large file in one thread doesn't hold up the others. Where PyYAML was
built without libyaml, its own parser gives the same events.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml
from yaml.events import Event, ScalarEvent

from nri_cdi.cdi.quoting import quoted
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.scalars import Scalar, resolve_plain, resolve_tagged
from nri_cdi.errors import Problem

MAX_DEPTH = 100
"""Lists and mappings within each other; a spec has seven, and 10 000 is Go's limit."""

MAX_VALUES = 4 * 1024 * 1024
"""Keys and values of a document, aliases spelled out; some 150 000 devices' worth."""

Position = tuple[int, int]
"""A line and a column, both from 1."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# YAML 1.1, production 1: c-printable.
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


class MalformedError(Exception):
    """A text that is no document; ``problem`` says why. Private to this package."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def open_events(text: str, loader: type = _Loader) -> Callable[[], Event]:
    """A function that gives the next event of ``text`` at each call.

    The function raises yaml.YAMLError; ``malformed`` turns that into our own. It raises
    MalformedError itself once there were over MAX_VALUES events.
    """
    next_event: Callable[[], Event] = loader(text).get_event
    # A value takes a character at least: a short text needs no counting.
    if len(text) <= MAX_VALUES:
        return next_event
    return _counted(next_event).__next__


def position(event: Event) -> Position:
    """Where an event starts."""
    mark: Any = event.start_mark
    return mark.line + 1, mark.column + 1


def value_of(event: ScalarEvent) -> Scalar:
    """The value of a scalar.

    Raises:
        ScalarError: it is not what its tag says.
    """
    if event.tag is not None:
        return resolve_tagged(event.tag, event.value)
    return event.value if event.style else resolve_plain(event.value)


def problem_at(event: Event, rule: Rule, message: str, pointer: str = "") -> Problem:
    """A problem at the place where ``event`` starts."""
    line, column = position(event)
    return Problem(
        rule=rule, message=message, pointer=pointer, line=line, column=column
    )


def malformed(text: str, error: yaml.YAMLError) -> MalformedError:
    """The same error with our words and with its place in ``text``."""
    foreign = _UNPRINTABLE.search(text)
    if foreign:
        return MalformedError(_unprintable(text, foreign))
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = getattr(error, "problem", None) or "unknown error"
    context = getattr(error, "context", None)
    return MalformedError(
        Problem(
            rule=Rule.SYNTAX,
            message=f"not YAML or JSON: {f'{context}, ' if context else ''}{reason}",
            line=mark.line + 1 if mark else None,
            column=mark.column + 1 if mark else None,
        )
    )


def too_deep(event: Event) -> MalformedError:
    """The error of a document that has over MAX_DEPTH levels."""
    return MalformedError(
        problem_at(
            event,
            Rule.NESTING_TOO_DEEP,
            f"lists and mappings are nested over {MAX_DEPTH} levels deep",
        )
    )


def too_many_values(event: Event) -> MalformedError:
    """The error of a document that has over MAX_VALUES keys and values."""
    return MalformedError(
        problem_at(
            event,
            Rule.TOO_MANY_VALUES,
            f"the document has over {MAX_VALUES} keys and values, aliases spelled out",
        )
    )


def _counted(next_event: Callable[[], Event]) -> Iterator[Event]:
    for _ in range(MAX_VALUES):
        yield next_event()
    raise too_many_values(next_event())


def _unprintable(text: str, found: re.Match[str]) -> Problem:
    before = text[: found.start()]
    line_start = before.rfind("\n") + 1
    return Problem(
        rule=Rule.SYNTAX,
        message=f"the control character {quoted(found[0])} can't stand in a document",
        line=before.count("\n") + 1,
        column=len(before) - line_start + 1,
    )
