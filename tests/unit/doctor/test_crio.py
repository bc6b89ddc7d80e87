"""CRI-O's configuration: its file, the drop-ins behind it, and flags over both."""

from __future__ import annotations

from pathlib import Path

import pytest

from nri_cdi.doctor.crio import read_settings
from nri_cdi.doctor.node import Node
from nri_cdi.doctor.settings import Settings

MAIN = "/etc/crio/crio.conf"
FOLDER = "/etc/crio/crio.conf.d"
NRI = "[crio.nri]\n"

Version = tuple[int, int, int]


def read(
    root: Path,
    files: dict[str, str],
    *flags: str,
    release: Version | None = (1, 34, 0),
) -> Settings:
    for path, text in files.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return read_settings(Node(str(root)), ("crio", *flags), release)


@pytest.mark.parametrize(
    ("release", "enabled"), [((1, 29, 9), False), ((1, 30, 0), True), (None, None)]
)
def test_nri_came_on_by_default_with_1_30(
    release: Version | None, enabled: bool | None, tmp_path: Path
) -> None:
    found = read(tmp_path, {}, release=release)
    assert found.nri.enabled is enabled
    assert found.cdi.enabled is True


def test_drop_ins_go_over_the_file_in_their_order(tmp_path: Path) -> None:
    files = {
        MAIN: f'{NRI}nri_listen = "/a"\nnri_plugin_dir = "/a"\nenable_nri = false',
        f"{FOLDER}/20-b.conf": f'{NRI}nri_listen = "/b"',
        f"{FOLDER}/10-c.conf": f'{NRI}nri_listen = "/c"\nenable_nri = true',
    }
    found = read(tmp_path, files)
    assert found.nri.socket == "/b"
    assert found.nri.plugin_dir == "/a"
    assert found.nri.enabled is True
    assert found.files == (MAIN, f"{FOLDER}/10-c.conf", f"{FOLDER}/20-b.conf")


@pytest.mark.parametrize(
    ("flags", "socket", "enabled", "connections"),
    [
        (["--nri-listen", "/x"], "/x", True, True),
        (["--nri-listen=/x", "--enable-nri=false"], "/x", False, True),
        (["--nri-disable-connections"], "/a", True, False),
        (["-c", "/nowhere"], "/var/run/nri/nri.sock", True, True),
    ],
)
def test_flags_go_over_files(
    flags: list[str], socket: str, enabled: bool, connections: bool, tmp_path: Path
) -> None:
    nri = read(tmp_path, {MAIN: f'{NRI}nri_listen = "/a"'}, *flags).nri
    assert (nri.socket, nri.enabled, nri.connections) == (socket, enabled, connections)


def test_spec_directories_are_those_of_the_runtime_table(tmp_path: Path) -> None:
    files = {MAIN: '[crio.runtime]\ncdi_spec_dirs = ["/a"]'}
    assert read(tmp_path, files).cdi.spec_dirs == ("/a",)
    flags = ("--cdi-spec-dirs", "/b,/c")
    assert read(tmp_path, files, *flags).cdi.spec_dirs == ("/b", "/c")


def test_the_validator_is_read(tmp_path: Path) -> None:
    text = (
        "[crio.nri.default_validator]\nnri_enable_default_validator = true\n"
        'nri_validator_required_plugins = ["a"]\n'
        'nri_validator_tolerate_missing_plugins_annotation = "t"\n'
    )
    validator = read(tmp_path, {MAIN: text}).nri.validator
    assert (validator.enabled, validator.required, validator.tolerate) == (
        True,
        ("a",),
        "t",
    )


def test_a_file_that_is_not_toml_is_told_and_the_others_count(tmp_path: Path) -> None:
    files = {MAIN: "x", f"{FOLDER}/a": f'{NRI}nri_listen = "/a"'}
    found = read(tmp_path, files)
    assert [path for path, _ in found.problems] == [MAIN]
    assert found.nri.socket == "/a"
