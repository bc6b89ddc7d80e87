"""Comments and blank lines are found, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from nri_cdi.cdi.formatting.remarks import Remark, block_end, comments, remarks


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: b\n", []),
        ("a: b#c\n", []),
        ("a: '#b'\n", []),
        ('a: "\\" # b"\n', []),
        ('a: "b\n  # c"\n', []),
        ("a: b\n  c#d\n", []),
        ("a: |\n  # b\n  # c\n", []),
        ("a: |\n  b\n\n  # c\n # d\n", ["# d"]),
        ("a: | # b\n  # c\n", ["# b"]),
        ("a: |2- # b\n   # c\n", ["# b"]),
        ("a: > # b\n", ["# b"]),
        ("a: !!str | # b\n  # c\n", ["# b"]),
        ("# a", ["# a"]),
        ("#\n #a # b  \n", ["#", "#a # b"]),
        ("a: b # c", ["# c"]),
        ("a: b\t# c\td\t\n", ["# c\td"]),
        ("a: # b\n  c\n", ["# b"]),
        ("? a # b\n: # c\n  d # e\n", ["# b", "# c", "# e"]),
        ("[a, #b\n 'c'#d\n]\n", ["#b", "#d"]),
        ("# a\n%YAML 1.1 # b\n--- # c\nd: e\n... # f\n# g", list("abcfg")),
        ("# a\x85# b\u2028c: d # e\u2029# f\n", list("abef")),
    ],
)
def test_comments(text: str, found: list[str]) -> None:
    expected = [
        f"# {each}" if len(each) == 1 and each != "#" else each for each in found
    ]
    assert comments(text) == expected


def _remark(text: str, offset: int, line: int, column: int, *, beside: bool) -> Remark:
    return Remark(text=text, offset=offset, line=line, column=column, is_beside=beside)


def test_remarks_have_places() -> None:
    assert list(remarks("\n # a\nb: |\n  c\n\nd: e # f\n\n")) == [
        _remark("", 0, 0, 0, beside=False),
        _remark("# a", 2, 1, 1, beside=False),
        _remark("", 15, 4, 0, beside=False),
        _remark("# f", 21, 5, 0, beside=True),
        _remark("", 25, 6, 0, beside=False),
    ]


def test_remarks_behind_a_dash_say_where_it_ends() -> None:
    text = "- # a\n  # b\n\n  c: d # e\n- f # - g\n# h\n-\n"
    assert [(remark.text, remark.dash) for remark in remarks(text)] == [
        *(("# a", 1), ("# b", 1), ("", 1)),
        *(("# e", None), ("# - g", None), ("# h", None)),
    ]


def test_what_starts_the_document_is_a_blank_line() -> None:
    assert list(remarks("# a\n--- # b\nc: d\n")) == [
        _remark("# a", 0, 0, 0, beside=False),
        _remark("", 4, 1, 0, beside=False),
        _remark("# b", 8, 1, 0, beside=True),
    ]


def test_blank_lines_within_a_value_are_no_remarks() -> None:
    assert list(remarks("a: |\n  b\n\n  c\nd: 'e\n\n  f'\n")) == []


def test_a_block_scalar_ends_before_blank_lines() -> None:
    assert block_end("a: |\n  b\n\n\nc: d", 3, 10) == 8
