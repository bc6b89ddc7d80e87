from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.quoting import printable
from nri_cdi.status.html import Column, badge, moment, mono, table, text


class Reader(HTMLParser):
    """What a browser makes of a piece: its tags, its attributes, its text."""

    def __init__(self, piece: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[str | None] = []
        self.text = ""
        self.feed(piece)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [value for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text())
def test_text_is_never_more_than_text(value: str) -> None:
    read = Reader(f'<i title="{text(value)}">{text(value)}</i>')
    assert read.tags == ["i"]
    assert read.text == printable(value)
    assert read.attributes == [printable(value)]


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), min_size=1))
def test_what_is_not_printable_is_made_visible(value: str) -> None:
    shown = text(value)
    assert shown.isprintable()
    assert shown.encode()


@given(st.text(min_size=1))
def test_pieces_keep_foreign_text_in_its_place(value: str) -> None:
    piece = table([Column("a", "num")], [[badge(value) + mono(value)]])
    read = Reader(piece)
    assert read.tags == ["table", "thead", "tr", "th", "tbody", "tr", "td", "div"] + (
        ["span"] * 2
    )
    assert read.text.replace("\n", "") == "a" + 2 * printable(value)


def test_a_moment_shows_the_time_and_keeps_the_rest() -> None:
    stamp = "2001-09-09T01:46:40.250Z"
    assert Reader(moment(stamp)).text == "01:46:40"
    assert Reader(moment(stamp)).attributes == [stamp, stamp]
    assert moment(None) == ""
