"""``nri-cdi validate``: every error of every file, with its place."""

from __future__ import annotations

import json
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from nri_cdi.cli import main

GOOD = """\
cdiVersion: 0.5.0
kind: vendor.com/dev
devices: [{name: a, containerEdits: {env: [A=b]}}]
"""
BAD = """\
cdiVersion: 0.5.0
kind: vendor.com/dev
devices:
- name: a
  containerEdits:
    env: [A]
    deviceNodes: [{path: /dev/a, type: x}]
"""
WARNED = """\
cdiVersion: 0.7.0
kind: vendor.com/rdt
devices: [{name: a, containerEdits: {intelRdt: {enableCMT: true}}}]
"""
WARNING = (
    "enableCMT is not a field of the CDI spec any more; it has no effect; "
    "enableMonitoring took its place in 1.1.0"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with specs, which is the current one."""
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(BAD)
    (tmp_path / "warned.json").write_text(WARNED)
    (tmp_path / "other.txt").write_text("x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_people_get_a_line_for_each_problem_and_each_good_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "."]) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "./bad.yaml:6:11: error: devices[0].containerEdits.env[0]: environment "
        "variable 'A' is not NAME=value [invalid-env]",
        "./bad.yaml:7:34: error: devices[0].containerEdits.deviceNodes[0].type: device "
        "type 'x' is not b, c, u or p [invalid-device-type]",
        "./good.yaml: ok",
        "./warned.json:3:49: warning: devices[0].containerEdits.intelRdt.enableCMT: "
        f"{WARNING} [removed-field]",
        "./warned.json: ok",
    ]
    assert printed.err == "nri-cdi: 3 files, 2 ok: 2 errors, 1 warning\n"


def test_programs_get_the_shape_that_scripts_rely_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "-o", "json", "good.yaml", "bad.yaml", "warned.json"]) == 1
    printed = capsys.readouterr()
    assert printed.err == ""
    assert json.loads(printed.out) == {
        "files": [
            {"path": "good.yaml", "ok": True, "errors": [], "warnings": []},
            {
                "path": "bad.yaml",
                "ok": False,
                "errors": [
                    {
                        "rule": "invalid-env",
                        "message": "environment variable 'A' is not NAME=value",
                        "line": 6,
                        "column": 11,
                        "pointer": "devices[0].containerEdits.env[0]",
                    },
                    {
                        "rule": "invalid-device-type",
                        "message": "device type 'x' is not b, c, u or p",
                        "line": 7,
                        "column": 34,
                        "pointer": "devices[0].containerEdits.deviceNodes[0].type",
                    },
                ],
                "warnings": [],
            },
            {
                "path": "warned.json",
                "ok": True,
                "errors": [],
                "warnings": [
                    {
                        "rule": "removed-field",
                        "message": WARNING,
                        "line": 3,
                        "column": 49,
                        "pointer": "devices[0].containerEdits.intelRdt.enableCMT",
                    }
                ],
            },
        ]
    }


def test_yaml_has_the_same_shape(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "-o", "yaml", "good.yaml"]) == 0
    assert capsys.readouterr().out == (
        "files:\n- path: good.yaml\n  ok: true\n  errors: []\n  warnings: []\n"
    )


def test_without_arguments_the_spec_directories_are_meant(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.yaml").unlink()
    status = main(["validate", "--spec-dir", str(folder), "--spec-dir", "/nowhere"])
    assert status == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == f"{folder}/good.yaml: ok"
    assert printed.err == "nri-cdi: 2 files, 2 ok: 0 errors, 1 warning\n"


def test_a_spec_directory_that_is_none_is_an_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "--spec-dir", "good.yaml"]) == 1
    assert capsys.readouterr().out == (
        "good.yaml: error: the directory can't be listed: not a directory "
        "[unreadable-file]\n"
    )


def test_nothing_to_validate_is_fine_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == (
        "",
        f"nri-cdi: there are no specs in {tmp_path}\n",
    )


def test_a_file_that_is_not_there_is_not_ok(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "good.yaml", "none.yaml", "no\udcffne.yaml"]) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "good.yaml: ok",
        "none.yaml: error: the file can't be read: no such file or directory "
        "[unreadable-file]",
        "no\\udcffne.yaml: error: the file can't be read: no such file or directory "
        "[unreadable-file]",
    ]


def test_a_path_that_is_too_long_is_not_ok(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "-o", "json", "x" * 5000]) == 1
    [file] = json.loads(capsys.readouterr().out)["files"]
    assert file["errors"][0]["message"] == "the file can't be read: file name too long"


@pytest.mark.parametrize(("text", "status"), [(GOOD, 0), (BAD, 1), ("", 1)])
def test_standard_input(
    text: str,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(text.encode())))
    assert main(["validate", "-"]) == status
    assert capsys.readouterr().out.startswith("<stdin>:")


def test_standard_input_twice_is_bad_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["validate", "-", "-"]) == 2
    assert capsys.readouterr() == (
        "",
        "nri-cdi: command line: FILE: standard input can be read only once\n",
    )


def test_files_that_exclude_each_other_are_valid_and_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.yaml").write_text(GOOD)
    assert main(["validate", str(folder)]) == 0
    assert capsys.readouterr().err.splitlines()[1:] == [
        "nri-cdi: nobody gets vendor.com/dev=a: several files define it; see nri-cdi "
        "lint"
    ]
    (folder / "warned.json").write_text(WARNED.replace("0.7.0", "0.8.0"))
    (folder / "z.json").write_text(WARNED)
    assert main(["validate", str(folder)]) == 0
    assert capsys.readouterr().err.splitlines()[1:] == [
        "nri-cdi: nobody gets vendor.com/dev=a and 1 more: several files define it; "
        "see nri-cdi lint"
    ]


def test_files_that_are_named_one_by_one_are_not_compared(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "good.yaml", "good.yaml"]) == 0
    assert capsys.readouterr().err == ("nri-cdi: 2 files, 2 ok: 0 errors, 0 warnings\n")
