from __future__ import annotations

import pytest

from soak.timeline import Timeline, Windows


@pytest.fixture
def changed() -> Timeline[str]:
    """Red from 0 on, changed to blue from 10 to 12."""
    timeline = Timeline("red", 0)
    timeline.begin("blue", 10)
    timeline.settle(12)
    return timeline


@pytest.mark.parametrize(
    ("begin", "end", "values"),
    [
        (1, 9, {"red"}),
        (1, 10, {"red", "blue"}),
        (11, 11, {"red", "blue"}),
        (12, 20, {"red", "blue"}),
        (13, 20, {"blue"}),
        (-2, -1, set()),
    ],
)
def test_a_change_can_be_seen_from_its_beginning_and_must_be_from_its_end(
    changed: Timeline[str], begin: float, end: float, values: set[str]
) -> None:
    assert changed.during(begin, end) == values


def test_without_an_end_of_the_change_both_stay_possible() -> None:
    timeline = Timeline("red", 0)
    timeline.begin("blue", 10)

    assert timeline.during(100, 101) == {"red", "blue"}


@pytest.mark.parametrize(
    ("begin", "within_s", "past"),
    [
        (12, 5, {}),
        (15, 5, {"red": 3}),
        (17, 5, {"red": 5}),
        (18, 5, {}),
    ],
)
def test_the_past_ends_with_the_change(
    changed: Timeline[str], begin: float, within_s: float, past: dict[str, float]
) -> None:
    assert changed.past(begin, within_s) == past


def test_a_value_that_is_back_is_not_past(changed: Timeline[str]) -> None:
    changed.begin("red", 20)
    changed.settle(20)

    assert changed.past(21, 5) == {"blue": 1}


@pytest.mark.parametrize(
    ("begin", "end", "overlap"),
    [
        (0, 9, False),
        (0, 10, True),
        (14, 16, True),
        (20, 30, True),
        (21, 29, False),
        (21, 31, True),
        (99, 100, True),
    ],
)
def test_a_window_overlaps_what_it_touches(
    begin: float,
    end: float,
    overlap: bool,
) -> None:
    windows = Windows()
    windows.open(10)
    windows.open(11)  # is open already
    windows.close(20)
    windows.open(30)

    assert windows.overlap(begin, end) == overlap
