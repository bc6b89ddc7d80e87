"""The complete way from a YAML text to its value."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi import composing
from nri_cdi.cdi.composing import compose, compose_all
from nri_cdi.cdi.events import MalformedError
from nri_cdi.errors import Problem

BILLION_LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: b", {"a": "b"}),
        ("a: &x b\nc: *x", {"a": "b", "c": "b"}),
        ("a: &x [b, c]\nd: [*x, *x]", {"a": ["b", "c"], "d": [["b", "c"]] * 2}),
        ("a: &x 1\nb: &x 2\nc: *x", {"a": 1, "b": 2, "c": 2}),
        ("&x a: *x", {"a": "a"}),
        ("&x a: b\nc:\n  *x : d", {"a": "b", "c": {"a": "d"}}),
        ("a: !!str 12\nb: !y [c]", {"a": "12", "b": ["c"]}),
        (
            "1: a\n1.5: b\nyes: c\n.inf: d",
            {"1": "a", "1.5": "b", "true": "c", ".inf": "d"},
        ),
        ("a: &x {b: 1}\nc:\n  <<: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("<<: {a: 1, b: 1}\na: 2", {"a": 2, "b": 1}),
        ("a: 2\n<<: {a: 1, b: 1}", {"a": 2, "b": 1}),
        ("<<: [{a: 1}, {a: 2, b: 2}]", {"a": 1, "b": 2}),
        ("<<: {a: 1}\n<<: {a: 2, b: 2}", {"a": 1, "b": 2}),
        ("<<: []", {}),
        ("'<<': {a: 1}", {"<<": {"a": 1}}),
        ("!!merge <<: {a: 1}", {"a": 1}),
        ("!!str <<: {a: 1}", {"<<": {"a": 1}}),
        ("a: <<", {"a": "<<"}),
    ],
)
def test_anchors_tags_and_merges_are_worked_out(text: str, value: object) -> None:
    composed = compose(text)
    assert composed.flaws == ()
    assert composed.value == value


@pytest.mark.parametrize(
    ("text", "rule", "message", "pointer", "line", "column"),
    [
        (
            "a: 1\nb: 2\na: 3",
            "duplicate-key",
            "the key 'a' is already on line 1",
            "a",
            3,
            1,
        ),
        (
            "- 1: x\n  0x1: y",
            "duplicate-key",
            "the key '1' is already on line 1",
            "[0]['1']",
            2,
            3,
        ),
        (
            "a: [b, *x]",
            "unknown-anchor",
            "no anchor 'x' stands before this alias",
            "a[1]",
            1,
            8,
        ),
        (
            "a: &x [*x]",
            "unknown-anchor",
            "the value of anchor 'x' contains itself",
            "a[0]",
            1,
            8,
        ),
        (
            "a: !!int b",
            "tag-mismatch",
            "'b' is tagged !!int, but it is a string",
            "a",
            1,
            4,
        ),
        (
            "? [a]\n: b",
            "unusable-key",
            "the key of a mapping must be a string, not a list",
            "",
            1,
            3,
        ),
        (
            "? {a: b}\n: c",
            "unusable-key",
            "the key of a mapping must be a string, not a mapping",
            "",
            1,
            3,
        ),
        (
            "~: b",
            "unusable-key",
            "the key of a mapping must be a string, not null",
            "",
            1,
            1,
        ),
        (
            "<<: 1",
            "unusable-merge",
            "the value of '<<' must be a mapping or a list of mappings",
            "['<<']",
            1,
            1,
        ),
        (
            "<<: [{}, 1]",
            "unusable-merge",
            "the value of '<<' must be a mapping or a list of mappings",
            "['<<']",
            1,
            1,
        ),
    ],
)
def test_what_the_reference_refuses_is_a_flaw(
    text: str, rule: str, message: str, pointer: str, line: int, column: int
) -> None:
    assert compose(text).flaws == (
        Problem(rule=rule, message=message, pointer=pointer, line=line, column=column),
    )


def test_all_flaws_are_found() -> None:
    composed = compose("a: 1\na: *x\nb: !!bool z\n")
    assert [(flaw.rule, flaw.line) for flaw in composed.flaws] == [
        ("unknown-anchor", 2),
        ("duplicate-key", 2),
        ("tag-mismatch", 3),
    ]


@pytest.mark.parametrize(
    ("text", "rule", "message"),
    [
        (
            "[" * 101,
            "nesting-too-deep",
            "lists and mappings are nested over 100 levels deep",
        ),
        (
            "{a: " * 101,
            "nesting-too-deep",
            "lists and mappings are nested over 100 levels deep",
        ),
        (
            "a: b: c",
            "syntax",
            "not YAML or JSON: no key can stand here: the indentation "
            "may be wrong, the line before may lack its ':', or a text with ': ' in "
            "it its quotes",
        ),
    ],
)
def test_what_can_not_be_composed_is_malformed(
    text: str, rule: str, message: str
) -> None:
    with pytest.raises(MalformedError) as caught:
        compose(text)
    assert (caught.value.problem.rule, caught.value.problem.message) == (rule, message)


def test_aliases_count_as_what_they_stand_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composing, "MAX_VALUES", 1000)
    with pytest.raises(MalformedError) as caught:
        compose(BILLION_LAUGHS)
    problem = caught.value.problem
    assert (problem.rule, problem.line) == ("too-many-values", 3)


def test_a_small_spec_with_many_aliases_is_read() -> None:
    text = "a: &a {b: [c, {d: e}]}\nf: [" + "*a, " * 100 + "]"
    composed = compose(text)
    assert composed.flaws == ()
    assert composed.value["f"] == [{"b": ["c", {"d": "e"}]}] * 100


@given(st.text(st.sampled_from("ab:-?&*!|>[]{}'\"#,~<% \n\t1\\")))
def test_a_text_has_a_value_or_is_malformed(text: str) -> None:
    try:
        composed = compose(text)
    except MalformedError as error:
        assert error.problem.message
    else:
        assert json.loads(json.dumps(composed.value)) == composed.value


def test_the_limit_is_for_all_documents_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(composing, "MAX_VALUES", 6)
    text = "[a, b]\n---\n[c, d]\n"
    assert [each.value for each in compose_all(text)] == [["a", "b"], ["c", "d"]]
    with pytest.raises(MalformedError) as caught:
        compose_all(f"{text}---\ne")
    assert caught.value.problem.rule == "too-many-values"


@given(st.lists(st.none() | st.integers() | st.lists(st.text("ab é")), max_size=4))
def test_documents_are_composed_as_each_is_alone(values: list[object]) -> None:
    texts = [json.dumps(value) for value in values]
    together = compose_all("".join(f"--- {text}\n" for text in texts))
    assert together == tuple(compose(text) for text in texts)
