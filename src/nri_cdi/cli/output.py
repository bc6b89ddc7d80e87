"""What verbs print: a table for people, JSON or YAML for programs.

Programs' output is complete and stable; people's may change. Only results go to
stdout; all messages go to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import zip_longest
from typing import Any, TextIO

TABLE, JSON, YAML = FORMATS = ("table", "json", "yaml")

_GAP = "  "


class Style(StrEnum):
    """How a text stands out; the value is its code. Source: ECMA-48, SGR."""

    PLAIN = ""
    HEADING = "1"
    FAINT = "2"
    GOOD = "32"
    WARNING = "33"
    BAD = "31"
    NAME = "36"


class Styled(str):
    """A cell of a table that stands out where the terminal has colours."""

    __slots__ = ("style",)
    style: Style

    def __new__(cls, text: str, style: Style) -> Styled:
        made = super().__new__(cls, text)
        made.style = style
        return made


def add_output(
    parser: argparse.ArgumentParser, formats: Sequence[str] = FORMATS
) -> None:
    """The option that says for whom the output is; the first format is the default."""
    parser.add_argument(
        "-o",
        "--output",
        choices=formats,
        default=formats[0],
        help=f"the form of the output (default: {formats[0]})",
    )


def has_colour(stream: TextIO) -> bool:
    """Whether what is written there may have colours.

    Source: no-color.org; a terminal that is ``dumb`` has none.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return False
    return stream.isatty()


def styled(text: str, style: Style, stream: TextIO | None = None) -> str:
    """``text`` in a style, if the stream, stdout unless given, has colours."""
    if style is Style.PLAIN or not has_colour(stream or sys.stdout):
        return text
    return f"\x1b[{style.value}m{text}\x1b[0m"


def printable(text: str) -> str:
    """``text`` without control characters, which a terminal would obey."""
    return text if text.isprintable() else repr(text)[1:-1]


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns under headings; just the headings if there are no rows.

    A cell may be a `Styled` text. Cells hold foreign text: it is made printable.
    """
    head: list[str] = [Styled(heading, Style.HEADING) for heading in headings]
    lines = [head, *map(list, rows)]
    shown = [[printable(cell) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip_longest(*shown, fillvalue="")]
    for line, texts in zip(lines, shown, strict=True):
        # A row may have fewer cells than there are columns.
        cells = map(_pad, line, texts, widths)
        print(_GAP.join(cells).rstrip())


def print_value(value: Any, output: str) -> None:
    """Print a plain value as JSON or YAML."""
    if output == JSON:
        print(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        from nri_cdi.cdi.yamltext import to_yaml  # only for those who ask for it

        print(to_yaml(value), end="")


def _pad(cell: str, text: str, width: int) -> str:
    style = cell.style if isinstance(cell, Styled) else Style.PLAIN
    return styled(text, style) + " " * (width - len(text))
