from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.status.streaming import PIECE_LENGTH, encode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), VALUES, min_size=1))
def test_what_is_encoded_is_what_json_reads(state: dict[str, Any]) -> None:
    assert json.loads(b"".join(encode(state))) == state


def test_an_iterator_becomes_a_list() -> None:
    text = b"".join(encode({"none": iter(()), "some": iter([1, {"a": 2}])}))
    assert json.loads(text) == {"none": [], "some": [1, {"a": 2}]}


def test_a_long_text_comes_in_pieces() -> None:
    item = {"name": "x" * 100}
    pieces = encode({"devices": (item for _ in range(5000))})
    assert json.loads(b"".join(pieces)) == {"devices": [item] * 5000}
    assert len(pieces) > 5
    assert max(map(len, pieces)) < 2 * PIECE_LENGTH
