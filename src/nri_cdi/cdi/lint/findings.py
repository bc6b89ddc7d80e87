"""Findings: what lint has to say, each under its rule and with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from nri_cdi.cdi import problems
from nri_cdi.cdi.lint.rules import LintRule, Severity
from nri_cdi.cdi.pointers import at_index
from nri_cdi.cdi.positions import locate
from nri_cdi.cdi.problems import MAX_PROBLEMS, under
from nri_cdi.errors import Problem

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Problem):
    """Something doubtful; ``rule`` is the identifier of a LintRule, or of a Rule."""

    severity: Severity


def finding(rule: LintRule, pointer: str, message: str) -> Finding:
    """A finding without a position."""
    return Finding(
        rule=rule.id, severity=rule.severity, message=message, pointer=pointer
    )


def of_problem(problem: Problem, severity: Severity) -> Finding:
    """What the reader reports of a file, as a finding."""
    return Finding(
        rule=problem.rule,
        severity=severity,
        message=problem.message,
        pointer=problem.pointer,
        line=problem.line,
        column=problem.column,
    )


def each(
    field: str, items: Sequence[_Item], check: Callable[[_Item], list[Finding]]
) -> list[Finding]:
    """What ``check`` finds in the items of a list, under its name; see `Sieve`."""
    sieve = Sieve()
    for index, item in enumerate(items):
        findings = check(item)
        if findings:
            sieve.add(under(at_index(field, index), findings))
    return sieve.found


class Sieve:
    """Keeps findings, but hardly more of a rule than will be reported.

    Of each rule by itself, so that many of one don't hide what another finds.
    """

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self._counts: Counter[str] = Counter()

    def add(self, findings: Iterable[Finding]) -> None:
        """Take note of findings, as far as there is room for them."""
        for one in findings:
            if self._counts[one.rule] <= MAX_PROBLEMS:
                self._counts[one.rule] += 1
                self.found.append(one)


def placed(text: str, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """``findings`` with lines and columns of the text, in its order; without repeats.

    At most MAX_PROBLEMS of each rule.
    """
    unplaced = {one.pointer for one in findings if one.line is None}
    positions = locate(text, unplaced) if unplaced else {}
    known = dict.fromkeys(problems.placed(one, positions) for one in findings)
    return limited(sorted(known, key=problems.by_place))


def limited(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The first MAX_PROBLEMS of each rule, and a note for each that has more."""
    counts: Counter[str] = Counter()
    kept: list[Finding] = []
    notes: dict[str, Finding] = {}
    for one in findings:
        counts[one.rule] += 1
        if counts[one.rule] <= MAX_PROBLEMS:
            kept.append(one)
        elif one.rule not in notes:
            message = f"there are over {MAX_PROBLEMS} of these; the others are left out"
            notes[one.rule] = Finding(
                rule=one.rule, severity=one.severity, message=message
            )
    return (*kept, *notes.values())
