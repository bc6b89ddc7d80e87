"""The specs that verbs look at."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from nri_cdi.cdi.cache import DEFAULT_SPEC_DIRS
from nri_cdi.cli import specs
from nri_cdi.cli.specs import (
    asked_for,
    device_or_pattern,
    is_pattern,
    load_registry,
    matching,
    say_errors,
    spec_dirs,
)
from nri_cdi.errors import ConfigError, ResolveError
from tests.unit.cli.speccing import write


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the node's configuration would be; there is none yet."""
    path = tmp_path / "config.yaml"
    monkeypatch.setattr(specs, "DEFAULT_CONFIG", str(path))
    return path


def options(**given: object) -> argparse.Namespace:
    return argparse.Namespace(**given)


def test_without_options_and_configuration_the_directories_are_the_defaults() -> None:
    assert spec_dirs(options()) == DEFAULT_SPEC_DIRS


def test_the_nodes_configuration_has_the_directories(config: Path) -> None:
    config.write_text("spec_dirs: [/a, /b]\n")
    assert spec_dirs(options()) == ("/a", "/b")


def test_another_configuration_replaces_the_nodes(config: Path, tmp_path: Path) -> None:
    config.write_text("spec_dirs: [/a, /b]\n")
    other = tmp_path / "other.yaml"
    other.write_text("spec_dirs: [/c]\n")
    assert spec_dirs(options(config=str(other))) == ("/c",)


def test_directories_that_are_given_replace_all_others(config: Path) -> None:
    config.write_text("spec_dirs: [/a, /b]\n")
    assert spec_dirs(options(spec_dirs=["x", "/y"])) == ("x", "/y")


def test_what_is_left_of_an_unset_variable_is_not_the_present_directory() -> None:
    with pytest.raises(ConfigError) as raised:
        spec_dirs(options(spec_dirs=["/a", ""]))
    assert str(raised.value) == (
        "command line: --spec-dir: '' is not the name of a directory"
    )


def test_a_configuration_that_may_not_be_seen_is_not_taken_for_none(
    monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    # Root may see everything, so the system's answer is played.
    def refuse(_path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(ConfigError) as raised:
        spec_dirs(options())
    assert str(raised.value) == f"{config}: No such file or directory"


def test_the_registry_is_what_the_directories_hold(tmp_path: Path) -> None:
    write(tmp_path / "a.json", ["0", "1"])
    registry = load_registry(options(spec_dirs=[str(tmp_path)]))
    assert sorted(registry.devices) == ["v.com/gpu=0", "v.com/gpu=1"]


def test_every_broken_file_and_directory_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    devices = "".join(f"- name: '{name}'\n" for name in "abcde")
    head = "cdiVersion: 0.5.0\nkind: v.com/gpu\ndevices:\n"
    (tmp_path / "a.yaml").write_text(head + devices)
    (tmp_path / "b\x1b.yaml").write_text("3")
    (tmp_path / "file").touch()
    say_errors(
        load_registry(options(spec_dirs=[str(tmp_path), str(tmp_path / "file")]))
    )
    said = capsys.readouterr().err.replace(f"{tmp_path}/", "")
    assert said == (
        "nri-cdi: not used: a.yaml:4:3: devices[0].containerEdits: no edits; "
        "a device needs at least one of its own (and 4 more: see nri-cdi validate)\n"
        "nri-cdi: not used: b\\x1b.yaml:1:1: expected a mapping, got an integer\n"
        "nri-cdi: can't be listed: file: not a directory\n"
    )


@pytest.mark.parametrize("text", ["v.com/gpu=0", "*", "v.com/gpu=?"])
def test_a_name_or_a_pattern_may_stand_for_devices(text: str) -> None:
    assert device_or_pattern(text) == text


def test_what_is_neither_a_name_nor_a_pattern_stands_for_nothing() -> None:
    with pytest.raises(argparse.ArgumentTypeError) as raised:
        device_or_pattern("gpu=0")
    assert str(raised.value) == (
        "'gpu=0' is not a qualified device name (vendor/class=name): "
        "it has no '/' between vendor and class"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v.com/gpu=0", False),
        ("v.com/gpu=*", True),
        ("v.com/gpu=?", True),
        ("v.com/gpu=[01]", True),
        ("", False),
    ],
)
def test_a_pattern_has_a_wildcard(text: str, expected: bool) -> None:
    assert is_pattern(text) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", ["a/b=0", "a/b=1", "a/c=0"]),
        ("a/b=*", ["a/b=0", "a/b=1"]),
        ("*=0", ["a/b=0", "a/c=0"]),
        ("a/?=[!0]", ["a/b=1"]),
        ("A/*", []),
        ("a/b", []),
    ],
)
def test_a_pattern_matches_whole_names(pattern: str, expected: list[str]) -> None:
    assert matching(pattern, ["a/c=0", "a/b=1", "a/b=0"]) == expected


def test_names_stay_in_their_order_and_patterns_are_what_they_match(
    tmp_path: Path,
) -> None:
    write(tmp_path / "a.json", ["0", "1", "2"])
    registry = load_registry(options(spec_dirs=[str(tmp_path)]))
    asked = asked_for(["v.com/gpu=2", "x", "v.com/gpu=*", "v.com/gpu=2"], registry)
    assert asked == ("v.com/gpu=2", "x", "v.com/gpu=0", "v.com/gpu=1")


def test_a_pattern_that_matches_nothing_is_an_error(tmp_path: Path) -> None:
    registry = load_registry(options(spec_dirs=[str(tmp_path)]))
    with pytest.raises(ResolveError) as raised:
        asked_for(["v.com/gpu=0", "a*", "b?"], registry)
    assert str(raised.value) == "there is no CDI device that matches 'a*', 'b?'"
    assert raised.value.names == ("a*", "b?")


def test_a_variable_names_the_directories_as_it_does_for_the_plugin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NRI_CDI_SPEC_DIRS", "/one:/two")
    assert spec_dirs(argparse.Namespace()) == ("/one", "/two")
    told = argparse.Namespace(spec_dirs=["three"])
    assert spec_dirs(told) == ("three",)
