"""The benchmarks at their smallest: that they run, and what they measure."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import PARTS, main, measure
from benchmarks.container import create_request
from benchmarks.sizes import Sizes
from benchmarks.specs import ONE_DEVICE

SMALL = Sizes(
    round_trips=2,
    devices=4,
    files=2,
    loads=1,
    starts=1,
    new_files=1,
    wide_round_trips=2,
    wanted=2,
    pods=2,
    synchronizations=1,
    rereading_s=1.0,
)


@pytest.mark.parametrize(
    ("part", "units"),
    [
        ("roundtrip", ["x", "µs"] * 3 + ["µs"] * 3 + ["x", "µs"] * 12),
        ("manydevices", ["ms"] * 8),
        ("synchronizing", ["ms"] * 4),
        ("freshness", ["ms"] * 4),
        ("loading", ["x", "ms"] * 2),
        ("startup", ["x", "ms"] * 2),
        ("library", ["ms", "ms", "µs", "µs", "µs", "µs", "MB"] * 6),
        ("commands", ["ms"] * 6),
    ],
)
def test_a_part_yields_figures(part: str, units: list[str]) -> None:
    figures = measure([part], SMALL)
    assert [figure.unit for figure in figures] == units
    assert all(figure.value > 0 for figure in figures)
    assert len({figure.name for figure in figures}) == len(figures)


def test_a_part_that_there_is_not_is_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["nothing"]) == 2
    assert capsys.readouterr().err == (
        f"no such part: nothing; there are {', '.join(PARTS)}\n"
    )


def test_the_container_is_as_large_as_a_real_one() -> None:
    request = create_request(ONE_DEVICE)
    assert len(request.container.env) == 30
    assert len(request.container.mounts) == 12
    assert 2300 < request.ByteSize() < 2700
