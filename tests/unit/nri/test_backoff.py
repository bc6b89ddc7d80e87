from __future__ import annotations

import pytest

from nri_cdi.nri.backoff import CEILING_S, FIRST_S, Backoff


def test_delays_double_up_to_the_ceiling() -> None:
    backoff = Backoff(lambda: 0.0)
    delays = [backoff.next() for _ in range(10)]
    assert delays == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


@pytest.mark.parametrize("random", [0.0, 0.25, 0.999])
def test_chance_shortens_a_delay_by_up_to_a_half(random: float) -> None:
    backoff = Backoff(lambda: random)
    delays = [backoff.next() for _ in range(12)]
    assert FIRST_S / 2 < delays[0] <= FIRST_S
    assert CEILING_S / 2 < delays[-1] <= CEILING_S


def test_a_reset_starts_over() -> None:
    backoff = Backoff(lambda: 0.0)
    for _ in range(5):
        backoff.next()
    backoff.reset()
    assert backoff.next() == FIRST_S
