"""What a soak came to: a table for people, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from soak.pluginprocess import Usage
from soak.tally import Finding, Tally
from soak.verdict import BAD, Outcome

MS_PER_S = 1000
PERCENT = 100
SHOWN = 20
"""Findings that are printed; the file has all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One runtime's figures."""

    runtime: str
    seconds: float
    seed: int
    containers: int
    outcomes: dict[str, int]
    asked: dict[str, int]
    refused: dict[str, int]
    drifted: int
    started: int
    stale_ms: dict[str, dict[str, float]]
    faults: dict[str, int]
    skipped: dict[str, str]
    back_ms: dict[str, dict[str, float]]
    creation_ms: dict[str, float]
    log_lines_lost: dict[str, int]
    processes: list[dict[str, Any]]
    findings: list[dict[str, Any]]

    @property
    def is_good(self) -> bool:
        return not self.findings

    def wrong(self) -> int:
        return self.outcomes.get(Outcome.WRONG, 0)


def report(tally: Tally, usages: Sequence[Usage], runtime: str, seed: int) -> Report:
    """Put the books together."""
    return Report(
        runtime=runtime,
        seconds=round(tally.seconds, 1),
        seed=seed,
        containers=tally.containers,
        outcomes={each.value: count for each, count in tally.outcomes.items()},
        asked=dict(tally.asked),
        refused=dict(tally.refusals),
        drifted=tally.drifted,
        started=tally.started,
        stale_ms={
            name: {"count": len(values), **_spread(values)}
            for name, values in tally.stale_s.items()
        },
        faults=dict(tally.faults),
        skipped=dict(tally.skipped),
        back_ms={name: _spread(values) for name, values in tally.back_s.items()},
        creation_ms=_spread(tally.creations_s),
        log_lines_lost=dict(tally.log_lost),
        processes=[asdict(usage) for usage in usages],
        findings=[asdict(each) for each in tally.findings],
    )


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Median, 99th percentile and maximum, in ms."""
    ordered = sorted(value * MS_PER_S for value in values)
    if not ordered:
        return {}
    rank = -(-len(ordered) * (PERCENT - 1) // PERCENT)
    figures = {
        "median": median(ordered),
        "p99": ordered[max(rank, 1) - 1],
        "max": ordered[-1],
    }
    return {name: round(value, 1) for name, value in figures.items()}


def table(each: Report) -> str:
    """The figures in lines."""
    return "\n".join(f"{name:<34} {value}".rstrip() for name, value in _rows(each))


def _rows(each: Report) -> Iterator[tuple[str, object]]:
    yield each.runtime, f"{each.seconds:.0f} s, seed {each.seed}"
    yield "containers made", each.containers
    yield "  of these started", each.started
    for outcome in BAD:
        yield outcome.value, each.outcomes.get(outcome, 0)
    stale = sum(figures["count"] for figures in each.stale_ms.values())
    yield "with specs of a moment before", stale
    for name, figures in each.stale_ms.items():
        yield f"  {name}", f"in ms: {_words(figures)}"
    away = each.outcomes.get(Outcome.AWAY, 0)
    yield Outcome.AWAY.value, f"{away}, reported as drifted: {each.drifted}"
    interrupted = each.outcomes.get(Outcome.INTERRUPTED, 0)
    yield Outcome.INTERRUPTED.value, interrupted
    yield "refused", sum(each.refused.values())
    for reason, count in sorted(each.refused.items()):
        yield f"  {reason}", count
    yield "creation, ms", _words(each.creation_ms)
    yield "faults", sum(each.faults.values())
    for name, count in each.faults.items():
        back = each.back_ms.get(name)
        yield f"  {name}", f"{count}{f'; back in ms: {_words(back)}' if back else ''}"
    for name, reason in each.skipped.items():
        yield f"  {name}", f"skipped: {reason}"
    yield "log lines lost", _words(each.log_lines_lost) or 0
    yield from _usage(each.processes)
    yield "findings", len(each.findings)


def _usage(processes: Sequence[dict[str, Any]]) -> Iterator[tuple[str, object]]:
    """The process that lived longest, and the ends of all."""
    looked = [each for each in processes if each["memory_kib"]]
    if not looked:
        return
    longest = max(looked, key=lambda each: each["lived_s"])
    lived = f"a process of {longest['lived_s']:.0f} s"
    for name, key in (("memory, KiB", "memory_kib"), ("descriptors", "descriptors")):
        first, last = longest[key][0], longest[key][-1]
        most = max(max(each[key]) for each in looked)
        yield name, f"{first} to {last} in {lived}; {most} at most in {len(looked)}"


def _words(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """The first findings, one a line or more."""
    for finding in findings[:SHOWN]:
        yield str(finding)
    if len(findings) > SHOWN:
        yield f"and {len(findings) - SHOWN} more"
