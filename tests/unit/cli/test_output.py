"""What verbs print."""

from __future__ import annotations

import argparse
import io
import json
from typing import Any

import pytest
import yaml

from nri_cdi.cli.output import (
    Style,
    Styled,
    add_output,
    has_colour,
    print_table,
    print_value,
    styled,
)
from nri_cdi.quoting import printable


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Latin(io.StringIO):
    encoding = "latin-1"


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make standard output a terminal with colours.

    No fixture: pytest has its own standard output from the test's first line on.
    """
    made = Terminal()
    monkeypatch.setattr("sys.stdout", made)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return made


@pytest.mark.parametrize(
    ("environ", "stream", "expected"),
    [
        ({"TERM": "xterm"}, Terminal(), True),
        ({"TERM": "xterm", "NO_COLOR": ""}, Terminal(), True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, Terminal(), False),
        ({"TERM": "dumb"}, Terminal(), False),
        ({}, Terminal(), False),
        ({"TERM": "xterm"}, io.StringIO(), False),
        ({"TERM": "xterm"}, None, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    environ: dict[str, str],
    stream: io.StringIO | None,
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert has_colour(stream) is expected


def test_a_style_is_seen_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_terminal(monkeypatch)
    assert styled("x", Style.BAD) == "\x1b[31mx\x1b[0m"
    assert styled("x", Style.PLAIN) == "x"
    assert styled("x", Style.BAD, io.StringIO()) == "x"


def test_a_table_has_columns_as_wide_as_what_is_in_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [("a", "bb", "c"), ("aaa", "b"), (Styled("x", Style.BAD), "", "c")]
    print_table(("A", "B", "LONG"), rows)
    assert capsys.readouterr().out == "A    B   LONG\na    bb  c\naaa  b\nx        c\n"


def test_colours_do_not_move_columns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = on_terminal(monkeypatch)
    print_table(("A", "B"), [(Styled("x", Style.NAME), "y"), ("long", "z")])
    assert terminal.getvalue() == (
        "\x1b[1mA\x1b[0m     \x1b[1mB\x1b[0m\n\x1b[36mx\x1b[0m     y\nlong  z\n"
    )


def test_an_empty_cell_has_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    print_table(("A", "B"), [("x", Styled("", Style.FAINT))])
    assert terminal.getvalue().splitlines()[1] == "x"


def test_a_table_without_rows_is_its_headings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(("A", "B"), [])
    assert capsys.readouterr().out == "A  B\n"


def test_foreign_text_can_not_speak_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = on_terminal(monkeypatch)
    print_table(("A",), [("\x1b[31mred\n\udcff",)])
    assert terminal.getvalue().splitlines()[1] == r"\x1b[31mred\n\udcff"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ä €", "plain ä €"),
        ("", ""),
        ("it's\n", r"it's\n"),
        ("a\u2028b", r"a\u2028b"),
        ("\u202egnp", r"\u202egnp"),
    ],
)
def test_printable_text_has_no_control_characters(text: str, expected: str) -> None:
    assert printable(text) == expected
    assert printable(expected) == expected


VALUES: list[Any] = [
    {"a": ["b", 1, None, True], "c": {}},
    {"€": "\x1b", "yes": "no", "n": "1"},
    [],
]


@pytest.mark.parametrize("value", VALUES)
def test_json_and_yaml_say_the_value(
    value: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    print_value(value, "json")
    assert json.loads(capsys.readouterr().out) == value
    print_value(value, "yaml")
    assert yaml.safe_load(capsys.readouterr().out) == value


def test_json_is_readable_and_ends_with_a_line_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_value({"a": "€"}, "json")
    assert capsys.readouterr().out == '{\n  "a": "€"\n}\n'


def test_a_file_name_that_is_no_text_stays_one_in_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_value({"path": "x\udcff"}, "json")
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out) == {"path": "x\udcff"}


def test_a_file_name_that_is_no_text_is_spelled_out_in_yaml(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_value({"\udcff": ["x\udcff", 1]}, "yaml")
    assert yaml.safe_load(capsys.readouterr().out) == {r"\udcff": [r"x\udcff", 1]}


@pytest.mark.parametrize(
    "text", ["\x7f", "\x85", "\x9b2J", "\u202egnp", "\u2028", "\ufeff", "\U000e0041"]
)
@pytest.mark.parametrize("output", ["json", "yaml"])
def test_nothing_in_a_value_can_speak_to_the_terminal(
    text: str, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    value = {text: [f"é{text}"]}
    print_value(value, output)
    out = capsys.readouterr().out
    assert all(line.isprintable() for line in out.split("\n"))
    assert (json.loads if output == "json" else yaml.safe_load)(out) == value


def test_yaml_suits_an_output_that_is_not_utf_8(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = Latin()
    monkeypatch.setattr("sys.stdout", out)
    print_value({"ä": "ä"}, "yaml")
    print_value(["€😀", 1], "yaml")
    assert out.getvalue() == 'ä: ä\n[\n  "\\U000020ac\\U0001f600",\n  1\n]\n'


def test_json_suits_an_output_that_is_not_utf_8(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = Latin()
    monkeypatch.setattr("sys.stdout", out)
    print_value("ä€", "json")
    assert out.getvalue() == '"\\u00e4\\u20ac"\n'


@pytest.mark.parametrize(
    ("formats", "arguments", "expected"),
    [
        (("table", "json"), [], "table"),
        (("yaml", "json"), [], "yaml"),
        (("table", "json"), ["-o", "json"], "json"),
        (("table", "json"), ["-ojson"], "json"),
        (("table", "json"), ["--output=json"], "json"),
    ],
)
def test_the_first_format_is_the_default(
    formats: tuple[str, ...], arguments: list[str], expected: str
) -> None:
    parser = argparse.ArgumentParser()
    add_output(parser, formats)
    assert parser.parse_args(arguments).output == expected
