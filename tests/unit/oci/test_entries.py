"""Lists of objects that have names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.errors import OciSpecError
from nri_cdi.oci import Draft, add_devices, add_mounts

_names = st.sampled_from(["/a", "/b", "/c"])


def _named(field: str, *names: str | None) -> list[Any]:
    return [None if name is None else {field: name} for name in names]


def _old(field: str) -> st.SearchStrategy[list[Any]]:
    item = st.fixed_dictionaries({}, optional={field: st.none() | _names})
    return st.lists(st.none() | item, max_size=5)


def _places(items: list[Any], field: str, name: str) -> list[int]:
    return [at for at, item in enumerate(items) if item and item.get(field) == name]


NEW = {"path": "/x", "new": True}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (_named("path", "/a", "/x", "/b"), [*_named("path", "/a", "/b"), NEW]),
        (
            _named("path", "/x", "/a", "/x", "/x"),
            [*_named("path", "/a"), NEW, *_named("path", "/x")],
        ),
        ([None, {}, {"path": None}], [None, {}, {"path": None}, NEW]),
    ],
)
def test_a_new_object_takes_the_place_of_the_one_with_its_name(
    before: list[Any], after: list[Any]
) -> None:
    draft = Draft({"linux": {"devices": before}})
    add_devices(draft, [NEW])
    assert draft.spec == {"linux": {"devices": after}}


@given(_old("path"), st.lists(_names, min_size=1, max_size=4))
def test_devices_come_where_the_reference_puts_them(
    before: list[Any], names: list[str]
) -> None:
    devices = [{"path": name, "new": at} for at, name in enumerate(names)]
    expected = before.copy()
    for device in devices:
        # Source: CDI internal/ociedit/spec_editor.go, RemoveDevice and AddDevice.
        same = _places(expected, "path", str(device["path"]))
        if len(same) > 1:
            expected[same[1]] = device
        else:
            expected.append(device)
        if same:
            del expected[same[0]]
    draft = Draft({"linux": {"devices": before}})
    add_devices(draft, devices)
    assert draft.spec == {"linux": {"devices": expected}}


@given(_old("destination"), st.lists(_names, min_size=1, max_size=4))
def test_mounts_come_where_the_reference_puts_them(
    before: list[Any], names: list[str]
) -> None:
    mounts = [{"destination": name, "new": at} for at, name in enumerate(names)]
    expected = before.copy()
    for mount in mounts:
        # Source: CDI internal/ociedit/spec_editor.go, RemoveMount and AddMount.
        same = _places(expected, "destination", str(mount["destination"]))
        if same:
            del expected[same[0]]
        expected.append(mount)
    draft = Draft({"mounts": before})
    add_mounts(draft, mounts)
    # All names are of one depth; what has none comes before them.
    expected.sort(key=lambda item: bool(item and item.get("destination")))
    assert draft.spec == {"mounts": expected}


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([{}, "/x"], "linux.devices[1]: expected an object, got a string"),
        ([{"path": 5}], "linux.devices[0].path: expected a string, got an integer"),
        ([{"path": [0]}], "linux.devices[0].path: expected a string, got an array"),
        ([{}, {"Path": "/x"}], "linux.devices[1].Path: the key must be written 'path'"),
    ],
)
def test_an_object_that_has_a_name_of_another_form_is_refused(
    items: list[Any], message: str
) -> None:
    with pytest.raises(OciSpecError) as caught:
        add_devices(Draft({"linux": {"devices": items}}), [NEW])
    assert str(caught.value) == f"OCI spec: {message}"
