"""The table in docs/doctor.md is that of the code, and each finding has a remedy."""

from __future__ import annotations

from nri_cdi.cdi.lint import LintRule
from nri_cdi.cdi.rules import Rule
from nri_cdi.doctor import Check
from nri_cdi.doctor.checks.specs import REMEDIES
from tests.unit.docs.pages import read, table

PAGE = read("docs/doctor.md")


def test_the_page_has_the_findings_of_the_code() -> None:
    rows = table(PAGE, "finding")
    assert [row[:3] for row in rows] == [
        [f"`{check.id}`", str(check.severity), check.summary] for check in Check
    ]
    assert all(row[3] for row in rows)


def test_the_page_names_what_lint_finds_on_the_host() -> None:
    assert [rule.id for rule in REMEDIES if f"`{rule.id}`" not in PAGE] == []


def test_identifiers_mean_one_thing_each() -> None:
    others = {rule.id for rule in LintRule} | set(map(str, Rule))
    assert {check.id for check in Check} & others == set()
