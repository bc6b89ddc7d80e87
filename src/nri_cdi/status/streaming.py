"""JSON text in pieces, made without holding up the other threads.

Python's encoder lets no other thread run until it is done: for 20 ms, with ten thousand
devices. And the garbage collector goes through all of them if they are there at once.
An item at a time, each takes some microseconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# What goes to a socket at a time, roughly.
PIECE_LENGTH = 64 * 1024


def encode(state: Mapping[str, Any]) -> tuple[bytes, ...]:
    """The text of ``state``, of which the values may be iterators."""
    return tuple(_pieces(state))


def _pieces(state: Mapping[str, Any]) -> Iterator[bytes]:
    piece = bytearray()
    for text in _texts(state):
        piece += text.encode()
        if len(piece) >= PIECE_LENGTH:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _texts(state: Mapping[str, Any]) -> Iterator[str]:
    opening = "{"
    for key, value in state.items():
        yield f"{opening}\n{json.dumps(key)}: "
        opening = ","
        if isinstance(value, list | Iterator):
            yield from _items(value)
        else:
            yield json.dumps(value)
    yield "\n}\n"


def _items(values: Iterable[Any]) -> Iterator[str]:
    opening = "["
    for value in values:
        yield f"{opening}\n{json.dumps(value)}"
        opening = ","
    yield "[]" if opening == "[" else "\n]"
