"""OCI specs as texts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.errors import OciSpecError
from nri_cdi.oci import format_oci_spec, parse_oci_spec
from nri_cdi.oci.document import MAX_DEPTH, MAX_INDENTED, MAX_SPEC_SIZE

TOO_DEEP = "c: over 20 objects and arrays are nested in each other"


def _nested(depth: int) -> bytes:
    """An object with arrays in it, ``depth`` of them altogether."""
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "c:1:1: not JSON: expecting value"),
        (b" \n ", "c:2:2: not JSON: expecting value"),
        (b'{\n  "a": 1\n  "b": 2}', "c:3:3: not JSON: expecting ',' delimiter"),
        (
            b'{"a": 1,}',
            "c:1:9: not JSON: expecting property name enclosed in double quotes",
        ),
        (b'{"a": 1} x', "c:1:10: not JSON: extra data"),
        (b'{"a": "\t"}', "c:1:8: not JSON: invalid control character at"),
        (b"ociVersion: 1.2.0", "c:1:1: not JSON: expecting value"),
        (b"[]", "c: expected an object, got an array"),
        (b"null", "c: expected an object, got null"),
        (b'"x"', "c: expected an object, got a string"),
        (b'{\n"a": "\xff"}', "c:2: the byte 0xff is not UTF-8"),
        (b'\xef\xbb\xbf{\n\n"a": "\xe4"}', "c:3: the byte 0xe4 is not UTF-8"),
        (b'{"a": NaN}', "c: not JSON: NaN is no number there"),
        (b'{"a": [-Infinity]}', "c: not JSON: -Infinity is no number there"),
        (b'{"a": 1e400}', "c: the number '1e400' is beyond a 64-bit float"),
        (
            b'{"a": -1e' + b"9" * 100 + b"}",
            f"c: the number '-1e{'9' * 61}'... (103 characters) is beyond a 64-bit "
            "float",
        ),
        (b'{"a": ' + b"1" * 10_000 + b"}", "c: an integer has too many digits"),
        (b'{"a": 1, "b": 2, "a": 1}', "c: the key 'a' is given twice in one object"),
        (
            b'{"a": [{"e\\n": 1, "\\u0065\\n": 2}]}',
            "c: the key 'e\\n' is given twice in one object",
        ),
        (_nested(MAX_DEPTH + 1), TOO_DEEP),
        (b'{"a":' * 21 + b"1" + b"}" * 21, TOO_DEEP),
        (b'{"a":' * 100_000, TOO_DEEP),
        (b"[" * 1_000_000, TOO_DEEP),
        (b" " * (MAX_SPEC_SIZE + 1), "c: there are over 16777216 bytes"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_json_object_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(OciSpecError) as caught:
        parse_oci_spec(data, "c")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"{}", {}),
        (b'\xef\xbb\xbf{"a": null}', {"a": None}),
        (b'{"a": 1, "A": 2}\r\n', {"a": 1, "A": 2}),
        (b'{"a": {"x": 1}, "b": {"x": 1}}', {"a": {"x": 1}, "b": {"x": 1}}),
        (b'{"a": 1e3, "b": -0.0}', {"a": 1000.0, "b": -0.0}),
        (b" " * (MAX_SPEC_SIZE - 2) + b"{}", {}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_json_object_is_read(data: bytes, value: dict[str, Any]) -> None:
    assert parse_oci_spec(data, "c") == value


def test_as_deep_as_may_be_is_read_and_written() -> None:
    spec = parse_oci_spec(_nested(MAX_DEPTH), "c")
    assert parse_oci_spec(format_oci_spec(spec), "c") == spec


@pytest.mark.parametrize(
    "number", ["18446744073709551616", "-9223372036854775809", "1" * 4000]
)
def test_integers_of_any_size_keep_their_value(number: str) -> None:
    data = f'{{"a": {number}}}'.encode()
    assert format_oci_spec(parse_oci_spec(data, "c")) == (
        f'{{\n  "a": {number}\n}}\n'.encode()
    )


@pytest.mark.parametrize(
    ("read", "written"),
    [
        # No integer turns up that was none: Go refuses all of these as an integer.
        ("1e3", "1000.0"),
        ("1000.0", "1000.0"),
        ("1E22", "1e+22"),
        ("-0.0", "-0.0"),
        ("0.1000000000000000055511151231257827", "0.1"),
        ("1e-400", "0.0"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
    ],
)
def test_a_fraction_comes_back_as_the_same_float(read: str, written: str) -> None:
    spec = parse_oci_spec(f'{{"a": {read}}}'.encode(), "c")
    assert format_oci_spec(spec) == f'{{\n  "a": {written}\n}}\n'.encode()
    assert float(written) == float(read)


def test_long_numbers_take_no_time() -> None:
    digits = "1" * 1_000_000
    with pytest.raises(OciSpecError, match="an integer has too many digits"):
        parse_oci_spec(f'{{"a": {digits}}}'.encode(), "c")
    assert parse_oci_spec(f'{{"a": 0.{digits}}}'.encode(), "c") == {"a": 1 / 9}


def test_text_is_written_as_it_is_if_it_can_be() -> None:
    assert format_oci_spec({"a": ["ü\u2028", "\x00"]}) == (
        '{\n  "a": [\n    "ü\u2028",\n    "\\u0000"\n  ]\n}\n'.encode()
    )
    assert format_oci_spec({"ü": "\ud800"}) == b'{\n  "\\u00fc": "\\ud800"\n}\n'


def _numbers(size: int) -> bytes:
    """An object as deep as may be, with short numbers; ``size`` bytes altogether."""
    around = MAX_DEPTH - 1
    text = b'{"a":' + b"[" * around + b"1" + b"]" * around + b"}"
    missing = size - len(text)
    return text.replace(b"1", b"1," * (missing // 2) + b"1" + b"0" * (missing % 2))


@pytest.mark.parametrize(("size", "most"), [(MAX_INDENTED, 45), (MAX_INDENTED + 1, 1)])
def test_the_text_grows_only_where_people_read_it(size: int, most: int) -> None:
    data = _numbers(size - len("\n"))
    text = format_oci_spec(parse_oci_spec(data, "c"))
    assert (text == data + b"\n") is (most == 1)
    assert size <= len(text) <= size * most


def test_what_is_written_can_be_read_again_or_is_refused() -> None:
    spec = {"a": "x" * (MAX_SPEC_SIZE - len('{"a":""}\n'))}
    assert parse_oci_spec(format_oci_spec(spec, "c"), "c") == spec
    with pytest.raises(OciSpecError) as caught:
        format_oci_spec({**spec, "x": 1}, "c")
    assert str(caught.value) == "c: with the edits there would be over 16777216 bytes"


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(), max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), _values, max_size=4))
def test_what_is_written_is_read_as_the_same(spec: dict[str, Any]) -> None:
    again = parse_oci_spec(format_oci_spec(spec), "c")
    # Other than values are: 1 and 1.0, the order of keys, the sign of zero.
    assert repr(again) == repr(spec)
    assert list(again) == list(spec)


@given(
    st.binary(max_size=20) | st.text('{}[]":,01.eE-a \n', max_size=20).map(str.encode)
)
def test_any_text_is_read_or_refused(data: bytes) -> None:
    try:
        spec = parse_oci_spec(data, "c")
    except OciSpecError as error:
        assert len(error.problems) == 1
    else:
        assert isinstance(spec, dict)
        assert spec == json.loads(data)
