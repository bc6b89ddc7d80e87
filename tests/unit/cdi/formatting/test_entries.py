from __future__ import annotations

from typing import Any

import pytest

from nri_cdi.cdi.formatting.entries import entry_of, plain_of


@pytest.mark.parametrize(
    "value", [{"a": [1, {"b": None}], "c": {}, "d": []}, [], {}, "a", None]
)
def test_a_plain_value_comes_back(value: Any) -> None:
    assert plain_of(entry_of(value)) == value


def test_the_order_stays() -> None:
    assert list(plain_of(entry_of({"b": 1, "a": 2}))) == ["b", "a"]
