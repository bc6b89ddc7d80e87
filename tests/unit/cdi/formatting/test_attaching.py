"""Comments, and which entry each is about: seen from where they are afterwards."""

from __future__ import annotations

import pytest

from nri_cdi.cdi.formatting.attaching import attach
from nri_cdi.cdi.formatting.entries import Entry
from nri_cdi.cdi.formatting.outline import outline
from nri_cdi.cdi.formatting.remarks import remarks


def _attached(text: str) -> dict[str, list[str]]:
    """What is above (^), beside (=) and below (_) each entry of a text."""
    whole = outline(text)
    attach(whole, remarks(text))
    found: dict[str, list[str]] = {}
    _collect(whole.root, "", found)
    return found


def _collect(entry: Entry, name: str, found: dict[str, list[str]]) -> None:
    for sign, lines in (("^", entry.above), ("=", entry.beside), ("_", entry.below)):
        if lines:
            found[f"{name}{sign}"] = lines
    for index, child in enumerate(entry.children):
        _collect(child, f"{name}/{index if child.key is None else child.key}", found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # Behind something.
        ("a: b # 1\n", {"/a=": ["# 1"]}),
        ("a: # 1\n  b # 2\n", {"/a=": ["# 1", "# 2"]}),
        ("a: # 1\n  b: c\n", {"/a=": ["# 1"]}),
        ("a: 'b\n  c' # 1\n", {"/a=": ["# 1"]}),
        ("a: | # 1\n  b\n", {"/a=": ["# 1"]}),
        ("a:\n- b # 1\n- c # 2\n", {"/a/0=": ["# 1"], "/a/1=": ["# 2"]}),
        ("a:\n- b: c # 1\n", {"/a/0/b=": ["# 1"]}),
        ("a:\n- # 1\n  b: c\n", {"/a/0^": ["# 1"]}),
        ("a:\n- x\n- # 1\n  b: c\n", {"/a/1^": ["# 1"]}),
        ("a: [b, c] # 1\n", {"/a=": ["# 1"]}),
        ("a: [ # 1\n b, # 2\n c # 3\n ] # 4\n", {
            "/a=": ["# 1"], "/a/0=": ["# 2"], "/a/1=": ["# 3"], "/a_": ["# 4"],
        }),
        ("a: [b\n , # 1\n c]\n", {"/a/1^": ["# 1"]}),
        ("? a # 1\n: b # 2\n", {"/a=": ["# 1", "# 2"]}),
        ("{ # 1\n a: b } # 2\n# 3\n", {"/a^": ["# 1"], "_": ["# 2", "# 3"]}),
        # Before something.
        ("# 1\na: b\n# 2\nc: d\n", {"/a^": ["# 1"], "/c^": ["# 2"]}),
        ("a:\n # 1\n b: c\n", {"/a/b^": ["# 1"]}),
        ("a:\n # 1\n b\n", {"/a^": ["# 1"]}),
        ("a:\n# 1\n- b\n   # 2\n- c\n", {"/a/0^": ["# 1"], "/a/1^": ["# 2"]}),
        ("a: [\n # 1\n b,\n # 2\n c]\n", {"/a/0^": ["# 1"], "/a/1^": ["# 2"]}),
        ("a: b\n\nc: d\n\n\n# 1\n\ne: f\n", {
            "/c^": [""], "/e^": ["", "# 1", ""],
        }),
        # At the top.
        ("# 1\n\n# 2\n\n# 3\na: b\n", {"^": ["# 1", "", "# 2"], "/a^": ["# 3"]}),
        ("# 1\n\na: b\n", {"^": ["# 1"]}),
        ("\n# 1\na: b\n", {"/a^": ["# 1"]}),
        ("# 1\n--- # 2\na: b\n", {"^": ["# 1"], "/a^": ["# 2"]}),
        # At the end of something.
        ("a: b\n# 1\n\n# 2\n\n", {"_": ["# 1", "", "# 2"]}),
        ("a: b\n...\n# 1\n", {"_": ["# 1"]}),
        ("  a: b\n# 1\n", {"_": ["# 1"]}),
        ("a:\n  b: c\n  # 1\n# 2\nd: e\n", {"/a_": ["# 1"], "/d^": ["# 2"]}),
        ("a:\n  b: c\n # 1\nd: e\n", {"/d^": ["# 1"]}),
        ("a:\n  b: c\n\n  # 1\n\nd: e\n", {"/a_": ["", "# 1"], "/d^": [""]}),
        ("a:\n  b: c\n# 1\n  # 2\nd: e\n", {"/d^": ["# 1", "# 2"]}),
        ("a:\n  - b\n  # 1\nd: e\n", {"/a_": ["# 1"]}),
        ("a:\n- b\n# 1\nd: e\n", {"/d^": ["# 1"]}),
        ("a:\n- b:\n  - c\n  # 1\n- d\n", {"/a/0_": ["# 1"]}),
        ("a:\n- b:\n    - c\n    # 1\n  # 2\n  # 3\n- d\n", {
            "/a/0/b_": ["# 1"], "/a/0_": ["# 2", "# 3"],
        }),
        ("a:\n- b:\n    c: d\n      # 1\n   # 2\n # 3\n", {
            "/a/0/b_": ["# 1"], "/a/0_": ["# 2"], "_": ["# 3"],
        }),
        ("a: [b,\n # 1\n\n]\n", {"/a_": ["# 1"]}),
        ("a: [{b: c}\n # 1\n , d]\n", {"/a/1^": ["# 1"]}),
        # Items that somebody has commented out.
        ("a:\n- b\n# - 1\nd: e\n", {"/a_": ["# - 1"]}),
        ("a:\n- b\n#- 1\nd: e\n", {"/a_": ["#- 1"]}),
        ("a:\n- b\n# -\nd: e\n", {"/a_": ["# -"]}),
        ("a:\n- b\n\n# - 1\n\nd: e\n", {"/a_": ["", "# - 1"], "/d^": [""]}),
        ("a:\n- b\n# - 1\n#   2\n# - 3\n# 4\n# - 5\nd: e\n", {
            "/a_": ["# - 1", "#   2", "# - 3"], "/d^": ["# 4", "# - 5"],
        }),
        ("a:\n- b\n# - 1\n\n#   2\nd: e\n", {
            "/a_": ["# - 1"], "/d^": ["", "#   2"],
        }),
        ("a:\n- b\n# - 1\n\n# - 2\n# 3\nd: e\n", {
            "/a_": ["# - 1", "", "# - 2"], "/d^": ["# 3"],
        }),
        ("a:\n- b\n# - 1\n#\n#   2\nd: e\n", {
            "/a_": ["# - 1"], "/d^": ["#", "#   2"],
        }),
        ("a:\n- b: c\n  # 1\n# - 2\nd: e\n", {"/a/0_": ["# 1"], "/a_": ["# - 2"]}),
        ("a:\n  b:\n  - c\n  # - 1\n  # 2\nd: e\n", {
            "/a/b_": ["# - 1"], "/a_": ["# 2"],
        }),
        ("a:\n- b:\n  - c\n  # - 1\n  d: e\n", {"/a/0/b_": ["# - 1"]}),
        ("a:\n- b\n# - 1\n#   - 2\n# 3\nd: e\n", {
            "/a_": ["# - 1", "#   - 2"], "/d^": ["# 3"],
        }),
        # What looks like one, but has something else above it, or no list.
        ("a:\n- b\n# d:\n# - 1\ne: f\n", {"/e^": ["# d:", "# - 1"]}),
        ("a:\n- b\n# --- 1\nd: e\n", {"/d^": ["# --- 1"]}),
        ("a:\n- b\n#   - 1\nd: e\n", {"/d^": ["#   - 1"]}),
        ("a: b\n# - 1\nd: e\n", {"/d^": ["# - 1"]}),
        ("a:\n- b\n# 1\n# - 2\n- c\n# - 3\nd: e\n", {
            "/a/1^": ["# 1", "# - 2"], "/a_": ["# - 3"],
        }),
        ("a: [\nb\n# - 1\n]\nd: e\n", {"/a_": ["# - 1"]}),
        ("a:\n- [b\n  ] # - 1\n# - 2\nd: e\n", {
            "/a/0_": ["# - 1"], "/a_": ["# - 2"],
        }),
        # Between a dash and what is in the item.
        ("a:\n-\n  # 1\n  b: c\n  d: e\n", {"/a/0/b^": ["# 1"]}),
        ("a:\n# 1\n- # 2\n\n  # 3\n  b: c\n", {
            "/a/0^": ["# 1", "# 2"], "/a/0/b^": ["", "# 3"],
        }),
        ("a:\n- b: c\n# 1\n-\n# 2\n\n  d: e\n", {
            "/a/1^": ["# 1"], "/a/1/d^": ["# 2", ""],
        }),
        ("a:\n-\n  # 1\n  -\n    # 2\n    b: c\n", {
            "/a/0/0^": ["# 1"], "/a/0/0/b^": ["# 2"],
        }),
        ("a:\n-\n  # 1\n  b\n", {"/a/0^": ["# 1"]}),
        ("a:\n-\n  # 1\n  []\n", {"/a/0^": ["# 1"]}),
        ("a:\n-\n  # 1\n  [b]\n", {"/a/0/0^": ["# 1"]}),
        ("a:\n-\n  # 1\n- b: c\n", {"/a/0_": ["# 1"]}),
        # In something that is empty.
        ("a:\n  # 1\nb: c\n", {"/a_": ["# 1"]}),
        ("a:\n# 1\nb: c\n", {"/b^": ["# 1"]}),
        ("a:\n# - 1\nb: c\n", {"/a_": ["# - 1"]}),
        ("a:\n#- 1\n#  2\n# 3\nb: c\n", {"/a_": ["#- 1", "#  2"], "/b^": ["# 3"]}),
        ("a:\n- b:\n  # - 1\n# - 2\nc: d\n", {"/a/0/b_": ["# - 1"], "/a_": ["# - 2"]}),
        ("a:\n- b\n-\n# - 1\nc: d\n", {"/a_": ["# - 1"]}),
        ("a: [\n # 1\n]\n", {"/a_": ["# 1"]}),
        ("{a: , # 1\n b: c}\n", {"/a=": ["# 1"]}),
    ],
)  # fmt: skip
def test_a_comment_is_about(text: str, found: dict[str, list[str]]) -> None:
    assert _attached(text) == found
