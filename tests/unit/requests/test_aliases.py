"""Annotations of other plugins: off until asked for, then read as those plugins do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.errors import AnnotationError, InvalidNameError
from nri_cdi.requests import (
    ALIASES,
    CDI_DIALECT,
    MAX_NAMES,
    NO_REQUEST,
    Request,
    dialects,
    requested_devices,
)

GPU_0, GPU_1, NET = "vendor.com/gpu=0", "vendor.com/gpu=1", "vendor.com/net=eth1"
NEW, OLD, NVIDIA = (
    "cdi-devices.noderesource.dev",
    "cdi-devices.nri.io",
    "nvidia.cdi.k8s.io",
)
ALL = (NEW, OLD, NVIDIA)


def request(
    annotations: dict[str, str], *aliases: str, container: str = "main"
) -> Request:
    return requested_devices(annotations, container, dialects(aliases))


def refused(annotations: dict[str, str], *aliases: str) -> str:
    with pytest.raises(AnnotationError) as raised:
        request(annotations, *aliases)
    return str(raised.value)


def test_there_are_three_aliases() -> None:
    assert tuple(ALIASES) == ALL


def test_without_aliases_there_is_the_dialect_of_cdi_alone() -> None:
    assert dialects(()) == (CDI_DIALECT,)


@pytest.mark.parametrize("alias", ALL)
def test_one_alias_is_a_dialect_of_its_own(alias: str) -> None:
    assert dialects([alias, alias]) == (CDI_DIALECT, ALIASES[alias])


def test_the_order_of_aliases_is_of_no_account() -> None:
    assert dialects((NVIDIA, OLD, NEW)) == dialects((NEW, OLD, NVIDIA))


def test_an_unknown_alias_is_refused() -> None:
    with pytest.raises(InvalidNameError) as raised:
        dialects((NEW, "nvidia.cdi.k8s.oi"))
    assert str(raised.value) == (
        f"there is no alias 'nvidia.cdi.k8s.oi'; there are {NEW}, {OLD}, {NVIDIA}"
    )


@pytest.mark.parametrize("scope", ["", "/pod", "/container.main"])
@pytest.mark.parametrize("alias", ALL)
def test_an_alias_asks_for_nothing_until_it_is_on(alias: str, scope: str) -> None:
    annotations = {alias + scope: f"[{GPU_0}]" if alias != NVIDIA else GPU_0}
    others = [other for other in ALL if other != alias]
    assert request(annotations, *others) is NO_REQUEST
    assert request(annotations, alias).annotations(GPU_0) == (alias + scope,)


@pytest.mark.parametrize(
    ("annotations", "devices"),
    [
        ({f"{NEW}/container.other": f"[{GPU_0}]"}, ()),
        ({f"{NEW}/container.main2": f"[{GPU_0}]"}, ()),
        # The plugins have no such keys.
        ({f"{NEW}/gpu": f"[{GPU_0}]", f"{NVIDIA}/gpu": GPU_0}, ()),
        ({f"{NEW}/container": f"[{GPU_0}]", f"{NVIDIA}/": GPU_0}, ()),
        ({f"{NEW}x": "[", f"{NEW}.x/pod": "[", f"x.{NEW}": "["}, ()),
        # The narrowest one counts, and only that.
        ({NVIDIA: GPU_0, f"{NVIDIA}/pod": GPU_1}, (GPU_1,)),
        ({NVIDIA: "bad", f"{NVIDIA}/container.main": GPU_1}, (GPU_1,)),
        ({f"{NVIDIA}/pod": GPU_0, f"{NVIDIA}/container.other": GPU_1}, (GPU_0,)),
        ({f"{OLD}/container.main": f"[{GPU_0}]", NEW: f"[{GPU_1}]"}, (GPU_0,)),
        ({f"{OLD}/pod": f"[{GPU_0}]", f"{NEW}": f"[{GPU_1}]"}, (GPU_0,)),
        # Of two equally narrow ones the new one does.
        ({OLD: f"[{GPU_0}]", NEW: f"[{GPU_1}]"}, (GPU_1,)),
        ({f"{OLD}/pod": f"[{GPU_0}]", f"{NEW}/pod": f"[{GPU_1}]"}, (GPU_1,)),
        # An empty list is a request, too: for nothing.
        ({NEW: f"[{GPU_0}]", f"{NEW}/container.main": "[]"}, ()),
        ({NEW: f"[{GPU_0}]", f"{OLD}/container.main": ""}, ()),
        # Plugins don't know of each other.
        ({NEW: f"[{GPU_0}]", NVIDIA: GPU_1}, (GPU_0, GPU_1)),
        ({NVIDIA: f" {GPU_1} ,{GPU_0}, {GPU_1}\n"}, (GPU_1, GPU_0)),
        ({NEW: f"[{GPU_1}, {GPU_0}, {GPU_1}]"}, (GPU_1, GPU_0)),
        (
            {NVIDIA: f"{NET},{GPU_0}", NEW: f"[{GPU_1}]", "cdi.k8s.io/x": GPU_0},
            (GPU_0, GPU_1, NET),
        ),
    ],
)
def test_an_alias_has_the_scopes_and_the_grammar_of_its_plugin(
    annotations: dict[str, str], devices: tuple[str, ...]
) -> None:
    assert request(annotations, *ALL).devices == devices


def test_an_old_name_that_is_on_alone_counts_beside_a_new_one_that_is_off() -> None:
    annotations = {NEW: f"[{GPU_0}]", OLD: f"[{GPU_1}]"}
    assert request(annotations, OLD).devices == (GPU_1,)


def test_a_device_under_several_keys_comes_once_and_has_them_all() -> None:
    annotations = {
        "cdi.k8s.io/a": GPU_0,
        f"{OLD}/pod": f"[{GPU_0}]",
        NVIDIA: f"{GPU_0}",
    }
    found = request(annotations, *ALL)
    assert found.devices == (GPU_0,)
    assert found.annotations(GPU_0) == ("cdi.k8s.io/a", f"{OLD}/pod", NVIDIA)


@pytest.mark.parametrize(
    ("annotations", "error"),
    [
        ({NVIDIA: ""}, f"annotation '{NVIDIA}': it is empty; it takes device names"),
        (
            {f"{NVIDIA}/pod": f"{GPU_0},"},
            f"annotation '{NVIDIA}/pod': name 2 of 2 is empty: "
            "there is a comma too many",
        ),
        (
            {NVIDIA: "0"},
            f"annotation '{NVIDIA}': '0' is not a qualified device name "
            "(vendor/class=name): it has no '='",
        ),
        (
            {f"{NEW}/pod": GPU_0},
            f"annotation '{NEW}/pod': line 1, column 1: it takes a YAML list of device "
            "names, such as [vendor/class=name], and this is a string",
        ),
        (
            {f"{OLD}/container.main": f"- {GPU_0}\n- gpu\n- x\n"},
            f"annotation '{OLD}/container.main': line 2, column 3: 'gpu' is not a "
            "qualified device name (vendor/class=name): it has no '='; annotation "
            f"'{OLD}/container.main': line 3, column 3: 'x' is not a qualified device "
            "name (vendor/class=name): it has no '='",
        ),
        (
            {NEW: f"[{','.join([GPU_0] * (MAX_NAMES + 1))}]"},
            f"annotation '{NEW}': with it the container requests more than 1024 names",
        ),
        (
            {NEW: f"[{','.join([GPU_0] * MAX_NAMES)}]", NVIDIA: GPU_1},
            f"annotation '{NVIDIA}': with it the container requests more than 1024 "
            "names",
        ),
    ],
)
def test_a_bad_value_is_refused_with_its_key_and_place(
    annotations: dict[str, str], error: str
) -> None:
    assert refused(annotations, *ALL).startswith(error)


def model(annotations: dict[str, list[str]], on: set[str]) -> list[str]:
    """The devices of container main, by the words of the plugins' documentation."""
    used = sorted(key for key in annotations if key.startswith("cdi.k8s.io/"))
    for order in (
        [
            name + scope
            for scope in ("/container.main", "/pod", "")
            for name in (NEW, OLD)
        ],
        [NVIDIA + scope for scope in ("/container.main", "/pod", "")],
    ):
        there = [key for key in order if key in annotations]
        used += [key for key in there if key.split("/")[0] in on][:1]
    return list(dict.fromkeys(name for key in used for name in annotations[key]))


keys = st.sampled_from(
    ["cdi.k8s.io/a", "cdi.k8s.io/b", "cdi.k8s.io/container.main", "example.com/x"]
    + [
        alias + scope
        for alias in ALL
        for scope in ("", "/pod", "/container.main", "/container.other", "/gpu")
    ]
)
lists = st.lists(st.sampled_from([GPU_0, GPU_1, NET]), min_size=1, max_size=3)


@given(st.dictionaries(keys, lists, max_size=6), st.sets(st.sampled_from(ALL)))
def test_aliases_are_read_as_their_documentation_says(
    annotations: dict[str, list[str]], on: set[str]
) -> None:
    written = {
        key: f"[{', '.join(names)}]" if key.startswith((NEW, OLD)) else ",".join(names)
        for key, names in annotations.items()
    }
    found = request(written, *on)
    assert list(found.devices) == model(annotations, on)
    for device in found.devices:
        assert all(device in annotations[key] for key in found.annotations(device))
