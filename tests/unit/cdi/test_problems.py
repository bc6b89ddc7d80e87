"""Lists of problems."""

from __future__ import annotations

from nri_cdi.cdi.problems import (
    MAX_PROBLEMS,
    ProblemLog,
    each,
    in_order,
    problem,
    under,
)
from nri_cdi.cdi.rules import Rule
from nri_cdi.errors import Problem


def _on_line(line: int | None, column: int | None = None) -> Problem:
    return Problem(rule=Rule.SYNTAX, message="x", line=line, column=column)


def test_problems_are_sorted_by_place_and_those_without_one_come_last() -> None:
    nowhere, whole_line = _on_line(None), _on_line(2)
    early, late = _on_line(2, 5), _on_line(10, 1)
    assert in_order([nowhere, late, early, whole_line]) == (
        whole_line,
        early,
        late,
        nowhere,
    )


def test_a_report_of_problems_has_an_end() -> None:
    problems = in_order(_on_line(line) for line in range(MAX_PROBLEMS + 1))
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-2] == _on_line(MAX_PROBLEMS - 1)
    assert problems[-1] == Problem(
        rule="too-many-problems",
        message="there are over 1000 problems; the others are left out",
    )


def test_as_many_problems_as_the_report_takes_need_no_note() -> None:
    assert len(in_order(_on_line(line) for line in range(MAX_PROBLEMS))) == MAX_PROBLEMS


def test_a_full_log_takes_no_more() -> None:
    log = ProblemLog()
    for line in range(MAX_PROBLEMS + 10):
        assert log.is_full == (line > MAX_PROBLEMS)
        log.add(_on_line(line))
    assert len(log) == MAX_PROBLEMS + 1


def test_the_problems_of_items_get_their_places() -> None:
    found = each("env", ["a", "", "b", ""], _empty)
    assert [(item.pointer, item.message) for item in found] == [
        ("env[1].text", "it is empty"),
        ("env[3].text", "it is empty"),
    ]


def test_the_items_of_a_list_are_not_checked_once_there_are_too_many_problems() -> None:
    assert len(each("env", [""] * (2 * MAX_PROBLEMS), _empty)) == MAX_PROBLEMS + 1


def test_a_place_is_put_in_front() -> None:
    (found,) = under("devices[0]", _empty(""))
    assert found.pointer == "devices[0].text"


def _empty(text: str) -> list[Problem]:
    return [] if text else [problem(Rule.EMPTY_PATH, "text", "it is empty")]
