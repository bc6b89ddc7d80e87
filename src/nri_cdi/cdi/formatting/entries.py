"""A document as entries: keys with their values, and items, as the text orders them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from nri_cdi.cdi.scalars import Scalar


class Kind(Enum):
    """What the value of an entry is."""

    SCALAR = auto()
    MAPPING = auto()
    SEQUENCE = auto()


@dataclass(slots=True, kw_only=True, eq=False)
class Entry:
    """A key with its value, an item of a list, or the whole document.

    It changes while a text is put in order. ``line`` is where it starts, and
    ``column`` that of what is in it, from 0; None where its value is not a block.

    Of its comments, ``above`` has those on lines before it, ``beside`` those on its own
    line, and ``below`` those after the last thing in it. An empty text is a blank line.
    """

    key: str | None = None
    parent: Entry | None = None
    line: int = 0
    column: int | None = None
    kind: Kind = Kind.SCALAR
    value: Scalar = None
    children: list[Entry] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)


def entry_of(value: Any, key: str | None = None) -> Entry:
    """The entry of a plain value, such as JSON has."""
    if isinstance(value, dict):
        children = [entry_of(item, name) for name, item in value.items()]
        return Entry(key=key, kind=Kind.MAPPING, children=children)
    if isinstance(value, list):
        children = [entry_of(item) for item in value]
        return Entry(key=key, kind=Kind.SEQUENCE, children=children)
    return Entry(key=key, value=value)


def plain_of(entry: Entry) -> Any:
    """The plain value of an entry; comments are left out."""
    if entry.kind is Kind.MAPPING:
        return {str(child.key): plain_of(child) for child in entry.children}
    if entry.kind is Kind.SEQUENCE:
        return [plain_of(child) for child in entry.children]
    return entry.value
