"""The environment of a process, its user and its groups."""

from __future__ import annotations

from typing import Any

import pytest

from nri_cdi.errors import OciSpecError
from nri_cdi.oci import Draft, EnvMode, add_gids, set_env, user_ids

ENV = ["X=0", "A=old", "A=old2", "NOEQ"]


@pytest.mark.parametrize(
    ("mode", "before", "added", "after"),
    [
        # Source: reference/cdi.md, section 3, as the Go library does it.
        (
            "replace",
            ENV,
            ["A=1", "B=2", "A=3", "C="],
            ["X=0", "A=old", "A=3", "NOEQ", "B=2", "C="],
        ),
        ("replace", ENV, ["NOEQ=1"], ["X=0", "A=old", "A=old2", "NOEQ=1"]),
        ("replace", ["A=1=2"], ["A=3=4"], ["A=3=4"]),
        ("replace", [None, "A=1"], ["A=2"], [None, "A=2"]),
        ("append", ENV, ["A=1", "B=2", "A=3", "C="], [*ENV, "A=3", "B=2", "C="]),
        ("append", ENV, ["NOEQ=1"], ["X=0", "A=old", "A=old2", "NOEQ=1"]),
        ("append", [], ["A=1", "A=1"], ["A=1"]),
        ("append", [None, "A=1"], ["A=2"], [None, "A=1", "A=2"]),
    ],
)
def test_variables_are_replaced_or_appended(
    mode: str, before: list[Any], added: list[str], after: list[Any]
) -> None:
    draft = Draft({"process": {"env": before, "cwd": "/"}})
    set_env(draft, added, EnvMode(mode))
    assert draft.spec == {"process": {"env": after, "cwd": "/"}}


@pytest.mark.parametrize(
    ("spec", "ids"),
    [
        ({}, (0, 0)),
        ({"process": None}, (0, 0)),
        ({"process": {"user": {"uid": None, "gid": 0}}}, (0, 0)),
        ({"process": {"user": {"uid": 1000, "gid": 2**32 - 1}}}, (1000, 2**32 - 1)),
    ],
)
def test_a_process_without_a_user_is_root(
    spec: dict[str, Any], ids: tuple[int, int]
) -> None:
    assert user_ids(Draft(spec)) == ids


@pytest.mark.parametrize("value", [-1, 2**32])
@pytest.mark.parametrize("key", ["uid", "gid"])
def test_an_id_has_32_bits(key: str, value: int) -> None:
    with pytest.raises(OciSpecError) as caught:
        user_ids(Draft({"process": {"user": {key: value}}}))
    assert str(caught.value) == (
        f"OCI spec: process.user.{key}: {value} is not between 0 and 4294967295"
    )
    assert caught.value.problems[0].rule == "out-of-range"


@pytest.mark.parametrize(
    ("before", "gids", "after"),
    [
        ({"additionalGids": [5]}, (0, 6, 5, 6), {"additionalGids": [5, 6]}),
        ({"additionalGids": None, "x": 1}, (1,), {"additionalGids": [1], "x": 1}),
        ({"additionalGids": [7]}, (0,), {"additionalGids": [7]}),
        # What the file has twice is the runtime's.
        ({"additionalGids": [5, None, 5]}, (5, 4), {"additionalGids": [5, None, 5, 4]}),
    ],
)
def test_groups_are_added_once(before: Any, gids: tuple[int, ...], after: Any) -> None:
    draft = Draft({"process": {"user": before}})
    add_gids(draft, gids)
    assert draft.spec == {"process": {"user": after}}
