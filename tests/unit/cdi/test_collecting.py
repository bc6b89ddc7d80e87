"""The pause of garbage collection."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from nri_cdi.cdi.collecting import collection_paused


@pytest.fixture(autouse=True)
def _collection_as_before() -> Iterator[None]:
    enabled = gc.isenabled()
    yield
    if enabled:
        gc.enable()
    else:
        gc.disable()


def test_nothing_is_collected_meanwhile_and_all_is_as_before_afterwards() -> None:
    gc.enable()
    with collection_paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_ends_the_pause() -> None:
    gc.enable()
    with pytest.raises(ValueError, match="x"), collection_paused():
        raise ValueError("x")
    assert gc.isenabled()


def test_a_pause_within_a_pause_does_not_end_it() -> None:
    gc.enable()
    with collection_paused():
        with collection_paused():
            pass
        assert not gc.isenabled()


def test_who_has_no_collection_gets_none() -> None:
    gc.disable()
    with collection_paused():
        pass
    assert not gc.isenabled()
