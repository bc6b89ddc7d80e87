"""Texts as plain values, be they YAML or JSON."""

from __future__ import annotations

import pytest

from nri_cdi.cdi import document
from nri_cdi.cdi.document import decode, load, load_all
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
    ("data", "byte", "offset", "place"),
    [
        (b"\xff\xfea\0", "ff", 0, (1, 1)),
        (b"a: b\nc: \xe9\n", "e9", 8, (2, 4)),
        (b"a: \xed\xa0\x80", "ed", 3, (1, 4)),
        (b"\n\n\xc3", "c3", 2, (3, 1)),
        (b"\xef\xbb\xbf\xc3\xa9: \xe9", "e9", 7, (1, 4)),
    ],
)
def test_another_encoding_is_malformed(
    data: bytes, byte: str, offset: int, place: tuple[int, int]
) -> None:
    with pytest.raises(MalformedError) as caught:
        decode(data)
    assert caught.value.problem == Problem(
        rule="not-utf-8",
        message=(
            f"the byte 0x{byte} at offset {offset} is not UTF-8; a spec must be UTF-8"
        ),
        line=place[0],
        column=place[1],
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
        ("a: b: c", "no key can stand here"),
        ('{"a": 1', "the mapping has no '}' at its end"),
        (
            '{"a": "\\ud800"}',
            "the escape stands for no character",
        ),
        ("a:\n\t- b", "a tab can't indent a line"),
    ],
)
def test_what_is_neither_is_malformed(text: str, message: str) -> None:
    with pytest.raises(MalformedError) as caught:
        load(text)
    assert message in caught.value.problem.message
    assert caught.value.problem.message.startswith("not YAML or JSON: ")
    assert caught.value.problem.line is not None


@pytest.mark.parametrize("text", ['{"a":' * 1000, "[" * 1000, "- " * 1000])
def test_endless_nesting_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        load(text)
    assert caught.value.problem.rule == "nesting-too-deep"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        ("# nothing", []),
        ("---", [None]),
        ("a: 1", [{"a": 1}]),
        ('{"a": "\\ud83d\\ude00"}', [{"a": "\U0001f600"}]),
        ("a: 1\n---\nb: 0o10\n...\n---\n- c\n", [{"a": 1}, {"b": 8}, ["c"]]),
        ('{"a": 1}\n---\n{"b": y}', [{"a": 1}, {"b": True}]),
        ("---\n---\nnull\n---\na", [None, None, "a"]),
        ("a: &x 1\n---\nb: &x 2\nc: *x", [{"a": 1}, {"b": 2, "c": 2}]),
    ],
)
def test_all_documents_of_a_text_can_be_read(text: str, values: list[object]) -> None:
    documents = load_all(text)
    assert [(each.value, each.flaws) for each in documents] == [
        (value, ()) for value in values
    ]


def test_each_document_has_flaws_of_its_own() -> None:
    first, second, third = load_all("a: &x 1\n---\nb: *x\n---\nc: 1\nc: 2")
    assert first.flaws == ()
    assert second.flaws == (
        Problem(
            rule="unknown-anchor",
            message="no anchor 'x' stands before this alias",
            pointer="b",
            line=3,
            column=4,
        ),
    )
    assert third.flaws == (
        Problem(
            rule="duplicate-key",
            message="the key 'c' is already on line 5",
            pointer="c",
            line=6,
            column=1,
        ),
    )


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("a: 1\n---\nb: c: d", "syntax", 3),
        ('{"a": 1}\n{"b": 1}', "syntax", 2),
        ("a: 1\n---\n" + "[" * 1000, "nesting-too-deep", 3),
    ],
)
def test_what_is_malformed_in_any_document_is_malformed(
    text: str, rule: str, line: int
) -> None:
    with pytest.raises(MalformedError) as caught:
        load_all(text)
    assert (caught.value.problem.rule, caught.value.problem.line) == (rule, line)


def test_a_large_json_text_is_read_as_yaml_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_QUICK_JSON", 5)
    assert [each.value for each in load_all('{"a": 1}')] == [{"a": 1}]
    assert load('{"a": 1}').value == {"a": 1}
