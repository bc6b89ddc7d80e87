"""What errors say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.errors import (
    DocumentError,
    Problem,
    ProtocolError,
    RemoteProtocolError,
    SpecError,
)


@pytest.mark.parametrize(
    ("path", "problem", "expected"),
    [
        ("a.yaml", Problem(rule="r", message="wrong"), "a.yaml: wrong"),
        ("a.yaml", Problem(rule="r", message="wrong", line=2), "a.yaml:2: wrong"),
        (
            "a.yaml",
            Problem(rule="r", message="wrong", pointer="kind", line=2, column=3),
            "a.yaml:2:3: kind: wrong",
        ),
        ("a\nb", Problem(rule="r", message="c\nd"), r"a\nb: c\nd"),
        ("a", Problem(rule="r", message="wrong", pointer="\x1b"), r"a: \x1b: wrong"),
    ],
)
def test_a_problem_is_a_line_with_its_place_in_front(
    path: str, problem: Problem, expected: str
) -> None:
    assert SpecError(path, [problem]).lines() == [expected]


@given(st.text(), st.lists(st.text(), min_size=1))
def test_a_line_for_each_problem_whatever_is_in_it(
    path: str, messages: list[str]
) -> None:
    problems = [Problem(rule="r", message=message) for message in messages]
    error = DocumentError(path, problems)
    assert str(error).splitlines() == error.lines()
    assert len(error.lines()) == len(messages)
    assert all(line.isprintable() for line in error.lines())


def test_a_protocol_error_says_whose_fault_it_is() -> None:
    with pytest.raises(TypeError, match="raise LocalProtocolError or"):
        ProtocolError("wrong")
    assert str(RemoteProtocolError("wrong")) == "wrong"
