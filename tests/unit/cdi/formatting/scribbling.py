"""YAML texts as people write them: any layout, any indentation, comments anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

from nri_cdi.cdi.jsontext import escaped
from nri_cdi.cdi.yamltext import scalar_text

_INDENTS = ("", " ", "  ", "    ")
_COMMENTS = ("#", "# c", "#!x: [", '# "', "# - a: b", "#   b", "#     - c", "#\té")
_DEEPEST = 12


class Scribbler:
    """Writes plain values as YAML; ``comments`` are those that it has put in."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._is_literal_open = False
        self.comments: list[str] = []

    def document(self, value: dict[str, Any]) -> str:
        """A document that has ``value`` in it, with its fields in any order."""
        lines = [*self._between(), *self._start(), *self._between()]
        lines += self._mapping(value, self._random.choice(_INDENTS))
        if self._chance(5):
            lines += [f"...{self._beside()}", *self._between()]
        text = self._random.choice(("\n", "\n", "\r\n")).join(lines)
        return text + "\n" * self._chance(2)

    def _start(self) -> Iterator[str]:
        if self._chance(8):
            yield f"%YAML 1.1{self._beside()}"
            yield f"---{self._beside()}"
        elif self._chance(4):
            yield f"---{self._beside()}"

    def _mapping(self, value: dict[str, Any], indent: str) -> Iterator[str]:
        names = list(value)
        self._random.shuffle(names)
        for name in names:
            item, key = value[name], scalar_text(name)
            if item and isinstance(item, dict | list) and not self._chance(8):
                yield f"{indent}{key}:{self._beside()}"
                yield from self._between()
                yield from self._block(item, indent)
            else:
                yield from self._leaf(f"{indent}{key}:", item, indent)
            yield from self._between()

    def _block(self, value: Any, indent: str) -> Iterator[str]:
        if isinstance(value, list):
            return self._list(value, indent + self._random.choice(_INDENTS))
        return self._mapping(value, indent + self._random.choice(_INDENTS[1:]))

    def _list(self, items: list[Any], indent: str) -> Iterator[str]:
        for item in items:
            if not isinstance(item, dict) or not item or self._chance(8):
                yield from self._leaf(f"{indent}-", item, indent)
            elif self._chance(4):
                yield f"{indent}-{self._beside()}"
                yield from self._between()
                yield from self._mapping(item, f"{indent} ")
            else:
                yield from self._item(item, indent)
            yield from self._between()

    def _item(self, item: dict[str, Any], indent: str) -> Iterator[str]:
        """An item whose first field is on the line of its dash."""
        lines = self._mapping(item, indent + self._random.choice(_INDENTS[2:]))
        yield f"{indent}-{next(lines)[len(indent) + 1 :]}"
        yield from lines

    def _leaf(self, start: str, value: Any, indent: str) -> Iterator[str]:
        if _may_be_literal(value) and self._chance(2):
            end = "" if value.endswith("\n") else "-"
            yield f"{start} |{end}{self._beside()}"
            yield from (f"{indent}   {line}" for line in value.splitlines())
            self._is_literal_open = True
            return
        if self._chance(8):
            yield f"{start}{self._beside()}"
            yield from self._between()
            start = f"{indent} "
        text = self._flow(value, f"{indent}  ")
        yield from f"{start} {text}{self._beside()}".split("\n")

    def _flow(self, value: Any, indent: str) -> str:
        if isinstance(value, dict):
            names = list(value)
            self._random.shuffle(names)
            fields = (
                f"{_quoted(name)}: {self._flow(value[name], indent)}" for name in names
            )
            return self._brackets("{}", fields, indent)
        if isinstance(value, list):
            items = (self._flow(item, indent) for item in value)
            return self._brackets("[]", items, indent)
        if isinstance(value, str) and self._chance(2) and value.isalnum():
            return scalar_text(value)
        return _quoted(value)

    def _brackets(self, pair: str, items: Iterable[str], indent: str) -> str:
        parts = [pair[0]]
        for item in items:
            parts += [self._gap(indent), item, self._gap(indent), ","]
        parts += [self._gap(indent), pair[1]]
        return "".join(parts)

    def _gap(self, indent: str) -> str:
        if not self._chance(4):
            return ""
        return "\n".join([self._beside(), *self._between(), indent])

    def _between(self) -> Iterator[str]:
        """Lines that say nothing to a parser."""
        while self._chance(3):
            if self._chance(2):
                yield " " * self._random.randint(0, 2) * (not self._is_literal_open)
                continue
            depth = 0 if self._is_literal_open else self._random.randint(0, _DEEPEST)
            self._is_literal_open = False
            yield " " * depth + self._comment()

    def _beside(self) -> str:
        spaces = " " * self._random.randint(1, 3)
        return spaces + self._comment() if self._chance(3) else ""

    def _comment(self) -> str:
        comment = self._random.choice(_COMMENTS)
        self.comments.append(comment)
        return comment + " " * self._random.randint(0, 1)

    def _chance(self, of: int) -> bool:
        return self._random.randrange(of) == 0


def _quoted(value: Any) -> str:
    return escaped(json.dumps(value, ensure_ascii=False))


def _may_be_literal(value: Any) -> bool:
    if not isinstance(value, str) or not value.strip():
        return False
    lines = value.removesuffix("\n").split("\n")
    return all(
        line.isprintable() and line.isascii() and line and line == line.strip()
        for line in lines
    )
