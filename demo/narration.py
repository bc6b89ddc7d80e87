"""What the demo prints, and whether all of it was as it should be."""

from __future__ import annotations

import textwrap

INDENT = "   "


class Narration:
    """Numbered steps on standard output, and the differences that were found."""

    def __init__(self) -> None:
        self.differences: list[str] = []
        self._steps = 0

    def step(self, text: str) -> None:
        """Begin the next step of the story."""
        self._steps += 1
        print(f"\n{self._steps}. {text}", flush=True)

    def say(self, text: str) -> None:
        print(textwrap.indent(text.rstrip("\n"), INDENT), flush=True)

    def show(self, text: str) -> None:
        """Print what a file has or a program wrote."""
        for line in text.splitlines():
            print(f"{INDENT}  | {line}", flush=True)

    def expect(self, what: str, found: object, expected: object) -> None:
        """Note a difference, unless what was found is what was expected."""
        if found != expected:
            difference = f"{what}: {found!r}, expected {expected!r}"
            self.differences.append(difference)
            self.say(f"DIFFERS: {difference}")
