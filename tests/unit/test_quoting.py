"""Foreign text in messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.quoting import MAX_QUOTED, printable, quoted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "''"),
        ("gpu0", "'gpu0'"),
        ("it's", '"it\'s"'),
        ("a\nb\x1b[31m\0", r"'a\nb\x1b[31m\x00'"),
        ("\ud800", r"'\ud800'"),
        ("x" * 64, f"'{'x' * 64}'"),
        ("x" * 65, f"'{'x' * 64}'... (65 characters)"),
        ("x" * 1_000_000, f"'{'x' * 64}'... (1000000 characters)"),
    ],
)
def test_text_is_quoted_escaped_and_clipped(text: str, expected: str) -> None:
    assert quoted(text) == expected


@given(st.text(st.characters()))
def test_what_is_quoted_can_be_printed_and_is_short(text: str) -> None:
    shown = quoted(text)
    assert shown.isprintable()
    assert len(shown) < 12 * MAX_QUOTED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/etc/it's ü.yaml", "/etc/it's ü.yaml"),
        ("a\nb\x1b[31m\x9b\u202e", r"a\nb\x1b[31m\x9b\u202e"),
        ("\udcff", r"\udcff"),
    ],
)
def test_text_without_quotes_is_escaped_where_it_must_be(
    text: str, expected: str
) -> None:
    assert printable(text) == expected
