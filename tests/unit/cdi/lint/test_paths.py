"""Paths in specs: from the root on, and written in one way only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.lint.paths import clean, lint_container_path

_paths = st.text(st.sampled_from("/.ab"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("//", "/"),
        ("", "/"),
        ("/a", "/a"),
        ("//a", "/a"),
        ("///a/", "/a"),
        ("a/./b", "/a/b"),
        ("/../a/..b", "/a/..b"),
        ("/a/..", "/"),
    ],
)
def test_the_shortest_way_to_write_a_path(path: str, expected: str) -> None:
    assert clean(path) == expected


@given(_paths)
def test_a_clean_path_is_fine(path: str) -> None:
    assert clean(clean(path)) == clean(path)
    assert lint_container_path("path", clean(path)) == []


@given(_paths)
def test_any_other_path_has_one_finding(path: str) -> None:
    assert len(lint_container_path("path", path)) == (path != clean(path))
