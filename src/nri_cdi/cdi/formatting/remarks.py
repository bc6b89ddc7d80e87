"""What a YAML text has in it for people alone: its comments and blank lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.tokens import BlockEntryToken, DocumentStartToken, ScalarToken, StreamEndToken

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Source: YAML 1.1, 5.4. The text has no carriage returns any more.
LINE_BREAK = re.compile("[\n\x85\u2028\u2029]")

BLOCK_STYLES = ("|", ">")
_BLOCK_INDICATOR = re.compile(r"[|>][-+0-9]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A comment, or a blank line; of that, ``text`` is empty.

    ``offset`` and ``line`` are where it starts, counted from 0. ``is_beside`` says that
    something else stands on its line before it; if nothing does, ``column`` is where it
    starts on the line. Behind the dash of an item, with nothing but other remarks in
    between, ``dash`` is the offset at which that ends.
    """

    text: str
    offset: int
    line: int
    column: int
    is_beside: bool = False
    dash: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """A part of a text, by offsets, and the line on which it ends."""

    start: int
    end: int
    end_line: int
    is_separator: bool = False
    is_dash: bool = False


def remarks(text: str) -> Iterator[Remark]:
    """The comments and blank lines of a YAML text, in order.

    The text is valid YAML with line feeds alone. A ``---`` counts as a blank line: what
    stands above it is not about what comes next.
    """
    before = _Span(start=0, end=0, end_line=0)
    for span in _spans(text):
        yield from _between(text, before, span)
        if span.is_separator:
            yield Remark(text="", offset=span.start, line=span.end_line, column=0)
        before = span


def comments(text: str) -> list[str]:
    """The comments of such a text."""
    # To look closer takes as long as to read the text.
    if "#" not in text:
        return []
    return [remark.text for remark in remarks(text) if remark.text]


def block_end(text: str, start: int, end: int) -> int:
    """Where the content of a block scalar (``|``, ``>``) ends.

    The parser counts blank lines in that follow it; here they are not part of it.
    """
    return start + len(text[start:end].rstrip())


def _spans(text: str) -> Iterator[_Span]:
    """All that is neither space nor comment, and the end of the text."""
    next_token = _Loader(text).get_token
    while not isinstance(token := next_token(), StreamEndToken):
        start, end = token.start_mark, token.end_mark
        if start.index == end.index:
            continue  # the parser's own, for what indentation says
        if isinstance(token, ScalarToken) and token.style in BLOCK_STYLES:
            yield from _block_spans(text, start, end)
        else:
            yield _Span(
                start=start.index,
                end=end.index,
                end_line=end.line,
                is_separator=isinstance(token, DocumentStartToken),
                is_dash=isinstance(token, BlockEntryToken),
            )
    yield _Span(start=len(text), end=len(text), end_line=0)


def _block_spans(text: str, start: Any, end: Any) -> Iterator[_Span]:
    """A block scalar's indicator, behind which a comment may stand, and its content."""
    indicator = _BLOCK_INDICATOR.match(text, start.index)
    assert indicator is not None  # or the token would not be one
    yield _Span(start=start.index, end=indicator.end(), end_line=start.line)
    last = block_end(text, start.index, end.index)
    header_end = LINE_BREAK.search(text, indicator.end(), last)
    if header_end:
        content = text[start.index : last]
        line = start.line + len(LINE_BREAK.findall(content))
        yield _Span(start=header_end.end(), end=last, end_line=line)


def _between(text: str, before: _Span, after: _Span) -> Iterator[Remark]:
    """The remarks between two spans."""
    lines = LINE_BREAK.split(text[before.end : after.start])
    offset, last = before.end, len(lines) - 1
    dash = before.end if before.is_dash else None
    for index, line in enumerate(lines):
        is_beside = index == 0 and before.end > 0
        comment = line.find("#")
        if comment >= 0 or (index < last and not is_beside):
            yield Remark(
                text=line[comment:].rstrip() if comment >= 0 else "",
                offset=offset + max(comment, 0),
                line=before.end_line + index,
                column=0 if is_beside else max(comment, 0),
                is_beside=is_beside,
                dash=dash,
            )
        offset += len(line) + 1
