"""Foreign text as it may stand in a message: short, and free of control characters."""

from __future__ import annotations

MAX_QUOTED = 64
"""Characters of a foreign text that a message shows: a longest class name, and one."""


def quoted(text: str) -> str:
    """``text`` in quotes, escaped as Python does it, and clipped.

    A clipped text is followed by its length, so that two long names that begin alike
    do not look the same by accident.
    """
    if len(text) <= MAX_QUOTED:
        return repr(text)
    return f"{text[:MAX_QUOTED]!r}... ({len(text)} characters)"
