"""Places within a document."""

from __future__ import annotations

import pytest

from nri_cdi.cdi.pointers import at_index, at_key, is_within, join, parent


@pytest.mark.parametrize(
    ("pointer", "key", "expected"),
    [
        ("", "kind", "kind"),
        ("devices[3]", "name", "devices[3].name"),
        ("annotations", "example.com/key", "annotations['example.com/key']"),
        ("", "", "['']"),
        ("", "a\nb", r"['a\nb']"),
        ("a", "x" * 65, f"a['{'x' * 64}'... (65 characters)]"),
    ],
)
def test_a_key_is_added(pointer: str, key: str, expected: str) -> None:
    assert at_key(pointer, key) == expected


def test_an_index_is_added() -> None:
    assert at_index("devices", 3) == "devices[3]"


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("devices[3].containerEdits.mounts[0]", "devices[3].containerEdits.mounts"),
        ("devices[3].containerEdits", "devices[3]"),
        ("devices", ""),
        ("[0]", ""),
        ("", ""),
    ],
)
def test_the_parent_is_one_step_nearer_to_the_root(pointer: str, expected: str) -> None:
    assert parent(pointer) == expected


@pytest.mark.parametrize(
    ("pointer", "outer", "expected"),
    [
        ("devices[3].name", "devices[3]", True),
        ("devices[3]", "devices[3]", True),
        ("devices[3]", "", True),
        ("", "", True),
        ("devices[31]", "devices[3]", False),
        ("devicesX", "devices", False),
        ("devices[3]", "devices[3].name", False),
        ("", "devices", False),
    ],
)
def test_a_place_is_within_another(pointer: str, outer: str, *, expected: bool) -> None:
    assert is_within(pointer, outer) is expected


@pytest.mark.parametrize(
    ("outer", "pointer", "expected"),
    [
        ("devices[0]", "name", "devices[0].name"),
        ("devices", "[0].name", "devices[0].name"),
        ("devices[0]", "", "devices[0]"),
    ],
)
def test_places_are_joined(outer: str, pointer: str, expected: str) -> None:
    assert join(outer, pointer) == expected
