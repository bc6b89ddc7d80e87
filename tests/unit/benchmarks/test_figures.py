from __future__ import annotations

import json

import pytest

from benchmarks.figures import Figure, median, percentile, table, to_json

RATIO = Figure(name="ratio", value=1.254, unit="x", limit=1.4)
SLOW = Figure(name="slow thing", value=1234.5, unit="ms", limit=10.0)
COMPARED = Figure(name="compared", value=0.5, unit="µs", limit=None)


def test_a_table_has_a_line_for_each_figure() -> None:
    assert table([RATIO, SLOW, COMPARED]).splitlines() == [
        "what        value  limit  unit",
        "ratio        1.25    1.4  x",
        "slow thing   1234     10  ms    over the limit",
        "compared      0.5         µs",
    ]


def test_json_has_the_figures_with_a_limit() -> None:
    assert json.loads(to_json([RATIO, COMPARED])) == [
        {"name": "ratio", "value": 1.254, "unit": "x", "limit": 1.4}
    ]


@pytest.mark.parametrize(
    ("value", "limit", "holds"),
    [(1.4, 1.4, True), (1.41, 1.4, False), (99.0, None, True)],
)
def test_a_value_may_be_as_much_as_its_limit(
    value: float, limit: float | None, holds: bool
) -> None:
    assert Figure(name="", value=value, unit="x", limit=limit).holds == holds


@pytest.mark.parametrize(
    ("samples", "percent", "value"),
    [
        ([7.0], 50, 7.0),
        ([3.0, 1.0, 2.0], 50, 2.0),
        ([4.0, 3.0, 1.0, 2.0], 50, 2.0),
        ([float(number) for number in range(1, 101)], 99, 99.0),
        ([float(number) for number in range(1, 102)], 99, 100.0),
        ([1.0, 2.0], 100, 2.0),
        ([1.0, 2.0], 0, 1.0),
    ],
)
def test_a_percentile_is_one_of_the_samples(
    samples: list[float], percent: int, value: float
) -> None:
    assert percentile(samples, percent) == value


def test_a_median_may_lie_between_two() -> None:
    assert median([4.0, 3.0, 1.0, 2.0]) == 2.5
