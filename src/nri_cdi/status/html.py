"""Pieces of HTML. What is foreign goes through `text`, and no other way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nri_cdi.quoting import printable

# Source: HTML, section 13.3, "Escaping a string"; the apostrophe, too, is no letter in
# an attribute. The standard library's ``html`` comes with all entities: 0.3 MB.
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
)

GOOD, WARN, BAD, NOTE, QUIET = "good", "warn", "bad", "note", ""


def text(value: object) -> str:
    """Foreign text: escaped, and what is not printable made visible."""
    return printable(str(value)).translate(_ESCAPES)


def mono(value: object) -> str:
    """A name or a path."""
    return f'<span class="mono">{text(value)}</span>' if value else ""


def badge(value: object, tone: str = QUIET) -> str:
    """A word that stands out."""
    return f'<span class="badge {tone}">{text(value)}</span>'


def badges(made: Iterable[str]) -> str:
    """Several of them in a row."""
    return f'<div class="badges">{"".join(made)}</div>'


def soft(value: object) -> str:
    """Text that matters less."""
    return f'<span class="soft">{text(value)}</span>'


def lines(made: Iterable[str]) -> str:
    """A line of its own for each piece of HTML."""
    return "".join(f"<div>{each}</div>" for each in made)


def moment(stamp: str | None) -> str:
    """A time of day, in UTC; the date shows when it is pointed at."""
    if not stamp:
        return ""
    return _time(stamp, stamp.partition("T")[2].partition(".")[0])


def day_and_time(stamp: str | None) -> str:
    """A time with its date, in UTC, for what may be long ago."""
    return _time(stamp, stamp.partition(".")[0].replace("T", " ")) if stamp else ""


def _time(stamp: str, shown: str) -> str:
    return f'<time datetime="{text(stamp)}" title="{text(stamp)}">{text(shown)}</time>'


def card(title: str, body: str, *, note: str = "", name: str = "") -> str:
    """A section of the page; ``title`` and ``note`` are HTML, too."""
    aside = f'<span class="sub">{note}</span>' if note else ""
    return (
        f'<section class="card" id="{name}"><div class="head"><h2>{title}</h2>{aside}'
        f"</div>{body}</section>\n"
    )


def sentence(value: object) -> str:
    """What stands where there is nothing to show."""
    return f'<p class="soft">{text(value)}</p>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values; the values are HTML, and what has none is left out."""
    shown = (f"<dt>{text(name)}</dt><dd>{made}</dd>" for name, made in pairs if made)
    return f"<dl>{''.join(shown)}</dl>"


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, and the class that gives the column its width in the style."""

    heading: str
    kind: str = ""


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> str:
    """Rows of HTML; a phone shows each row as a card."""
    head = "".join(
        f'<th class="{each.kind}">{text(each.heading)}</th>' for each in columns
    )
    body = "".join(f"<tr>{_cells(columns, row)}</tr>\n" for row in rows)
    return (
        f'<table class="rows"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table>"
    )


def _cells(columns: Sequence[Column], row: Sequence[str]) -> str:
    return "".join(
        f'<td class="{each.kind}" data-label="{text(each.heading)}"><div>{cell}</div>'
        "</td>"
        if cell
        else "<td></td>"
        for each, cell in zip(columns, row, strict=True)
    )
