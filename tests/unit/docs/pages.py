"""The project's Markdown pages, as the tests read them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

README = ROOT / "README.md"
PAGES = (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")))

_FENCE = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CODE_SPAN = re.compile(r"`[^`\n]*`")


def read(name: str) -> str:
    """The text of a page, by its path below the root."""
    return (ROOT / name).read_text()


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a language, without their fences."""
    return [body for name, body in _FENCE.findall(page) if name == language]


def links(page: str) -> list[str]:
    """The targets of all links, but not what looks like one in code."""
    return _LINK.findall(_CODE_SPAN.sub("", _FENCE.sub("", page)))


def anchors(page: str) -> set[str]:
    """What ``#...`` can name in a page, as GitHub makes it of the headings."""
    return {_anchor(text) for text in _HEADING.findall(_FENCE.sub("", page))}


def tables(page: str) -> Iterator[list[list[str]]]:
    """Each table as its rows of cells, the head first and the ruler left out."""
    rows: list[list[str]] = []
    for line in [*page.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            yield [row for row in rows if not set(row[0]) <= set("-: ")]
            rows = []


def table(page: str, head: str) -> list[list[str]]:
    """The rows below the head of the table whose first column is called ``head``."""
    [rows] = [rows for rows in tables(page) if rows[0][0] == head]
    return rows[1:]


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")
