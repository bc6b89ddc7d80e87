"""Places within a document: ``devices[3].containerEdits.mounts[0].hostPath``."""

from __future__ import annotations

import re

from nri_cdi.quoting import quoted

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def at_key(pointer: str, key: str) -> str:
    """The place of what ``key`` has in the mapping at ``pointer``."""
    if not _PLAIN_KEY.fullmatch(key):
        return f"{pointer}[{quoted(key)}]"
    return f"{pointer}.{key}" if pointer else key


def at_index(pointer: str, index: int) -> str:
    """The place of an item of the list at ``pointer``."""
    return f"{pointer}[{index}]"


def parent(pointer: str) -> str:
    """A place around ``pointer``, nearer to the root, which is the empty text.

    The cut may fall within a quoted key; what remains is then no place at all.
    """
    return pointer[: max(pointer.rfind("."), pointer.rfind("["), 0)]


def is_within(pointer: str, outer: str) -> bool:
    """Whether ``pointer`` is ``outer`` or a place in it."""
    return not outer or (
        pointer.startswith(outer)
        and pointer[len(outer) : len(outer) + 1] in ("", ".", "[")
    )


def join(outer: str, pointer: str) -> str:
    """The place that ``pointer`` names when it starts at ``outer``."""
    separator = "." if pointer and not pointer.startswith("[") else ""
    return f"{outer}{separator}{pointer}"
