"""The names that spec files get, and those that they can't have."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.model import Spec
from nri_cdi.cdi.scan import is_spec_name
from nri_cdi.cdi.specnames import (
    generate_name_for_spec,
    generate_name_for_transient_spec,
    generate_spec_name,
    generate_transient_spec_name,
    spec_file_name,
    spec_path,
)
from nri_cdi.errors import InvalidNameError


def spec(kind: str) -> Spec:
    return Spec(cdi_version="0.3.0", kind=kind)


def test_names_are_those_of_the_reference() -> None:
    assert generate_spec_name("vendor.com", "gpu") == "vendor.com-gpu"
    assert (
        generate_transient_spec_name("vendor.com", "gpu", "pod/0/c1")
        == "vendor.com-gpu_pod_0_c1"
    )


def test_the_kind_of_a_spec_names_it() -> None:
    assert generate_name_for_spec(spec("v.com/net.sub")) == "v.com-net.sub"
    assert generate_name_for_transient_spec(spec("v.com/net"), "a/b") == "v.com-net_a_b"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("vendor.com", "it has no '/' between vendor and class"),
        ("/gpu", "the vendor is empty"),
        ("../x/gpu", "vendor '..' has"),
    ],
)
def test_a_kind_that_is_none_names_nothing(kind: str, reason: str) -> None:
    for generate in (
        generate_name_for_spec,
        lambda made: generate_name_for_transient_spec(made, "1"),
    ):
        with pytest.raises(InvalidNameError) as raised:
            generate(spec(kind))
        assert str(raised.value).startswith(f"{kind!r} is not a kind (vendor/class): ")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.yaml", "a.yaml"),
        ("a.json", "a.json"),
        ("a", "a.yaml"),
        ("vendor.com-gpu", "vendor.com-gpu.yaml"),
        ("a.yml", "a.yml.yaml"),
        ("a.YAML", "a.YAML.yaml"),
        ("a.json.bak", "a.json.bak.yaml"),
        (".hidden", ".hidden.yaml"),
        (".yaml", ".yaml"),
        ("...", "....yaml"),
        ("a b\n", "a b\n.yaml"),
    ],
)
def test_a_name_gets_an_extension_if_it_has_none(name: str, expected: str) -> None:
    assert spec_file_name(name) == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "'' is not a file name"),
        (".", "'.' is not a file name"),
        ("..", "'..' is not a file name"),
        ("../esc", "'../esc' is not a file name: it has '/' in it"),
        ("a/b.yaml", "'a/b.yaml' is not a file name: it has '/' in it"),
        ("/a.yaml", "'/a.yaml' is not a file name: it has '/' in it"),
        ("a.yaml/", "'a.yaml/' is not a file name: it has '/' in it"),
        ("a\0.yaml", "'a\\x00.yaml' is not a file name: it has '\\x00' in it"),
    ],
)
def test_a_name_that_leaves_the_directory_is_refused(name: str, message: str) -> None:
    with pytest.raises(InvalidNameError) as raised:
        spec_file_name(name)
    assert str(raised.value) == message


@given(st.text("./ayml\0j~son", max_size=12))
def test_whatever_is_accepted_is_one_spec_file_of_the_directory(name: str) -> None:
    try:
        made = spec_file_name(name)
    except InvalidNameError:
        assert name in ("", ".", "..") or "/" in name or "\0" in name
        return
    assert made.startswith(name)
    assert is_spec_name(made)
    assert made.count("/") == made.count("\0") == 0
    assert spec_file_name(made) == made


@pytest.mark.parametrize("name", ["a\ud800", "\udfffa.json"])
def test_letters_that_no_file_has_in_its_name_are_refused(name: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        spec_file_name(name)
    assert str(caught.value) == (
        f"{name!r} is not a file name: it has letters in it that no file's name can "
        "have"
    )


def test_bytes_that_are_no_text_are_letters_of_a_name() -> None:
    """As os.fsdecode has them."""
    assert spec_file_name("a\udcff.json") == "a\udcff.json"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", "a.yaml"),
        ("/a.b/c", "/a.b/c.yaml"),
        ("/c.json", "/c.json"),
        ("./c", "./c.yaml"),
        (Path("/a/b"), "/a/b.yaml"),
        (Path("a.json"), "a.json"),
    ],
)
def test_a_path_gets_the_name_that_a_scan_knows(
    path: str | Path, expected: str
) -> None:
    assert spec_path(path) == expected


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/a\0b/c", "'/a\\x00b' is not a directory: it has '\\x00' in it"),
        (
            "\ud800/c",
            "'\\ud800' is not a directory: it has letters in it that no file's name "
            "can have",
        ),
        ("/a/", "'' is not a file name"),
        ("/a/b\0", "'b\\x00' is not a file name: it has '\\x00' in it"),
    ],
)
def test_a_path_that_no_file_can_have_is_refused(path: str, message: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        spec_path(path)
    assert str(caught.value) == message
