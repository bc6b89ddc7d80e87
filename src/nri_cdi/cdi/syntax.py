"""Why a text is neither YAML nor JSON, in words that tell its author what to mend.

libyaml's own words speak of tokens and contexts, and name the place where it gave up:
for a quote without an end that is the end of the file. Errors that authors of specs
make get words of ours and the place to edit. Others keep libyaml's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import yaml

from nri_cdi.cdi.rules import Rule
from nri_cdi.errors import Problem
from nri_cdi.quoting import quoted

# YAML 1.1, production 1: c-printable.
UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)

_LINE_BREAKS = "\n\r\x85\u2028\u2029"
"""YAML 1.1, productions 22 to 29: where libyaml sees a new line; CR LF is one."""

Position = tuple[int, int]
"""A line and a column, both from 1."""


_LONGEST_SHOWN = 2
"""Characters of an escape, the longest thing that a message shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """What libyaml says: the problem, and the value in which it came up.

    ``rest`` starts with what stands at ``place``; it is empty at the end of the text.
    """

    context: str
    problem: str
    rest: str
    place: Position | None
    start: Position | None

    @property
    def opening(self) -> str:
        """Where the value starts, if that is on a line of its own."""
        if self.start is None or (self.place and self.place[0] == self.start[0]):
            return ""
        return f" that starts on line {self.start[0]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What we say instead, and whether the start of the value is the place to edit."""

    message: Callable[[_Failure], str]
    at_start: bool = False


def syntax_problem(text: str, error: yaml.YAMLError) -> Problem:
    """The problem of ``text``, which the parser ended with ``error`` at."""
    foreign = UNPRINTABLE.search(text)
    if foreign:
        message = (
            f"the control character {quoted(foreign[0])} can't stand in a document"
        )
        return _problem(message, place_of(text, foreign.start()))
    failure = _failure(text, error)
    words = _words(failure)
    if words is None:
        context = f"{failure.context}, " if failure.context else ""
        message = f"not YAML or JSON: {context}{failure.problem}"
        return _problem(message, failure.place)
    message = f"not YAML or JSON: {words.message(failure)}"
    return _problem(message, failure.start if words.at_start else failure.place)


def place_of(text: str, index: int) -> Position:
    """The line and the column of a character."""
    before = text[:index]
    lines = sum(map(before.count, _LINE_BREAKS)) - before.count("\r\n")
    return lines + 1, index - max(map(before.rfind, _LINE_BREAKS))


def _failure(text: str, error: yaml.YAMLError) -> _Failure:
    # Some of the parser's exceptions have neither marks nor words.
    problem_mark = getattr(error, "problem_mark", None)
    context_mark = getattr(error, "context_mark", None)
    mark = problem_mark or context_mark
    return _Failure(
        context=getattr(error, "context", None) or "",
        problem=getattr(error, "problem", None) or "unknown error",
        rest=text[mark.index : mark.index + _LONGEST_SHOWN] if mark else "",
        place=_place(text, mark),
        start=_place(text, context_mark),
    )


def _place(text: str, mark: Any) -> Position | None:
    if mark is None:
        return None
    # At its end libyaml thinks the text to have one line more than it has.
    if mark.index >= len(text):
        return place_of(text, len(text.rstrip()))
    return mark.line + 1, mark.column + 1


def _words(failure: _Failure) -> _Words | None:
    kind = failure.problem
    if not failure.rest and failure.start:
        kind = _UNENDED.get(kind, kind)
    return _WORDS.get(kind)


def _problem(message: str, place: Position | None) -> Problem:
    line, column = place or (None, None)
    return Problem(rule=Rule.SYNTAX, message=message, line=line, column=column)


def _unstartable(failure: _Failure) -> str:
    if failure.rest.startswith("\t"):
        return "a tab can't indent a line; use spaces"
    shown = quoted(failure.rest[:1])
    return f"a text without quotes can't start with {shown}; put it in quotes"


def _contentless(failure: _Failure) -> str:
    if not failure.rest:
        return "the text ends where a value is expected"
    return f"expected a value, got {quoted(failure.rest[:1])}; quotes make it a text"


_UNENDED = {
    "did not find expected ',' or ']'": "unended list",
    "did not find expected ',' or '}'": "unended mapping",
}

_TAB = _Words(message=lambda _: "a tab can't indent a line; use spaces")

_WORDS: Mapping[str, _Words] = MappingProxyType(
    {
        "found character that cannot start any token": _Words(message=_unstartable),
        "found a tab character that violates indentation": _TAB,
        "found a tab character where an indentation space is expected": _TAB,
        "mapping values are not allowed in this context": _Words(
            message=lambda _: (
                "no key can stand here: the indentation may be wrong, the line "
                "before may lack its ':', or a text with ': ' in it its quotes"
            )
        ),
        "block sequence entries are not allowed in this context": _Words(
            message=lambda _: "no list can start here; put it on a line of its own"
        ),
        "did not find expected key": _Words(
            message=lambda failure: (
                f"expected the next key of the mapping{failure.opening}; "
                "check the indentation and the quotes"
            )
        ),
        "did not find expected '-' indicator": _Words(
            message=lambda failure: (
                f"expected the next '- ' of the list{failure.opening}; "
                "check the indentation"
            )
        ),
        "did not find expected ',' or ']'": _Words(
            message=lambda failure: f"expected ',' or ']' in the list{failure.opening}"
        ),
        "did not find expected ',' or '}'": _Words(
            message=lambda failure: (
                f"expected ',' or '}}' in the mapping{failure.opening}; "
                "check the ',', the ':' and the quotes before it"
            )
        ),
        "unended list": _Words(
            message=lambda _: "the list has no ']' at its end", at_start=True
        ),
        "unended mapping": _Words(
            message=lambda _: "the mapping has no '}' at its end", at_start=True
        ),
        "found unexpected end of stream": _Words(
            message=lambda _: "the quoted text has no quote at its end", at_start=True
        ),
        "did not find expected alphabetic or numeric character": _Words(
            message=lambda failure: (
                "'*' and '&' start the name of an anchor; "
                "put a text that starts with one in quotes"
            ),
            at_start=True,
        ),
        "did not find expected node content": _Words(message=_contentless),
        "could not find expected ':'": _Words(
            message=lambda _: "the key has no ':' behind it", at_start=True
        ),
        "did not find expected <document start>": _Words(
            message=lambda _: (
                "the document's value has ended before this; check the indentation, "
                "the brackets and the quotes"
            )
        ),
        "found invalid Unicode character escape code": _Words(
            message=lambda _: "the escape stands for no character"
        ),
        "did not find expected hexdecimal number": _Words(
            message=lambda _: "the escape has too few hexadecimal digits"
        ),
        "found unknown escape character": _Words(
            message=lambda failure: (
                f"a backslash before {quoted(failure.rest[1:])} is no escape; "
                r"in double quotes a backslash is written '\\'"
            )
        ),
    }
)
