from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.composing import compose
from nri_cdi.cdi.yamltext import to_yaml

# What Go, PyYAML, or YAML 1.2 may take for something else than a string.
AMBIGUOUS = (
    *("y", "n", "yes", "no", "on", "off", "true", "False", "null", "~", ""),
    *("0", "010", "08", "0o10", "0x10", "0b11", "1_000", "1e3", "12e5", "1.0", "1.50"),
    *(".inf", "-.Inf", ".nan", "1:30", "190:20:30", "2001-01-01", "=", "<<", "+1"),
)
TEXTS = (*AMBIGUOUS, "- a", "a: b", "a #b", " a", "a ", "@a", "%a", "\t", "a\nb\n", "é")

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(st.characters(codec="utf-8"))
    | st.sampled_from(TEXTS),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text("abc=<y10", max_size=4), inner)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_string_stays_one_for_every_reader(text: str) -> None:
    written = to_yaml({"a": text, text: 1} if text != "a" else {"a": text})
    assert compose(written).value["a"] == text
    assert yaml.safe_load(written)["a"] == text


@given(PLAIN)
def test_what_is_written_reads_as_the_same(value: Any) -> None:
    written = to_yaml({"value": value})
    assert compose(written).value == {"value": value}
    assert yaml.safe_load(written) == {"value": value}


def test_lines_are_not_folded() -> None:
    assert to_yaml({"a": "b " * 500 + "b"}).count("\n") == 1


def test_a_value_that_is_there_twice_is_written_twice() -> None:
    shared = ["a"]
    assert to_yaml({"x": shared, "z": shared}) == "x:\n- a\nz:\n- a\n"
