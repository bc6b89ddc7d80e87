"""Texts that are neither YAML nor JSON: what is said about them, and where."""

from __future__ import annotations

import pytest
import yaml

from nri_cdi.cdi.events import open_events
from nri_cdi.cdi.syntax import place_of, syntax_problem
from nri_cdi.errors import Problem

LOADERS = [yaml.CSafeLoader, yaml.SafeLoader]


def _problem(text: str, loader: type = yaml.CSafeLoader) -> Problem:
    with pytest.raises(yaml.YAMLError) as caught:
        _read(text, loader)
    return syntax_problem(text, caught.value)


def _read(text: str, loader: type) -> None:
    next_event = open_events(text, loader)
    while next_event() is not None:
        pass


NO_KEY = (
    "no key can stand here: the indentation may be wrong, the line before may lack its "
    "':', or a text with ': ' in it its quotes"
)
TAB = "a tab can't indent a line; use spaces"
AFTER = (
    "the document's value has ended before this; check the indentation, the brackets "
    "and the quotes"
)
CHECK = "; check the ',', the ':' and the quotes before it"


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: b: c", 1, 5, NO_KEY),
        ("a\nb: c", 2, 2, NO_KEY),
        ("a: 1\n b: 2", 2, 3, NO_KEY),
        ("a:\n\t- b", 2, 1, TAB),
        ("a: b\n\tc: d\n", 2, 1, TAB),
        ("a: >\n\tb", 2, 1, TAB),
        (
            "a: @b",
            1,
            4,
            "a text without quotes can't start with '@'; put it in quotes",
        ),
        (
            "a: %",
            1,
            4,
            "a text without quotes can't start with '%'; put it in quotes",
        ),
        ("a: - b", 1, 4, "no list can start here; put it on a line of its own"),
        (
            "a: 'b' c",
            1,
            8,
            "expected the next key of the mapping; "
            "check the indentation and the quotes",
        ),
        (
            "a:\n  b: 1\n c: 2",
            3,
            2,
            "expected the next key of the mapping that starts on line 1; "
            "check the indentation and the quotes",
        ),
        (
            "a:\n - b\n c: d",
            3,
            2,
            "expected the next '- ' of the list that starts on line 2; "
            "check the indentation",
        ),
        ("a: [b, c}", 1, 9, "expected ',' or ']' in the list"),
        (
            '["a",\n "b"}',
            2,
            5,
            "expected ',' or ']' in the list that starts on line 1",
        ),
        ('{"a" 1}', 1, 6, f"expected ',' or '}}' in the mapping{CHECK}"),
        (
            '{"a": "1"\n "b": 2}',
            2,
            2,
            f"expected ',' or '}}' in the mapping that starts on line 1{CHECK}",
        ),
        ("a:\n  - [b\n", 2, 5, "the list has no ']' at its end"),
        ('{"a": 1\n', 1, 1, "the mapping has no '}' at its end"),
        ("a: 'b\nc: d\n", 1, 4, "the quoted text has no quote at its end"),
        ('a: "b\nc: d\n', 1, 4, "the quoted text has no quote at its end"),
        ("a: b\nc\n", 2, 1, "the key has no ':' behind it"),
        ("'a'\nb: c", 2, 1, AFTER),
        ("{a: b}}", 1, 7, AFTER),
        (
            "a: *",
            1,
            4,
            "'*' and '&' start the name of an anchor; "
            "put a text that starts with one in quotes",
        ),
        ("a: ,b", 1, 4, "expected a value, got ','; quotes make it a text"),
        ('{"a": [', 1, 8, "the text ends where a value is expected"),
        (
            'a: "C:\\windows"',
            1,
            7,
            "a backslash before 'w' is no escape; "
            r"in double quotes a backslash is written '\\'",
        ),
        ('a: "\\ud800"', 1, 7, "the escape stands for no character"),
        ('a: "\\x4"', 1, 7, "the escape has too few hexadecimal digits"),
        # libyaml's own words.
        (
            "a: !b!c d",
            1,
            4,
            "while parsing a node, found undefined tag handle",
        ),
        ("%YAML 2.0\n---\n", 1, 1, "found incompatible YAML document"),
    ],
)
def test_a_syntax_error_says_what_to_mend_and_where(
    text: str, line: int, column: int, message: str
) -> None:
    assert _problem(text) == Problem(
        rule="syntax",
        message=f"not YAML or JSON: {message}",
        line=line,
        column=column,
    )


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("text", "shown", "line", "column"),
    [
        ("\0", r"'\x00'", 1, 1),
        ("a: b\r\nc: \x07d", r"'\x07'", 2, 4),
        ("a: b\rc: \x07d", r"'\x07'", 2, 4),
        ("a: \x7f", r"'\x7f'", 1, 4),
        ("a: \ufffe", r"'\ufffe'", 1, 4),
    ],
)
def test_a_control_character_is_shown_safely(
    loader: type, text: str, shown: str, line: int, column: int
) -> None:
    assert _problem(text, loader) == Problem(
        rule="syntax",
        message=f"the control character {shown} can't stand in a document",
        line=line,
        column=column,
    )


def test_an_error_without_words_or_places_is_an_error() -> None:
    assert syntax_problem("x", yaml.YAMLError()) == Problem(
        rule="syntax", message="not YAML or JSON: unknown error"
    )


@pytest.mark.parametrize("text", ["a: [b\n\n\n", "a: {b: c\n# the end\n", "a: b\nc: ["])
def test_no_error_is_beyond_the_end_of_the_text(text: str) -> None:
    problem = _problem(text)
    assert problem.line is not None
    assert problem.line <= len(text.splitlines())


@pytest.mark.parametrize(
    ("before", "place"),
    [
        ("", (1, 1)),
        ("ab", (1, 3)),
        ("a\n", (2, 1)),
        ("a\r\nb", (2, 2)),
        ("a\rb", (2, 2)),
        ("a\n\nb\r\r", (5, 1)),
        ("a\x85b\u2028c\u2029d", (4, 2)),
    ],
)
def test_a_place_is_a_line_and_a_column_from_1(
    before: str, place: tuple[int, int]
) -> None:
    assert place_of(f"{before}xyz", len(before)) == place
