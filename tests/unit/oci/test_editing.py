"""The editing operations one by one; what they come to is tested with the edits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from nri_cdi.errors import OciSpecError
from nri_cdi.oci import (
    Draft,
    EnvMode,
    add_devices,
    add_gids,
    add_hooks,
    add_mounts,
    add_net_devices,
    allow_devices,
    has_user_namespace,
    set_env,
    set_intel_rdt,
    user_ids,
)

Operation = Callable[[Draft], object]

MANY = 50_000


@pytest.mark.parametrize(
    "operation",
    [
        lambda draft: set_env(draft, [], EnvMode.REPLACE),
        lambda draft: add_devices(draft, []),
        lambda draft: allow_devices(draft, []),
        lambda draft: add_net_devices(draft, {}),
        lambda draft: add_mounts(draft, []),
        lambda draft: add_hooks(draft, []),
        lambda draft: add_gids(draft, [0]),
        user_ids,
        has_user_namespace,
    ],
)
def test_nothing_to_do_makes_nothing(operation: Operation) -> None:
    # Shapes are not looked at either, but by those that ask for something.
    draft = Draft({})
    operation(draft)
    assert draft.spec == {}


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (
            lambda draft: set_env(draft, ["A=1"], EnvMode.APPEND),
            {"process": {"env": ["A=1"]}},
        ),
        (
            lambda draft: add_devices(draft, [{"path": "/dev/x"}]),
            {"linux": {"devices": [{"path": "/dev/x"}]}},
        ),
        (
            lambda draft: allow_devices(draft, [{"allow": True}]),
            {"linux": {"resources": {"devices": [{"allow": True}]}}},
        ),
        (
            lambda draft: add_net_devices(draft, {"eno1": "net0"}),
            {"linux": {"netDevices": {"eno1": {"name": "net0"}}}},
        ),
        (
            lambda draft: add_mounts(draft, [{"destination": "/a"}]),
            {"mounts": [{"destination": "/a"}]},
        ),
        (
            lambda draft: add_hooks(draft, [("poststop", {"path": "/h"})]),
            {"hooks": {"poststop": [{"path": "/h"}]}},
        ),
        (
            lambda draft: set_intel_rdt(draft, {"closID": "c"}),
            {"linux": {"intelRdt": {"closID": "c"}}},
        ),
        (
            lambda draft: add_gids(draft, [5]),
            {"process": {"user": {"additionalGids": [5]}}},
        ),
    ],
)
def test_what_is_missing_is_made(operation: Operation, expected: Any) -> None:
    draft = Draft({})
    operation(draft)
    assert draft.spec == expected


def test_a_namespace_whose_type_is_written_otherwise_is_refused() -> None:
    namespaces = [None, {"path": "/x"}, {"type": "user"}]
    assert has_user_namespace(Draft({"linux": {"namespaces": namespaces}}))
    with pytest.raises(OciSpecError) as caught:
        has_user_namespace(Draft({"linux": {"namespaces": [{"Type": "user"}]}}))
    assert str(caught.value) == (
        "OCI spec: linux.namespaces[0].Type: the key must be written 'type'"
    )


def test_operations_see_what_others_did() -> None:
    draft = Draft({"linux": {"netDevices": {"eno1": {"name": "old", "x": 1}}}})
    for name in ("a", "b"):
        add_net_devices(draft, {"eno1": name, name: "c"})
        add_devices(draft, [{"path": "/dev/x", "type": name}])
    assert draft.spec["linux"] == {
        "netDevices": {"eno1": {"name": "b"}, "a": {"name": "c"}, "b": {"name": "c"}},
        "devices": [{"path": "/dev/x", "type": "b"}],
    }


def test_long_lists_take_time_in_proportion() -> None:
    mounts = [{"destination": f"/{index % 7}"} for index in range(MANY)]
    devices = [{"path": f"/{index}"} for index in range(MANY)]
    draft = Draft({"mounts": mounts, "linux": {"devices": devices}})
    start = time.process_time()
    add_mounts(draft, mounts)
    add_devices(draft, devices)
    add_gids(draft, range(MANY))
    set_env(draft, [f"{index}=" for index in range(MANY)], EnvMode.REPLACE)
    # If each edit looked through a whole list, this would be minutes.
    assert time.process_time() - start < 5
    assert len(draft.spec["mounts"]) == len(draft.spec["linux"]["devices"]) == MANY
