"""Of YAML a configuration takes what everybody reads the same way."""

from __future__ import annotations

import pytest

from nri_cdi.cdi.events import MalformedError
from nri_cdi.cdi.problems import ProblemLog
from nri_cdi.config.nodes import Entries, Items, Node, Text, compose


def _composed(text: str) -> tuple[Node | None, list[str]]:
    problems = ProblemLog()
    node = compose(text, problems)
    return node, [f"{each.line}:{each.column}: {each}" for each in problems]


def test_a_node_has_its_place() -> None:
    assert _composed("a:\n  - 'b'") == (
        Entries(
            line=1,
            column=1,
            entries=(
                (
                    Text(line=1, column=1, text="a", is_plain=True),
                    Items(
                        line=2,
                        column=3,
                        items=(Text(line=2, column=5, text="b", is_plain=False),),
                    ),
                ),
            ),
        ),
        [],
    )


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a: &x b", ["1:4: anchors are not supported: write it out"]),
        ("a: *x", ["1:4: aliases are not supported: write it out"]),
        (
            "a: &x {b: c}\nd: *x",
            [
                "1:4: anchors are not supported: write it out",
                "2:4: aliases are not supported: write it out",
            ],
        ),
        ("a: !!str 5", ["1:4: tags are not supported: leave it out"]),
        ("!mine {a: b}", ["1:1: tags are not supported: leave it out"]),
        (
            "a: b\n---\nc: d",
            ["2:1: there is a second document; a configuration is one"],
        ),
    ],
)
def test_what_stands_for_something_else_is_refused(
    text: str, problems: list[str]
) -> None:
    assert _composed(text)[1] == problems


@pytest.mark.parametrize("text", ["", "# a", "---\n", "---\n# a\n...\n"])
def test_nothing_but_comments_is_nothing(text: str) -> None:
    assert _composed(text) == (None, [])


@pytest.mark.parametrize(
    ("text", "is_null"),
    [("~", True), ("null", True), ("'null'", False), ("nul", False), ("''", False)],
)
def test_null_is_told_from_a_text(text: str, is_null: bool) -> None:
    node, _ = _composed(text)
    assert isinstance(node, Text)
    assert node.is_null is is_null


@pytest.mark.parametrize("text", ["[" * 500, "- " * 500, "{a: " * 500])
def test_nesting_has_an_end(text: str) -> None:
    with pytest.raises(MalformedError, match="nested over 100 levels deep"):
        _composed(text)


def test_a_bomb_is_not_lit() -> None:
    """Each line would stand for ten of the line before."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    _, problems = _composed("\n".join(lines))
    assert len(problems) == 20 + 19 * 10
