"""What a text says otherwise than it is read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nri_cdi.cdi import events
from nri_cdi.cdi.lint.texts import NO_TEXT_FIELDS, lint_text
from nri_cdi.cdi.model import Spec
from nri_cdi.cdi.plain import to_plain
from nri_cdi.cdi.reading import parse_spec
from nri_cdi.cdi.yamltext import to_yaml
from tests.unit.cdi import strategies
from tests.unit.cdi.lint.said import said

HEAD = "cdiVersion: 0.6.0\nkind: v.com/c\n"


def _device(text: str) -> str:
    return f"{HEAD}devices:\n- {text}\n"


def test_the_fields_that_are_no_text() -> None:
    assert {
        *("major", "minor", "filemode", "uid", "gid", "timeout", "additionalgids"),
        *("enablemonitoring", "enablecmt", "enablembm"),
    } == NO_TEXT_FIELDS


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("010", "8"),
        ("0x1F", "31"),
        ("1_000", "1000"),
        ("1.0", "1"),
        ("1e3", "1000"),
        ("yes", "true"),
        ("Off", "false"),
        ("True", "true"),
        (".inf", "+Inf"),
    ],
)
def test_text_that_yaml_changes(written: str, read: str) -> None:
    text = _device(
        f"{{name: a, containerEdits: {{hooks: [{{args: [x, {written}]}}]}}}}"
    )
    assert said(lint_text(text, "s.yaml")) == [
        (
            "changed-text",
            "devices[0].containerEdits.hooks[0].args[1]",
            f"{written} is read as {read!r}; put it in quotes",
        )
    ]


@pytest.mark.parametrize(
    "device",
    [
        "name: '010'",
        'name: "yes"',
        "name: 10",
        "name: true",
        "name: ~",
        "name: 2001-01-01",
        "name: !!str 010",
        "name: |\n    010",
        "containerEdits: {deviceNodes: [{fileMode: 0666, major: 0x10, UID: 010}]}",
        "containerEdits: {additionalGids: [010, 1e3], hooks: [{timeout: 1e1}]}",
        "containerEdits: {intelRdt: {enableMonitoring: yes, enableCMT: On}}",
    ],
)
def test_text_that_is_read_as_it_stands(device: str) -> None:
    assert lint_text(_device(device), "s.yaml") == []


def test_keys_are_text_too() -> None:
    text = _device("annotations: {yes: a, 010: b, *k : c, &k d: e}")
    found = lint_text(text.replace("*k : c, &k d: e", "&k d: e, *k : c"), "s.yaml")
    assert [(each.pointer, each.message) for each in found] == [
        ("devices[0].annotations.true", "yes is read as 'true'; put it in quotes"),
        ("devices[0].annotations['8']", "010 is read as '8'; put it in quotes"),
    ]


def test_what_an_alias_stands_for_is_told_once() -> None:
    text = _device("&d {name: 010}") + "- *d\n"
    assert [each.pointer for each in lint_text(text, "")] == ["devices[0].name"]


def test_long_numbers_are_clipped() -> None:
    text = _device(f"name: 1.{'0' * 90}")
    [found] = lint_text(text, "s.yaml")
    assert found.message == f"1.{'0' * 18}... is read as '1'; put it in quotes"


@pytest.mark.parametrize(
    ("rest", "place"),
    [
        ("---\nkind: a\n", (7, 1)),
        ("---\n---\n[a]\n", (8, 1)),
        ("---\n  text\n", (7, 3)),
        ("...\n%bad\n", (7, 5)),
        ("---\nkey: [\n", (7, 1)),
    ],
)
def test_what_stands_behind_the_document_is_told(
    rest: str, place: tuple[int, int]
) -> None:
    text = _device("name: a\n  containerEdits: {env: [A=b]}") + rest
    parse_spec(text.encode(), "s.yaml")
    [found] = lint_text(text, "s.yaml")
    assert (found.rule, found.pointer, found.message) == (
        "ignored-document",
        "",
        "what follows is never read: a file has one spec; move the other one to a "
        "file of its own",
    )
    assert (found.line, found.column) == place


def test_very_many_empty_documents_are_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "MAX_VALUES", 60)
    [found] = lint_text(_device("name: a") + "---\n" * 60, "s.yaml")
    assert found.rule == "ignored-document"


@pytest.mark.parametrize("rest", ["", "---\n", "...\n", "...\n---\n# end\n", "# end\n"])
def test_nothing_behind_the_document_is_nothing_to_tell(rest: str) -> None:
    assert lint_text(_device("name: a") + rest, "s.yaml") == []


def test_a_file_that_is_called_json() -> None:
    message = "this is YAML, or JSON with extras; other tools take it for JSON"
    expected = [("not-json", "", message)]
    assert said(lint_text(_device("name: a"), "s.json")) == expected
    assert said(lint_text('{"a": "b", }', "s.json")) == expected
    assert lint_text('{"a": "b"}', "s.json") == []
    assert lint_text(_device("name: a"), "s.yaml") == []


@pytest.mark.parametrize(
    ("number", "read"),
    [("1.0", "1"), ("1.50", "1.5"), ("1e3", "1000"), ("9" * 20, "1e+20")],
)
def test_numbers_in_json(number: str, read: str) -> None:
    text = (
        f'{{"x": "\\ud83d\\ude00 \\/", "uid": {number}, "a": [{{"b": [1, {number}]}}]}}'
    )
    assert said(lint_text(text, "s.json")) == [
        ("changed-text", "a[0].b[1]", f"{number} is read as {read!r}; put it in quotes")
    ]


def test_what_stands_before_an_error_is_told() -> None:
    found = lint_text("a: [010, ]]", "s.yaml")
    assert [each.pointer for each in found] == ["a[0]"]


@settings(max_examples=30)
@given(strategies.specs)
def test_what_a_generator_writes_is_fine(spec: Spec) -> None:
    plain = to_plain(spec)
    assert lint_text(to_yaml(plain), "s.yaml") == []
    assert lint_text(json.dumps(plain), "s.json") == []


@given(st.text(st.sampled_from("0123456789.-_exyno'\"")))
def test_plain_scalars_are_read_as_told(scalar: str) -> None:
    """A name has a finding, or is what stands in the text."""
    text = _device(f"name: {scalar}\n  containerEdits: {{env: [A=b]}}")
    try:
        [device] = parse_spec(text.encode(), "s.yaml").spec.devices
    except Exception:  # noqa: BLE001
        return
    if not lint_text(text, "s.yaml") and scalar[:1] not in "'\"":
        assert device.name == scalar
