"""What ``nri-cdi lint`` prints: findings, and the rules that they are under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nri_cdi.cdi.edits import Resolution
from nri_cdi.cdi.lint import Finding, LintRule, Severity
from nri_cdi.cdi.registry import Registry
from nri_cdi.cli.checking import STYLES, counted, plain_problem, print_problem
from nri_cdi.cli.inventory import errors
from nri_cdi.cli.output import TABLE, Style, Styled, print_table, print_value, styled
from nri_cdi.cli.process import say
from nri_cdi.quoting import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """A file or a directory, and what is to be said of it."""

    path: str
    findings: tuple[Finding, ...]
    is_valid: bool = True

    @property
    def is_ok(self) -> bool:
        """Whether there is no error and no warning."""
        return not any(
            finding.severity.is_at_least(Severity.WARNING) for finding in self.findings
        )


def print_linted(linted: Sequence[Linted], output: str) -> None:
    """Print the findings of all files; a file without any is said to be ok."""
    if output != TABLE:
        print_value({"files": [_plain_file(file) for file in linted]}, output)
        return
    for file in linted:
        for finding in file.findings:
            print_problem(file.path, finding.severity, finding)
        if not file.findings:
            print(f"{printable(file.path)}: {styled('ok', Style.GOOD)}")
    findings = [finding for file in linted for finding in file.findings]
    say(f"{counted(len(linted), 'file')}: {_counts(findings)}")


def print_nothing(message: str, output: str) -> None:
    """Print that there are no files; people get a reason."""
    if output == TABLE:
        say(message)
    else:
        print_value({"files": []}, output)


def print_request(
    resolution: Resolution, linted: Linted, registry: Registry, output: str
) -> None:
    """Print what is to be said of devices that are asked for together.

    Programs get what in the registry can't be used besides.
    """
    devices = resolution.devices
    if output != TABLE:
        findings = [_plain(finding) for finding in linted.findings]
        plain = {"devices": list(devices), "ok": linted.is_ok, "findings": findings}
        print_value({"request": plain, "errors": errors(registry)}, output)
        return
    for finding in linted.findings:
        label = styled(finding.severity, STYLES[finding.severity])
        print(f"{label}: {printable(finding.message)} [{finding.rule}]")
    say(f"{counted(len(devices), 'device')}: {_counts(linted.findings)}")


def print_rules(output: str) -> None:
    """Print the rules of lint, as the documentation has them."""
    if output != TABLE:
        print_value({"rules": [_plain_rule(rule) for rule in LintRule]}, output)
        return
    rows = [
        (
            Styled(rule.id, Style.NAME),
            Styled(rule.severity, STYLES[rule.severity]),
            rule.summary,
        )
        for rule in LintRule
    ]
    print_table(("RULE", "SEVERITY", "WHAT IT FINDS"), rows)


def _plain_file(file: Linted) -> dict[str, Any]:
    return {
        "path": file.path,
        "ok": file.is_ok,
        "findings": [_plain(finding) for finding in file.findings],
    }


def _plain(finding: Finding) -> dict[str, Any]:
    plain = plain_problem(finding)
    return {"rule": plain.pop("rule"), "severity": str(finding.severity), **plain}


def _plain_rule(rule: LintRule) -> dict[str, str]:
    return {"rule": rule.id, "severity": str(rule.severity), "summary": rule.summary}


def _counts(findings: Sequence[Finding]) -> str:
    """``1 error, 2 warnings, 0 infos``."""
    given = [finding.severity for finding in findings]
    return ", ".join(counted(given.count(each), str(each)) for each in Severity)
