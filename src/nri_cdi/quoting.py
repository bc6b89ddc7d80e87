"""Foreign text as it may stand in a message: short, and free of control characters."""

from __future__ import annotations

from collections.abc import Sequence

MAX_QUOTED = 64
"""Characters of a foreign text that a message shows: a longest class name, and one."""

MAX_QUOTED_PATH = 256
"""Characters of a foreign path that a message shows: one that is cut is of no use, and
those of libraries have about a hundred."""


MAX_LISTED = 3
"""Texts that a message lists of many."""


def quoted(text: str, most: int = MAX_QUOTED) -> str:
    """``text`` in quotes, escaped as Python does it, and clipped.

    A clipped text is followed by its length, so that two long names that begin alike
    do not look the same by accident.
    """
    if len(text) <= most:
        return repr(text)
    return f"{text[:most]!r}... ({len(text)} characters)"


def quoted_path(path: str) -> str:
    """As `quoted`, but long enough for nearly every path."""
    return quoted(path, MAX_QUOTED_PATH)


def some(texts: Sequence[str]) -> str:
    """The first of many texts, and how many more there are."""
    more = len(texts) - MAX_LISTED
    return ", ".join(texts[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def printable(text: str) -> str:
    """``text`` without what a terminal or a log takes for more than letters."""
    return text if text.isprintable() else repr(text)[1:-1]
