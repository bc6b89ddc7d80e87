from __future__ import annotations

import pytest

from soak.pluginprocess import Usage
from soak.report import finding_lines, report, table
from soak.tally import Finding, Tally
from soak.verdict import Outcome, Verdict

GRANTED = Verdict(outcome=Outcome.GRANTED)
WRONG = Verdict(outcome=Outcome.WRONG, reason="lacks a device")
REFUSED = Verdict(outcome=Outcome.REFUSED, reason="held")


@pytest.fixture
def tally() -> Tally:
    """Two containers and a refusal, and a plugin that was killed once."""
    tally = Tally()
    tally.judge("c-1", "one device", GRANTED, 0.02)
    tally.judge("c-2", "one device", GRANTED, 0.04)
    tally.judge("c-3", "one device", REFUSED, 0.01)
    tally.count("plugin killed", 0.5)
    return tally


def usage(lived_s: float, *memory_kib: int) -> Usage:
    descriptors = [len(memory_kib)] * len(memory_kib)
    return Usage(
        pid=1,
        lived_s=lived_s,
        memory_kib=list(memory_kib),
        descriptors=descriptors,
    )


def lines(tally: Tally, *usages: Usage) -> list[str]:
    return table(report(tally, usages, "containerd 9", 3)).splitlines()


def value(text: str, shown: list[str]) -> str:
    (line,) = (line for line in shown if line.startswith(text))
    return line.removeprefix(text).strip()


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("containers made", "2"),
        ("wrong devices", "0"),
        ("refused without", "cause              0"),
        ("  held", "1"),
        ("creation, ms", "median 30.0, p99 40.0, max 40.0"),
        (
            "  plugin killed",
            "1; back in ms: median 500.0, p99 500.0, max 500.0",
        ),
        ("log lines lost", "0"),
        ("memory, KiB", "100 to 300 in a process of 9 s; 500 at most in 2"),
        ("descriptors", "2 to 2 in a process of 9 s; 2 at most in 2"),
        ("findings", "0"),
    ],
)
def test_the_table_has_all_figures(tally: Tally, what: str, expected: str) -> None:
    shown = lines(tally, usage(5, 400, 500), usage(9, 100, 300), usage(20))

    assert value(what, shown) == expected


def test_a_wrong_container_is_a_finding(tally: Tally) -> None:
    tally.fault = "plugin killed"
    assert report(tally, [], "containerd 9", 3).is_good

    tally.judge("c-4", "one device", WRONG, 0.5)

    made = report(tally, [], "containerd 9", 3)
    assert not made.is_good
    assert made.containers == 3
    assert [(each.what, each.during, each.details) for each in tally.findings] == [
        (
            "wrong devices",
            "plugin killed",
            "c-4 (one device, 0.500 s): lacks a device",
        )
    ]


def test_not_all_of_many_findings_are_printed() -> None:
    findings = [
        Finding(at_s=1, what="wrong", during="calm", details=str(number))
        for number in range(30)
    ]

    shown = list(finding_lines(findings))

    assert shown[0] == "    1.00 s, calm: wrong: 0"
    assert shown[-1] == "and 10 more"
    assert len(shown) == 21
