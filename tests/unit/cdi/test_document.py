"""Texts as plain values, be they YAML or JSON."""

from __future__ import annotations

import pytest

from nri_cdi.cdi.document import decode, load
from nri_cdi.cdi.events import MalformedError
from nri_cdi.errors import Problem


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"kind: \xc3\xa9", "kind: \u00e9"),
        (b"\xef\xbb\xbfkind: a", "kind: a"),
    ],
)
def test_a_file_is_utf_8_with_or_without_a_mark(data: bytes, text: str) -> None:
    assert decode(data) == text


@pytest.mark.parametrize(
    ("data", "byte", "offset", "line"),
    [
        (b"\xff\xfea\0", "ff", 0, 1),
        (b"a: b\nc: \xe9\n", "e9", 8, 2),
        (b"a: \xed\xa0\x80", "ed", 3, 1),
        (b"\n\n\xc3", "c3", 2, 3),
    ],
)
def test_another_encoding_is_malformed(
    data: bytes, byte: str, offset: int, line: int
) -> None:
    with pytest.raises(MalformedError) as caught:
        decode(data)
    assert caught.value.problem == Problem(
        rule="not-utf-8",
        message=(
            f"the byte 0x{byte} at offset {offset} is not UTF-8; a spec must be UTF-8"
        ),
        line=line,
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: 1", {"a": 1}),
        ("a: &x 1\nb: *x", {"a": 1, "b": 1}),
        ('{"a": 1}', {"a": 1}),
        (' \r\n\t{"a": 1}', {"a": 1}),
        ('{"a": 1,} # comment\ntext after it', {"a": 1}),
        ('{"a":\t[1,\n\t2]}', {"a": [1, 2]}),
        ("{a: 0o10}", {"a": 8}),
        ('{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        ('["a"]', ["a"]),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
    ],
)
def test_the_content_decides_what_it_is(text: str, value: object) -> None:
    document = load(text)
    assert (document.value, document.flaws) == (value, ())


def test_json_with_a_key_given_twice_has_a_flaw_with_its_place() -> None:
    assert load('{"a": 1,\n "a": 2}').flaws == (
        Problem(
            rule="duplicate-key",
            message="the key 'a' is already on line 1",
            pointer="a",
            line=2,
            column=2,
        ),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c", "mapping values are not allowed in this context"),
        ('{"a": 1', "while parsing a flow mapping, did not find expected ',' or '}'"),
        (
            '{"a": "\\ud800"}',
            "while parsing a quoted scalar, "
            "found invalid Unicode character escape code",
        ),
        ("a:\n\t- b", "found character that cannot start any token"),
    ],
)
def test_what_is_neither_is_malformed(text: str, message: str) -> None:
    with pytest.raises(MalformedError) as caught:
        load(text)
    assert caught.value.problem.message.startswith("not YAML or JSON: ")
    assert caught.value.problem.message.endswith(message)
    assert caught.value.problem.line is not None


@pytest.mark.parametrize("text", ['{"a":' * 1000, "[" * 1000, "- " * 1000])
def test_endless_nesting_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        load(text)
    assert caught.value.problem.rule == "nesting-too-deep"
