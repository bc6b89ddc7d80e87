"""The flags of another program, in the arguments that it was started with.

Go's flag packages take ``-name value``, ``-name=value`` and the same with two dashes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """Which flags of a program take a value; the others are switches."""

    with_value: frozenset[str]

    def last(self, arguments: tuple[str, ...], *names: str) -> str:
        """The value that counts of a flag with these names; empty if it isn't there."""
        found = [each for name, each in self.given(arguments) if name in names]
        return found[-1] if found else ""

    def given(self, arguments: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Each flag with its value, and the first word that is none under ``""``."""
        left = iter(arguments[1:])
        for word in left:
            name, equals, text = word.lstrip("-").partition("=")
            if not word.startswith("-") or not name:
                yield "", word
                return
            takes_next = not equals and name in self.with_value
            yield name, next(left, "") if takes_next else text
