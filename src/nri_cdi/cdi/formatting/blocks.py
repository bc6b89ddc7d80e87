"""Entries as YAML text: blocks, two spaces a level, lists not further in than keys."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from itertools import dropwhile

from nri_cdi.cdi.formatting.entries import Entry, Kind
from nri_cdi.cdi.scalars import Scalar
from nri_cdi.cdi.yamltext import scalar_text

_STEP = "  "
_DASH = "- "
_BEFORE_COMMENT = "  "

_EMPTY = {Kind.MAPPING: "{}", Kind.SEQUENCE: "[]"}

_BLANK = None
"""A blank line between entries. One that is in a value is an empty text."""


def to_blocks(root: Entry) -> str:
    """The YAML text of a document, with all comments."""
    lines: list[str] = []
    previous: str | None = _BLANK
    for line in _document(root):
        # One blank line is as good as several, and none has to be at the start.
        if line is not _BLANK or previous is not _BLANK:
            lines.append(line or "")
        previous = line
    return "\n".join(lines) + "\n"


def _document(root: Entry) -> Iterator[str | None]:
    yield from _remarks(root.above, "")
    yield _BLANK
    yield from _remarks(_above_first(root), "")
    yield from _children(root, "")


def _children(entry: Entry, indent: str) -> Iterator[str | None]:
    """The lines of all that is in an entry, but for what is above the first of it."""
    write = _field if entry.kind is Kind.MAPPING else _item
    for number, child in enumerate(entry.children):
        if number:
            yield from _remarks(_above(child), indent)
        yield from write(child, indent)
    yield from _remarks(entry.below, indent)


def _field(entry: Entry, indent: str) -> Iterator[str | None]:
    key = f"{indent}{scalar_text(entry.key)}:"
    if not entry.children:
        yield from _leaf(entry, f"{key} ", indent)
        return
    inner = indent if entry.kind is Kind.SEQUENCE else indent + _STEP
    yield f"{key}{_beside(entry)}"
    yield from _remarks(_above_first(entry), inner)
    yield from _children(entry, inner)


def _item(entry: Entry, indent: str) -> Iterator[str | None]:
    if not entry.children:
        yield from _leaf(entry, f"{indent}{_DASH}", indent)
        return
    lines = _children(entry, indent + _STEP)
    first = next(lines)
    assert first is not None  # it is the line of a field
    yield f"{indent}{_DASH}{first[len(indent) + len(_STEP) :]}"
    yield from lines


def _leaf(entry: Entry, start: str, indent: str) -> Iterator[str]:
    """An entry with nothing in it, behind what its line starts with."""
    literal = _literal(entry.value)
    if literal is None:
        value = _EMPTY.get(entry.kind) or scalar_text(entry.value)
        yield f"{start}{value}{_beside(entry)}"
        return
    indicator = "|" if str(entry.value).endswith("\n") else "|-"
    yield f"{start}{indicator}{_beside(entry)}"
    for line in literal:
        yield f"{indent}{_STEP}{line}" if line else ""


def _literal(value: Scalar) -> list[str] | None:
    """The lines of a text that can stand as it is; None if it needs quotes, or none.

    They have no letters that can't be seen, spaces at their ends among them. What
    starts with a space or an empty line, or ends with two, would need more indicators.
    """
    if not isinstance(value, str) or "\n" not in value:
        return None
    lines = value.removesuffix("\n").split("\n")
    fits = all(line.isprintable() and line == line.rstrip() for line in lines)
    return lines if fits and lines[0][:1].strip() and lines[-1] else None


def _above(entry: Entry) -> list[str]:
    """What is written above an entry, which may have been elsewhere."""
    if not entry.children:
        return [*entry.above, *entry.below, *entry.beside[:-1]]
    if entry.key is not None:
        return entry.above
    # An item has no line of its own: the first field stands behind its dash.
    return [*entry.above, *entry.beside, *_above_first(entry)]


def _above_first(entry: Entry) -> list[str]:
    """What is above the first thing in an entry, but for blank lines."""
    return list(dropwhile(operator.not_, _above(entry.children[0])))


def _beside(entry: Entry) -> str:
    return f"{_BEFORE_COMMENT}{entry.beside[-1]}" if entry.beside else ""


def _remarks(texts: Iterable[str], indent: str) -> Iterator[str | None]:
    return (f"{indent}{text}" if text else _BLANK for text in texts)
