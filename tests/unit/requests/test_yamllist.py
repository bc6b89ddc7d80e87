"""A YAML list of device names: what it may be, and what it is refused for."""

from __future__ import annotations

import json
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.errors import InvalidNameError
from nri_cdi.requests import MAX_NAMES
from nri_cdi.requests.yamllist import MAX_LENGTH, yaml_list

GPU_0, GPU_1, NET = "vendor.com/gpu=0", "vendor.com/gpu=1", "vendor.com/net=eth1"

WANTED = "it takes a YAML list of device names, such as [vendor/class=name]"
NO_STRING = "a device name is a string, and this is"
UNQUALIFIED = "is not a qualified device name (vendor/class=name): it has no '='"
LONG_S = 1


def refused(value: str) -> str:
    """The error of the whole value, or else of the one name in it that is none."""
    try:
        [error] = [name for name in yaml_list(value) if not isinstance(name, str)]
    except InvalidNameError as raised:
        return str(raised)
    return str(error)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (f"- {GPU_0}\n", [GPU_0]),
        (f"- {GPU_1}\n- {GPU_0}\n- {GPU_1}\n", [GPU_1, GPU_0, GPU_1]),
        (f"\n  - {GPU_0}\n  # more\n  - '{NET}'\n", [GPU_0, NET]),
        (f'[{GPU_0}, "{GPU_1}"]', [GPU_0, GPU_1]),
        (json.dumps([GPU_0, NET]), [GPU_0, NET]),
        (f"---\n- {GPU_0}\n...\n", [GPU_0]),
        (f"%YAML 1.1\n---\n- !!str {GPU_0}\n", [GPU_0]),
        (f"- >-\n  {GPU_0}\n", [GPU_0]),
        (f"- &first {GPU_0}\n", [GPU_0]),
        # The plugin takes all of these for no devices, and so they may opt out of some.
        ("", []),
        (" \n", []),
        ("# none", []),
        ("[]", []),
        ("null", []),
        ("~", []),
        ("---\n", []),
    ],
)
def test_a_list_of_strings_is_read(value: str, names: list[str]) -> None:
    assert yaml_list(value) == names


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (GPU_0, f"line 1, column 1: {WANTED}, and this is a string"),
        (f"{GPU_0}, {GPU_1}", f"line 1, column 1: {WANTED}, and this is a string"),
        ("12", f"line 1, column 1: {WANTED}, and this is an integer"),
        ("''", f"line 1, column 1: {WANTED}, and this is a string"),
        ("\na: b", f"line 2, column 1: {WANTED}, and this is a mapping"),
        ("*a", f"line 1, column 1: {WANTED}, and this is an alias"),
        ("!!int x", "line 1, column 1: 'x' is tagged !!int, but it is a string"),
        (f"- {GPU_0}\n- 12", f"line 2, column 3: {NO_STRING} an integer"),
        ("- null", f"line 1, column 3: {NO_STRING} null"),
        ("-", f"line 1, column 2: {NO_STRING} null"),
        ("- y", f"line 1, column 3: {NO_STRING} a boolean"),
        (f"- {GPU_0}:\n", f"line 1, column 3: {NO_STRING} a mapping"),
        (f"- - {GPU_0}", f"line 1, column 3: {NO_STRING} a list"),
        (f"- &a {GPU_0}\n- *a", f"line 2, column 3: {NO_STRING} an alias"),
        ("- !!bool x", "line 1, column 3: 'x' is tagged !!bool, but it is a string"),
        ("- gpu", f"line 1, column 3: 'gpu' {UNQUALIFIED}"),
        ("- ''", f"line 1, column 3: '' {UNQUALIFIED}"),
        (f"- a\n  {GPU_0}", "line 1, column 3: 'a vendor.com/gpu=0' is not a"),
        ("- 'a\x7f'", f"line 1, column 5: {WANTED}; "),
        (
            f"- {GPU_0}\n---\n- {GPU_1}",
            "line 2, column 1: there is a second document; put all names into one list",
        ),
        (f"[{GPU_0}", f"{WANTED}; "),
        (f"- {GPU_0}\n\t- {GPU_1}", f"line 2, column 1: {WANTED}; "),
        ("- \x00", f"{WANTED}; "),
        ("@", f"line 1, column 1: {WANTED}; "),
        (
            " " * (MAX_LENGTH + 1),
            f"it has {MAX_LENGTH + 1} characters, and {MAX_LENGTH} are the most",
        ),
    ],
)
def test_what_is_no_list_of_strings_is_refused_with_its_place(
    value: str, error: str
) -> None:
    assert error in refused(value)
    assert refused(value).isprintable()


BOMBS = {
    "laughs": "- &a [x, x]\n- &b [*a, *a]\n- &c [*b, *b]\n- &d [*c, *c]\n",
    "lists in lists": "[" * (MAX_LENGTH // 2),
    "mappings in mappings": "{a: " * (MAX_LENGTH // 8),
    "dashes": "- " * (MAX_LENGTH // 4),
    "itself": "&a [*a]",
    "tags": "%TAG !a! b\n" * 200 + "---\n[]",
    "question marks": "? " * (MAX_LENGTH // 4),
    "one name": "- " + "x" * (MAX_LENGTH - 2),
    "a comment": "#" * (MAX_LENGTH - 2) + "\n{",
}


@pytest.mark.parametrize("value", BOMBS.values(), ids=BOMBS.keys())
def test_a_text_made_to_hurt_is_refused_at_once(value: str) -> None:
    start = time.monotonic()
    assert len(refused(value)) < 1000
    assert time.monotonic() - start < LONG_S


def test_names_over_the_limit_are_not_read() -> None:
    assert len(yaml_list(f"- {GPU_0}\n" * (MAX_NAMES + 3))) == MAX_NAMES + 1


names = st.lists(st.sampled_from([GPU_0, GPU_1, NET]), max_size=6)


@given(names, st.sampled_from([True, False, None]))
def test_every_list_that_yaml_writes_is_read(
    wanted: list[str], flow: bool | None
) -> None:
    assert yaml_list(yaml.safe_dump(wanted, default_flow_style=flow)) == wanted


@given(
    st.text(max_size=30)
    | st.recursive(
        st.none() | st.integers() | st.booleans() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
        ),
        max_leaves=5,
    ).map(yaml.safe_dump)
)
def test_any_text_is_a_list_of_names_or_an_error(value: str) -> None:
    try:
        found = yaml_list(value)
    except InvalidNameError as error:
        assert str(error).isprintable()
        return
    # There are no names in these texts.
    assert all(isinstance(name, InvalidNameError) for name in found)
