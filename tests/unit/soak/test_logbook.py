"""Which log lines may be missing, and for what reason."""

from __future__ import annotations

import pytest

from soak.logbook import DISK_FULL, KILLED, NO_CAUSE, WITHIN_S, lost, told_lost
from soak.scene import Periods

LINE = "2026-11-21 03:32:57,947 INFO pod a/b, container {}: injected x/y=0 in 0.1 ms\n"
SHORT_S = WITHIN_S / 10


def periods(*, log_full: float | None = None, killed: float | None = None) -> Periods:
    """Each, where it is given, for a second from then on."""
    made = Periods()
    for windows, begin in ((made.log_full, log_full), (made.killed, killed)):
        if begin is not None:
            windows.open(begin)
            windows.close(begin + 1)
    return made


@pytest.mark.parametrize(
    ("was", "cause"),
    [
        (periods(), NO_CAUSE),
        (periods(log_full=10), DISK_FULL),
        (periods(killed=10), KILLED),
        # A line is written some time after what it tells of.
        (periods(log_full=10.5 + SHORT_S), DISK_FULL),
        (periods(killed=10.5 + SHORT_S), KILLED),
        (periods(log_full=10.5 + WITHIN_S + SHORT_S), NO_CAUSE),
        (periods(killed=10.5 + WITHIN_S + SHORT_S), NO_CAUSE),
        (periods(log_full=8.5), NO_CAUSE),
        (periods(killed=8.5), NO_CAUSE),
        # A log tells of the one, and can't of the other.
        (periods(killed=10, log_full=10), KILLED),
    ],
)
def test_a_lost_line_has_a_cause_if_something_was_wrong_when_it_was_due(
    was: Periods, cause: str
) -> None:
    assert lost([("c-0-1", 10.0, 10.5)], ["", "other\n"], was) == {"c-0-1": cause}


def test_a_line_in_any_of_the_logs_is_not_lost() -> None:
    granted = [("c-0-1", 10.0, 10.5), ("c-0-11", 10.0, 10.5), ("c-1-1", 10.0, 10.5)]
    texts = [LINE.format("c-0-11"), LINE.format("c-1-1")]

    assert lost(granted, texts, periods()) == {"c-0-1": NO_CAUSE}


def test_the_logs_tell_how_many_lines_a_full_disk_has_cost() -> None:
    texts = [
        "WARNING 53 log lines were lost: no space left on device\n" + LINE.format("c"),
        "WARNING 1 log line was lost: no space left on device\n",
        "WARNING 7 log lines were lost: the log was not read for too long\n",
    ]

    assert told_lost(texts) == 54
