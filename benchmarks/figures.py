"""What was measured, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

PERCENT = 100
HEADINGS = ("what", "value", "limit", "unit", "")
OVER = "over the limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measured value and the most that it may be, both in ``unit``.

    Without a limit it is there for comparison, and for people alone.
    """

    name: str
    value: float
    unit: str
    limit: float | None

    @property
    def holds(self) -> bool:
        """Whether the value is within its limit."""
        return self.limit is None or self.value <= self.limit


def table(figures: Iterable[Figure]) -> str:
    """The figures in columns."""
    rows = [HEADINGS, *(_row(figure) for figure in figures)]
    columns = list(zip(*rows, strict=True))
    name, value, limit, unit, _ = (max(map(len, column)) for column in columns)
    return "\n".join(
        f"{row[0]:<{name}}  {row[1]:>{value}}  {row[2]:>{limit}}  "
        f"{row[3]:<{unit}}  {row[4]}".rstrip()
        for row in rows
    )


def to_json(figures: Iterable[Figure]) -> str:
    """A list of objects with ``name``, ``value``, ``unit`` and ``limit``."""
    limited = [asdict(figure) for figure in figures if figure.limit is not None]
    return json.dumps(limited, indent=2, ensure_ascii=False) + "\n"


def median(samples: Sequence[float]) -> float:
    return statistics.median(samples)


def percentile(samples: Sequence[float], percent: int) -> float:
    """The smallest sample that ``percent`` of all samples are not above."""
    ordered = sorted(samples)
    rank = -(-len(ordered) * percent // PERCENT)  # rounded up
    return ordered[max(rank, 1) - 1]


def _row(figure: Figure) -> tuple[str, str, str, str, str]:
    return (
        figure.name,
        _short(figure.value),
        "" if figure.limit is None else _short(figure.limit),
        figure.unit,
        "" if figure.holds else OVER,
    )


def _short(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if value >= PERCENT else f"{value:.3g}"
