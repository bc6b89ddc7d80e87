"""The entries of a text, where they are, and what has no place in them."""

from __future__ import annotations

import pytest

from nri_cdi.cdi.formatting.entries import plain_of
from nri_cdi.cdi.formatting.outline import outline

TEXT = """\
a: 0x10
b:
- c: |
    d

  e: [f,
    {g: 2.50}]
-
  - yes
h:
"i": {}
"""


def test_entries_have_keys_and_values() -> None:
    assert plain_of(outline(TEXT).root) == {
        "a": 16,
        "b": [{"c": "d\n", "e": ["f", {"g": 2.5}]}, [True]],
        "h": None,
        "i": {},
    }


def test_boundaries_are_where_entries_start_and_end() -> None:
    bounds = outline(TEXT).boundaries
    assert [
        (bound.line, bound.offset, bound.entry.key, bound.is_start) for bound in bounds
    ] == [
        (0, 0, "a", True),
        (0, 7, "a", False),
        (1, 8, "b", True),
        (2, 13, None, True),
        (2, 13, "c", True),
        (3, 23, "c", False),
        (5, 27, "e", True),
        (5, 31, None, True),
        (5, 32, None, False),
        (6, 38, None, True),
        (6, 39, "g", True),
        (6, 46, "g", False),
        (6, 47, None, False),
        (6, 48, "e", False),
        (8, 53, None, True),
        (8, 55, None, True),
        (8, 58, None, False),
        (9, 59, "h", True),
        (9, 61, "h", False),
        (10, 62, "i", True),
        (10, 69, "i", False),
    ]


def test_blocks_have_the_column_of_what_is_in_them() -> None:
    root = outline(TEXT).root
    _, b, h, i = root.children
    assert root.column == 0
    assert b.column == 0
    assert [item.column for item in b.children] == [2, 2]
    assert b.children[0].children[1].column is None  # within brackets
    assert h.column == 1  # where a block could be
    assert i.column is None


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a: b\n", []),
        ("a: !!str 1\n", []),
        ("a: b\n...\n# c\n", []),
        (
            "a: &b c\n",
            [
                "1:4: the anchor 'b' can't be kept; write its value out where it is "
                "used, and take the anchor away"
            ],
        ),
        (
            "a: &b [c]\nd: *b\n*b : e\n",
            [
                "1:4: the anchor 'b' can't be kept; write its value out where it is "
                "used, and take the anchor away",
                "2:4: the alias 'b' can't be kept; write out what it stands for",
                "3:1: the alias 'b' can't be kept; write out what it stands for",
            ],
        ),
        (
            "<<: {a: b}\n!!merge '<<': {c: d}\n",
            [
                "1:1: a merge can't be kept; write out what '<<' brings",
                "2:1: a merge can't be kept; write out what '<<' brings",
            ],
        ),
        (
            "a: !b c\n!d e: !f {}\n",
            [
                "1:4: the tag '!b' can't be kept, and has no effect; take it away",
                "2:1: the tag '!d' can't be kept, and has no effect; take it away",
                "2:7: the tag '!f' can't be kept, and has no effect; take it away",
            ],
        ),
        (
            "a: b\n---\nc: [\n",
            [
                "2:1: no reader of specs looks at the document that starts here; "
                "move it to a file of its own"
            ],
        ),
        (
            "{a: b} c\n",
            [
                "1:8: no reader of specs looks at the text from here on; take it "
                "away, or make it a comment"
            ],
        ),
    ],
)
def test_what_can_not_be_kept(text: str, problems: list[str]) -> None:
    found = outline(text).problems
    assert [f"{each.line}:{each.column}: {each}" for each in found] == problems
    assert {each.rule for each in found} <= {"lossy-rewrite"}
