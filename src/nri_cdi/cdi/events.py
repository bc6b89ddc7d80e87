"""The YAML events of a text, and the errors of texts that have none.

libyaml's event stream is used, not PyYAML's constructors: it costs a sixth of them, it
keeps the style and the tag of each scalar, and every event is one short call into C, so
that reading a large file in one thread doesn't hold up the others. Where PyYAML was
built without libyaml, its own parser gives the same events.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import yaml
from yaml.events import Event, ScalarEvent

from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.scalars import Scalar, resolve_plain, resolve_tagged
from nri_cdi.cdi.syntax import Position, place_of, syntax_problem
from nri_cdi.errors import Problem

MAX_DEPTH = 100
"""Lists and mappings within each other; a spec has seven, and 10 000 is Go's limit."""

MAX_VALUES = 4 * 1024 * 1024
"""Keys and values of a document, aliases spelled out; some 150 000 devices' worth."""

MAX_TAG_DIRECTIVES = 100
"""Lines ``%TAG`` of a text. libyaml compares each with all before it, within one call
of C: a megabyte of them would stop all threads for minutes."""

_TAG_DIRECTIVE = re.compile("(?:^|(?<=[\n\r\x85\u2028\u2029]))%TAG")

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class MalformedError(Exception):
    """A text that is no document; ``problem`` says why. Private to this package."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def open_events(text: str, loader: type = _Loader) -> Callable[[], Event]:
    """A function that gives the next event of ``text`` at each call.

    The function raises yaml.YAMLError; ``malformed`` turns that into our own. It raises
    MalformedError itself once there were over MAX_VALUES events.

    Raises:
        MalformedError: it has over MAX_TAG_DIRECTIVES.
    """
    if text.count("%TAG") > MAX_TAG_DIRECTIVES:
        _check_directives(text)
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
    return MalformedError(syntax_problem(text, error))


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


def _check_directives(text: str) -> None:
    # They may stand in a quoted text, where they are none. Nobody writes that.
    found = list(islice(_TAG_DIRECTIVE.finditer(text), MAX_TAG_DIRECTIVES + 1))
    if len(found) > MAX_TAG_DIRECTIVES:
        line, column = place_of(text, found[-1].start())
        message = f"there are over {MAX_TAG_DIRECTIVES} lines that start with %TAG"
        raise MalformedError(
            Problem(
                rule=Rule.TOO_MANY_VALUES, message=message, line=line, column=column
            )
        )


def _counted(next_event: Callable[[], Event]) -> Iterator[Event]:
    for _ in range(MAX_VALUES):
        yield next_event()
    raise too_many_values(next_event())
