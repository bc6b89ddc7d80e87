"""A Containerfile, read: its stages and their instructions.

It knows as much of the language as deploy/Containerfile uses, and refuses the rest.

Source: containers/common, docs/Containerfile.5.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

KEYWORDS = frozenset(
    ("ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "ENTRYPOINT", "CMD")
)

_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction, its continued lines joined."""

    keyword: str
    text: str

    @property
    def words(self) -> list[str]:
        """The words of the text: those of a JSON list, or what blanks part."""
        return json.loads(self.text) if self.text.startswith("[") else self.text.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What is built on one base; ``name`` is empty for the last one."""

    base: str
    name: str
    instructions: tuple[Instruction, ...] = ()

    def all(self, keyword: str) -> list[Instruction]:
        """The instructions with this keyword, in their order."""
        return [each for each in self.instructions if each.keyword == keyword]

    def last(self, keyword: str) -> list[str]:
        """The words of the last instruction with this keyword, the one that counts."""
        return self.all(keyword)[-1].words


def parse(text: str) -> tuple[Stage, ...]:
    """The stages of a Containerfile, its arguments replaced by their defaults.

    Raises: ValueError, for an instruction that is not known here.
    """
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for each in _instructions(text):
        if each.keyword == "ARG":
            name, _, value = each.text.partition("=")
            arguments[name] = value
        elif each.keyword == "FROM":
            stages.append(_stage(_expanded(each.text, arguments)))
        else:
            before = stages[-1]
            stages[-1] = replace(before, instructions=(*before.instructions, each))
    return tuple(stages)


def _expanded(text: str, arguments: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda match: arguments[match[1]], text)


def _stage(text: str) -> Stage:
    base, _, name = text.partition(" AS ")
    return Stage(base=base, name=name)


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    for line in filter(str.strip, joined.splitlines()):
        keyword, _, rest = line.strip().partition(" ")
        if keyword not in KEYWORDS:
            raise ValueError(f"{keyword!r} is no instruction that is known here")
        yield Instruction(keyword=keyword, text=rest.strip())
