from __future__ import annotations

import pytest

from soak.claims import Claim, Claims
from soak.marks import Device

GPU, NET = Device("whole", "0"), Device("whole", "1")


@pytest.fixture
def claims() -> Claims:
    return Claims()


def first(claims: Claims) -> Claim:
    """Asked at 1, has its device since 2."""
    claim = claims.ask("first", [GPU], 1)
    claims.get(claim, 2)
    return claim


def test_two_that_have_a_device_at_once_are_found(claims: Claims) -> None:
    first(claims)

    assert claims.get(claims.ask("second", [GPU], 3), 4) == [
        "first has soak.test/whole=0 as well, for 2.000 s"
    ]


def test_other_devices_do_not_matter(claims: Claims) -> None:
    first(claims)

    assert claims.get(claims.ask("second", [NET], 3), 4) == []


def test_whoever_leaves_no_longer_has_it_for_sure(claims: Claims) -> None:
    claims.leave(first(claims), 3)

    assert claims.get(claims.ask("second", [GPU], 3), 4) == []


@pytest.mark.parametrize(("gone_at", "can_be"), [(9, False), (10, True), (15, True)])
def test_a_device_can_be_held_until_its_holder_is_gone(
    claims: Claims, gone_at: float, can_be: bool
) -> None:
    claims.lose(first(claims), gone_at)
    second = claims.ask("second", [GPU], 10)

    assert claims.can_be_held(second, 11) == can_be


def test_nobody_holds_it_against_itself(claims: Claims) -> None:
    assert not claims.can_be_held(first(claims), 3)


def test_who_asks_later_can_have_been_first(claims: Claims) -> None:
    second = claims.ask("second", [GPU], 10)
    claims.ask("third", [GPU], 11)

    assert claims.can_be_held(second, 12)
    assert not claims.can_be_held(second, 10)
