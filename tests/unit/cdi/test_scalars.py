"""The values of YAML scalars: the tables of the reference, row by row."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.scalars import (
    Scalar,
    ScalarError,
    describe,
    key_of,
    resolve_plain,
    resolve_tagged,
    text_of,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("nULL", "nULL"),
        ("y", True),
        ("Y", True),
        ("yes", True),
        ("on", True),
        ("True", True),
        ("n", False),
        ("No", False),
        ("OFF", False),
        ("false", False),
        ("yEs", "yEs"),
        ("0", 0),
        ("-0", 0),
        ("195", 195),
        ("+5", 5),
        ("-5", -5),
        ("0o666", 438),
        ("0o10", 8),
        ("0O17", 15),
        ("0666", 438),
        ("010", 8),
        ("00", 0),
        ("0x10", 16),
        ("-0X1f", -31),
        ("0b11", 3),
        ("0B11", 3),
        ("-0b11", -3),
        ("0b-101", -5),
        ("0b+101", 5),
        ("-0b+1", "-0b+1"),
        (f"0b-{'1' * 64}", f"0b-{'1' * 64}"),
        ("0b", "0b"),
        ("0x", "0x"),
        ("0o", "0o"),
        ("0b2", "0b2"),
        ("1_000", 1000),
        ("1__0_", 10),
        ("0_7", 7),
        ("08", 8.0),
        ("1e3", 1000.0),
        ("12e5", 1200000.0),
        ("1.", 1.0),
        ("1.50", 1.5),
        ("+1.5e-3", 0.0015),
        ("1_0.5", 10.5),
        (".5", 0.5),
        (".5e3", 500.0),
        ("-.5", -0.5),
        (".5_0", ".5_0"),
        (".", "."),
        ("...", "..."),
        (".e5", ".e5"),
        ("1e400", "1e400"),
        ("-1_0e400", "-1_0e400"),
        (".inf", math.inf),
        ("+.Inf", math.inf),
        ("-.INF", -math.inf),
        ("+.nan", "+.nan"),
        ("9223372036854775807", 2**63 - 1),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", float(2**64)),
        ("-9223372036854775808", -(2**63)),
        ("-9223372036854775809", float(-(2**63) - 1)),
        ("+18446744073709551615", float(2**64 - 1)),
        (f"0x{'f' * 17}", f"0x{'f' * 17}"),
        ("9" * 5000, "9" * 5000),
        ("1:30", "1:30"),
        ("190:20:30", "190:20:30"),
        ("2001-01-01", "2001-01-01"),
        ("2001-01-01T00:00:00Z", "2001-01-01T00:00:00Z"),
        ("-", "-"),
        ("+", "+"),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ("<<", "<<"),
        ("\u0661", "\u0661"),
        ("/dev/null", "/dev/null"),
        ("NVIDIA", "NVIDIA"),
    ],
)
def test_a_plain_scalar_is_what_go_makes_of_it(text: str, value: Scalar) -> None:
    resolved = resolve_plain(text)
    assert (type(resolved), resolved) == (type(value), value)


def test_nan_is_a_number() -> None:
    value = resolve_plain(".nan")
    assert isinstance(value, float)
    assert math.isnan(value)


@given(st.text())
def test_every_text_has_a_value(text: str) -> None:
    value = resolve_plain(text)
    assert not isinstance(value, str) or value == text


@pytest.mark.parametrize(
    ("tag", "text", "value"),
    [
        ("str", "12", "12"),
        ("str", "", ""),
        ("timestamp", "2001-01-01", "2001-01-01"),
        ("int", "0x10", 16),
        ("float", "10", 10.0),
        ("float", "1e3", 1000.0),
        ("bool", "yes", True),
        ("null", "", None),
        ("binary", "aGk=", "hi"),
        ("binary", "aG\n k=", "hi"),
        ("binary", "/w==", "\ufffd"),
        ("python/object/apply:os.system", "true", "true"),
    ],
)
def test_a_tag_decides(tag: str, text: str, value: Scalar) -> None:
    resolved = resolve_tagged(f"tag:yaml.org,2002:{tag}", text)
    assert (type(resolved), resolved) == (type(value), value)


@pytest.mark.parametrize("tag", ["!", "!local", "tag:example.com,2000:x"])
def test_an_unknown_tag_keeps_the_text(tag: str) -> None:
    assert resolve_tagged(tag, "12") == "12"


@pytest.mark.parametrize(
    ("tag", "text", "message"),
    [
        ("int", "x", "'x' is tagged !!int, but it is a string"),
        ("int", "1.5", "'1.5' is tagged !!int, but it is a number"),
        ("bool", "1", "'1' is tagged !!bool, but it is an integer"),
        ("null", "0", "'0' is tagged !!null, but it is an integer"),
        ("float", "no", "'no' is tagged !!float, but it is a boolean"),
        ("int", "", "'' is tagged !!int, but it is null"),
        ("binary", "a", "'a' is tagged !!binary, but it is not base64"),
        ("binary", "\u0661", "'\u0661' is tagged !!binary, but it is not base64"),
    ],
)
def test_a_tag_that_does_not_fit_is_an_error(tag: str, text: str, message: str) -> None:
    with pytest.raises(ScalarError) as caught:
        resolve_tagged(f"tag:yaml.org,2002:{tag}", text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-(2**63), "-9223372036854775808"),
        (2**64 - 1, "18446744073709551615"),
        (2**64, "1.8446744e+19"),
        (-(2**63) - 1, "-9.223372e+18"),
        (1.5, "1.5"),
        (1.0, "1"),
        (-0.0, "-0"),
        (0.1, "0.1"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (99999.0, "99999"),
        (100000.0, "100000"),
        (999999.0, "999999"),
        (1000000.0, "1e+06"),
        (100000000.0, "1e+08"),
        (123456789.0, "1.2345679e+08"),
        (16777217.0, "1.6777216e+07"),
        (1e-45, "1e-45"),
        (1e39, "+Inf"),
        (-1e39, "-Inf"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_a_scalar_becomes_the_text_that_go_makes_of_it(
    value: Scalar, text: str
) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("NaN", "NaN"),
        (7, "7"),
        (1.50, "1.5"),
        (True, "true"),
        (math.inf, ".inf"),
        (-math.inf, "-.inf"),
        (math.nan, ".nan"),
    ],
)
def test_a_scalar_becomes_a_key(value: Scalar, key: str) -> None:
    assert key_of(value) == key


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_the_text_of_a_32_bit_number_is_that_number(value: float) -> None:
    assert math.isclose(float(text_of(value)), value, rel_tol=1e-7, abs_tol=1e-45)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1, "an integer"),
        (1.0, "a number"),
        ("", "a string"),
        ([], "a list"),
        ({}, "a mapping"),
    ],
)
def test_values_are_described_in_words(value: object, words: str) -> None:
    assert describe(value) == words
