"""Environment variables that containers get otherwise than was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.lint.variables import lint_variable
from tests.unit.cdi.lint.said import Said, said


@pytest.mark.parametrize(
    "variable",
    ["A=b", "_a1=", "A=b=c", 'A="', "A='b\"", "A=5$", "A=$(b)", "A=$1", "MY_PATH=/x"],
)
def test_usual_variables_are_fine(variable: str) -> None:
    assert lint_variable(variable) == []


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        *(
            (
                f"{name}=b",
                (
                    "variable-name",
                    "",
                    f"{name!r} is no name that a shell takes; use letters, digits "
                    "and '_', and no digit in front",
                ),
            )
            for name in ("export A", "A ", "1A", "-A", "A.B", "Ä", "A\n")
        ),
        *(
            (
                variable,
                (
                    "quoted-value",
                    "",
                    "the value of 'A' has quotes around it, which the container gets "
                    "too; put the quotes around NAME=value as a whole",
                ),
            )
            for variable in ('A="b"', "A='b'", 'A=""')
        ),
        *(
            (
                f"A=/x:{reference}",
                (
                    "unexpanded-variable",
                    "",
                    "the value of 'A' names a variable with '$', which nothing "
                    "expands; give the whole value",
                ),
            )
            for reference in ("$HOME", "${HOME}")
        ),
        *(
            (
                f"{name}=/x",
                (
                    "replaced-search-path",
                    "",
                    f"{name} replaces the one of the image, and adds nothing to it",
                ),
            )
            for name in ("PATH", "LD_LIBRARY_PATH", "LD_PRELOAD")
        ),
    ],
)
def test_a_doubtful_variable_has_one_finding(variable: str, expected: Said) -> None:
    assert said(lint_variable(variable)) == [expected]


@given(st.text())
def test_values_are_never_shown(rest: str) -> None:
    for finding in lint_variable(f"A='$secret{rest}'"):
        assert "secret" not in finding.message
