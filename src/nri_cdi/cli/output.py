"""What verbs print: a table for people, JSON or YAML for programs.

Programs' output is complete and stable; people's may change. Only results go to
stdout; all messages go to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import zip_longest
from typing import Any, TextIO

from nri_cdi.quoting import printable

TABLE, JSON, YAML = FORMATS = ("table", "json", "yaml")

# But for DEL.
_NOT_ASCII = re.compile(r"[^\n -~]")

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


def has_colour(stream: TextIO | None) -> bool:
    """Whether what is written there may have colours; None is a closed stream.

    Source: no-color.org; a terminal that is ``dumb`` has none.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return False
    return stream is not None and stream.isatty()


def styled(text: str, style: Style, stream: TextIO | None = None) -> str:
    """``text`` in a style, if the stream, stdout unless given, has colours."""
    return _painted(text, style) if has_colour(stream or sys.stdout) else text


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns under headings; just the headings if there are no rows.

    A cell may be a `Styled` text. Cells hold foreign text: it is made printable.
    """
    head: list[str] = [Styled(heading, Style.HEADING) for heading in headings]
    lines = [head, *map(list, rows)]
    shown = [[printable(cell) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip_longest(*shown, fillvalue="")]
    # Asked once: a table may have thousands of cells.
    paint = _painted if has_colour(sys.stdout) else _unpainted
    for line, texts in zip(lines, shown, strict=True):
        # A row may have fewer cells than there are columns.
        cells = [
            paint(text, _style(cell)) + " " * (width - len(text))
            for cell, text, width in zip(line, texts, widths, strict=False)
        ]
        print(_GAP.join(cells).rstrip())


def print_value(value: Any, output: str) -> None:
    """Print a plain value as JSON or YAML.

    If anything in it would speak to the terminal, or is not in the encoding of the
    output, all of it is ASCII, with escapes that stand for the same value.

    The name of a file need not be text. In JSON the bytes that are none stand as
    escapes of lone surrogates, as Python has them. YAML has no way to write these: a
    backslash and the code stand for them.
    """
    if output == JSON:
        text = json.dumps(value, indent=2, ensure_ascii=False)
        print(text if _is_harmless(text) else json.dumps(value, indent=2))
    else:
        print(_yaml(value), end="")


def is_encodable(text: str) -> bool:
    """Whether standard output has a way to write this."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_harmless(text: str) -> bool:
    return text.replace("\n", "").isprintable() and is_encodable(text)


def _yaml(value: Any) -> str:
    from nri_cdi.cdi.yamltext import to_yaml  # only for those who ask for it

    try:
        text = to_yaml(value)
    except UnicodeEncodeError:
        value = _as_text(value)
        text = to_yaml(value)
    return text if _is_harmless(text) else _yaml_in_ascii(value)


def _yaml_in_ascii(value: Any) -> str:
    """YAML has more than JSON to write, but there a pair of surrogates is no letter."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return _NOT_ASCII.sub(lambda found: f"\\U{ord(found[0]):08x}", text) + "\n"


def _as_text(value: Any) -> Any:
    """``value`` with every lone surrogate spelled out."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {_as_text(key): _as_text(item) for key, item in value.items()}
    return [_as_text(item) for item in value] if isinstance(value, list) else value


def _style(cell: str) -> Style:
    return cell.style if isinstance(cell, Styled) else Style.PLAIN


def _painted(text: str, style: Style) -> str:
    # An empty cell has nothing to paint.
    seen = text and style is not Style.PLAIN
    return f"\x1b[{style.value}m{text}\x1b[0m" if seen else text


def _unpainted(text: str, _style: Style) -> str:
    return text
