"""Findings: their order, their number, their places."""

from __future__ import annotations

from dataclasses import replace

from nri_cdi.cdi.lint.findings import Finding, each, limited, placed
from nri_cdi.cdi.lint.rules import LintRule, Severity
from nri_cdi.cdi.problems import MAX_PROBLEMS


def _finding(pointer: str = "", severity: Severity = Severity.INFO) -> Finding:
    return Finding(rule="r", severity=severity, message="m", pointer=pointer)


def test_severities_are_in_order() -> None:
    order = [Severity.ERROR, Severity.WARNING, Severity.INFO]
    assert list(Severity) == order
    for index, severity in enumerate(order):
        assert [severity.is_at_least(other) for other in order] == [
            index <= place for place in range(len(order))
        ]


def test_a_rule_has_three_facts() -> None:
    rule = LintRule.HOOK_TIMEOUT
    assert (rule.id, rule.severity, rule.summary) == (
        "hook-timeout",
        Severity.ERROR,
        "a hook with a `timeout` of 0 or less",
    )


def test_a_repeated_finding_is_told_once() -> None:
    assert len(placed("a: b", [_finding("a"), _finding("a")])) == 1


def test_without_a_position_comes_last() -> None:
    found = placed("", [_finding("b"), _finding("a")])
    assert [(one.pointer, one.line) for one in found] == [("b", None), ("a", None)]


def test_as_many_as_the_limit_are_kept() -> None:
    findings = [_finding(str(number)) for number in range(MAX_PROBLEMS)]
    assert limited(findings) == tuple(findings)


def test_one_rule_with_many_findings_hides_no_other_one() -> None:
    many = [_finding(str(number)) for number in range(MAX_PROBLEMS + 9)]
    other = replace(_finding(), rule="s", severity=Severity.ERROR)
    note = Finding(
        rule="r",
        severity=Severity.INFO,
        message="there are over 1000 of these; the others are left out",
    )
    assert limited([*many, other]) == (*many[:MAX_PROBLEMS], other, note)


def test_the_sieve_keeps_enough_to_know_that_there_are_more() -> None:
    found = each("a", range(MAX_PROBLEMS + 9), lambda _: [_finding("b")])
    assert [one.pointer for one in found] == [
        f"a[{index}].b" for index in range(MAX_PROBLEMS + 1)
    ]
    other = replace(_finding(), rule="s")
    late = each("a", range(2000), lambda n: [_finding(), *[other] * (n == 1999)])
    assert late[-1] == replace(other, pointer="a[1999]")
