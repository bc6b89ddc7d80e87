"""YAML events, and the errors of texts that have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from yaml.events import ScalarEvent, StreamEndEvent

from nri_cdi.cdi import events
from nri_cdi.cdi.events import (
    MalformedError,
    malformed,
    open_events,
    position,
    problem_at,
    value_of,
)
from nri_cdi.cdi.rules import Rule
from nri_cdi.errors import Problem

LOADERS = [pytest.param(yaml.SafeLoader, id="pure")]
if hasattr(yaml, "CSafeLoader"):
    LOADERS.append(pytest.param(yaml.CSafeLoader, id="libyaml"))

TEXT = """\
plain: 0o10
quoted: "0o10"
tagged: !!int "12"
local: !x 12
bang: ! 12
block: |
  text
empty:
"""


def _drain(next_event: Callable[[], Any]) -> list[Any]:
    found = [next_event()]
    while not isinstance(found[-1], StreamEndEvent):
        found.append(next_event())
    return found


@pytest.mark.parametrize("loader", LOADERS)
def test_scalars_have_the_same_values_with_and_without_libyaml(loader: type) -> None:
    scalars = [
        event
        for event in _drain(open_events(TEXT, loader))
        if isinstance(event, ScalarEvent)
    ]
    values = dict(zip(scalars[::2], scalars[1::2], strict=True))
    assert {key.value: value_of(value) for key, value in values.items()} == {
        "plain": 8,
        "quoted": "0o10",
        "tagged": 12,
        "local": "12",
        "bang": "12",
        "block": "text\n",
        "empty": None,
    }
    assert [position(key) for key in values][:3] == [(1, 1), (2, 1), (3, 1)]


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: b: c", 1, 5),
        ("a: [1,\n}", 2, 1),
        ("'", None, None),
        ("%YAML 2.0\n---", 1, 1),
    ],
)
def test_what_is_no_yaml_is_malformed_where_it_ends_to_be_so(
    loader: type, text: str, line: int | None, column: int | None
) -> None:
    with pytest.raises(yaml.YAMLError) as caught:
        _drain(open_events(text, loader))
    problem = malformed(text, caught.value).problem
    assert problem.rule == "syntax"
    assert problem.message.startswith("not YAML or JSON: ")
    if line is not None:
        assert (problem.line, problem.column) == (line, column)


def test_the_parser_s_own_words_are_kept() -> None:
    error = yaml.MarkedYAMLError("while parsing", None, "found nothing", None)
    assert malformed("x", error).problem == Problem(
        rule="syntax", message="not YAML or JSON: while parsing, found nothing"
    )


def test_an_error_without_words_is_an_error() -> None:
    problem = malformed("x", yaml.YAMLError()).problem
    assert problem.message == "not YAML or JSON: unknown error"


def test_a_text_has_no_more_values_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "MAX_VALUES", 10)
    with pytest.raises(MalformedError) as caught:
        _drain(open_events("[a, b, c, d, e, f, g, h, i]"))
    assert caught.value.problem == Problem(
        rule="too-many-values",
        message="the document has over 10 keys and values, aliases spelled out",
        line=1,
        column=23,
    )
    assert str(caught.value) == caught.value.problem.message


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_a_text_has_no_more_tag_directives_than_the_limit(line_end: str) -> None:
    lines = [f"%TAG !a{number}! x" for number in range(101)]
    _drain(open_events(line_end.join([*lines[:100], "--- a"])))
    with pytest.raises(MalformedError) as caught:
        open_events(line_end.join([*lines, "--- a"]))
    assert caught.value.problem == Problem(
        rule="too-many-values",
        message="there are over 100 lines that start with %TAG",
        line=101,
        column=1,
    )


def test_tags_that_are_no_directives_do_not_count() -> None:
    assert len(_drain(open_events("- a: '%TAG'\n" * 200))) > 200


def test_a_long_text_with_few_values_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_VALUES", 10)
    assert len(_drain(open_events("[a, 'long text']"))) == 8


def test_a_problem_stands_where_its_event_starts() -> None:
    next_event = open_events("a:\n  - b")
    scalars = [e for e in _drain(next_event) if isinstance(e, ScalarEvent)]
    assert problem_at(scalars[1], Rule.SYNTAX, "bad", "a[0]") == Problem(
        rule="syntax", message="bad", pointer="a[0]", line=2, column=5
    )
