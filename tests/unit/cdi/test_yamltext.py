from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.composing import compose
from nri_cdi.cdi.yamltext import scalar_text, to_yaml

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


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a", "a"),
        ("/dev/a-b_c.d", "/dev/a-b_c.d"),
        ("0.5.0", "0.5.0"),
        ("L3:0=f;1=f", "L3:0=f;1=f"),
        ("lib.so::/usr/lib", "lib.so::/usr/lib"),
        ("--folder", "--folder"),
        ("yes", '"yes"'),
        ("y", '"y"'),
        ("", '""'),
        ("0", '"0"'),
        ("2001-01-01", '"2001-01-01"'),
        ("1:30", '"1:30"'),
        ("<<", '"<<"'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("a\nb\t", '"a\\nb\\t"'),
        ('"', '"\\""'),
        ("\x85", '"\\u0085"'),
        (438, "438"),
        (True, "true"),
        (None, "null"),
    ],
)
def test_a_scalar_has_quotes_only_where_it_needs_them(value: Any, written: str) -> None:
    assert scalar_text(value) == written
    assert to_yaml([value]).strip().replace("\\N", "\\u0085") == f"- {written}"


@given(st.text(st.characters(codec="utf-8")))
def test_a_text_on_its_own_reads_as_the_same(text: str) -> None:
    written = f"a: {scalar_text(text)}\n"
    assert "\n" not in scalar_text(text)
    assert compose(written).value == {"a": text}
    assert yaml.safe_load(written) == {"a": text}
