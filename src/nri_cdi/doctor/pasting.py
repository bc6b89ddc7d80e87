"""Names of files in a line that is to be pasted into a shell, most likely root's."""

from __future__ import annotations

import shlex

# In bash, and in all other shells since POSIX.1-2024, this stands for any bytes.
_ESCAPED = "$'{}'"


def pasted(path: str) -> str:
    """A path as a word of a shell: nothing in it does anything, and it is printable."""
    if path.isprintable():
        return shlex.quote(path)
    data = path.encode(errors="surrogateescape")
    return _ESCAPED.format("".join(map(_escaped, data)))


def _escaped(byte: int) -> str:
    letter = chr(byte)
    is_plain = letter.isascii() and (letter.isalnum() or letter == "/")
    return letter if is_plain else f"\\{byte:03o}"
