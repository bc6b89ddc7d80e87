"""The order of mounts."""

from __future__ import annotations

from typing import Any

import pytest

from nri_cdi.oci import Draft, add_mounts


def _mounts(*destinations: str) -> list[Any]:
    return [{"destination": destination} for destination in destinations]


@pytest.mark.parametrize(
    ("before", "added", "after"),
    [
        (["/b", "/a/b", "/a"], "/c", ["/b", "/a", "/c", "/a/b"]),
        # "/" has as many slashes as "/a", and the order of these stays.
        (["/a"], "/", ["/a", "/"]),
        (["/a/b/"], "/a//c", ["/a/b/", "/a//c"]),
        # The same place in other words is another mount.
        (["/a/b"], "/a/b/", ["/a/b", "/a/b/"]),
        (["/a/b/../c/d"], "/x", ["/x", "/a/b/../c/d"]),
        (["//a/b", "//a"], "///c", ["//a", "///c", "//a/b"]),
        (["/../a"], "/..", ["/../a", "/.."]),
        (["/a", "a/b", "."], "b", [".", "b", "/a", "a/b"]),
        (["/a", "/b", "/a"], "/a", ["/b", "/a", "/a"]),
    ],
)
def test_mounts_are_sorted_by_their_depth(
    before: list[str], added: str, after: list[str]
) -> None:
    draft = Draft({"mounts": _mounts(*before)})
    add_mounts(draft, _mounts(added))
    assert draft.spec == {"mounts": _mounts(*after)}


def test_mounts_without_a_destination_come_first() -> None:
    nowhere = [None, {"destination": None}, {}]
    draft = Draft({"mounts": [*_mounts("/a"), *nowhere]})
    add_mounts(draft, _mounts("/x"))
    assert draft.spec == {"mounts": [*nowhere, *_mounts("/a", "/x")]}
