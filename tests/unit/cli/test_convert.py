from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from nri_cdi.cli import main

YAML = """\
cdiVersion: 0.6.0  # enough
kind: v.com/c
devices:
- name: a
  containerEdits:
    env:
    - A=b
"""
JSON = """\
{
  "cdiVersion": "0.6.0",
  "kind": "v.com/c",
  "devices": [
    {
      "name": "a",
      "containerEdits": {
        "env": [
          "A=b"
        ]
      }
    }
  ]
}
"""
BARE = YAML.replace("  # enough", "")
OLDEST = YAML.replace("0.6.0", "0.3.0")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(YAML)
    (tmp_path / "a.json").write_text(JSON)
    (tmp_path / "bare.yaml").write_text(BARE)
    (tmp_path / "stdout.yaml").symlink_to("/dev/stdout")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        # Without further words it becomes the other one,
        (["bare.yaml"], JSON),
        (["a.json"], BARE),
        # with --output what that says,
        (["-o", "yaml", "a.yaml"], YAML),
        (["--to", "json", "bare.yaml"], JSON),
        (["--output", "json", "a.json"], JSON),
        # and if a version is asked for it stays what it is.
        (["--min-version", "a.yaml"], OLDEST),
        (["--min-version", "a.json"], JSON.replace("0.6.0", "0.3.0")),
        (["--version", "1.1.0", "a.yaml"], YAML.replace("0.6.0", "1.1.0")),
        (["--version", "v0.5.0", "a.yaml"], YAML.replace("0.6.0", "0.5.0")),
        (["--min-version", "--to", "yaml", "a.json"], BARE.replace("0.6.0", "0.3.0")),
        (["bare.yaml", "--write", "-"], JSON),
        (["bare.yaml", "--write", "/dev/stdout"], JSON),
        (["bare.yaml", "--write", "/dev/fd/1"], JSON),
        (["bare.yaml", "--write", "stdout.yaml", "--to", "json"], JSON),
    ],
)
def test_a_spec_is_printed(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", *arguments]) == 0
    assert capsys.readouterr() == (text, "")


def test_standard_input_is_converted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(JSON.encode())))
    assert main(["convert", "-"]) == 0
    assert capsys.readouterr() == (BARE, "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (YAML, "1 comment left out; JSON has none"),
        (f"# a\n{YAML}", "2 comments left out; JSON has none"),
    ],
)
def test_comments_that_are_left_out_are_counted(
    text: str, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.yaml").write_text(text)
    assert main(["convert", "a.yaml"]) == 0
    assert capsys.readouterr() == (JSON, f"nri-cdi: a.yaml: {said}\n")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["a.yaml", "--write", "new.json"], JSON),
        (["a.json", "--write", "new.json"], JSON),
        (["a.yaml", "--write", "new.yaml"], YAML),
        (["a.json", "--write", "new.txt"], BARE),
        (["a.yaml", "--write", "new.json", "--to", "yaml"], YAML),
        (["a.yaml", "--write", "new.json", "--min-version"], JSON.replace("6", "3")),
        (["a.yaml", "--write", "new", "--min-version"], OLDEST),
        (["a.yaml", "--write", "new", "--min-version", "--force"], OLDEST),
    ],
)
def test_a_spec_is_written_as_the_name_of_its_file_says(
    arguments: list[str],
    text: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["convert", *arguments]) == 0
    assert capsys.readouterr().out == ""
    assert (folder / arguments[2]).read_text() == text


def test_a_file_that_is_there_is_overwritten_by_force_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["convert", "--min-version", "a.yaml", "--write", "a.yaml"]
    assert main(arguments) == 1
    assert capsys.readouterr() == (
        "",
        "nri-cdi: a.yaml: it is there already; --force overwrites it\n",
    )
    assert (folder / "a.yaml").read_text() == YAML
    assert main([*arguments, "--force"]) == 0
    assert (folder / "a.yaml").read_text() == OLDEST


def test_force_writes_to_the_file_that_a_link_leads_to(folder: Path) -> None:
    (folder / "link.yaml").symlink_to("a.json")
    assert main(["convert", "a.yaml", "--write", "link.yaml", "--force"]) == 0
    assert (folder / "link.yaml").is_symlink()
    assert (folder / "a.json").read_text() == YAML


def test_what_standard_output_is_redirected_to_is_not_replaced(folder: Path) -> None:
    log = folder / "log"
    log.write_text("old\n")
    with log.open("a") as stream:
        command = [sys.executable, "-m", "nri_cdi", "convert", "bare.yaml"]
        subprocess.run(
            [*command, "--write", "/dev/stdout"], stdout=stream, check=True, timeout=60
        )
    assert log.read_text() == f"old\n{JSON}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            YAML.replace("0.6.0", "0.7.0") + "containerEdits: {additionalGids: [1]}\n",
            "nri-cdi: a.yaml: cdiVersion: the version must be at least 0.7.0 for "
            "additionalGids, not 0.3.0\n",
        ),
        (
            YAML + "--- x",
            "nri-cdi: a.yaml:8:1: no reader of specs looks at the document that starts "
            "here; move it to a file of its own\n",
        ),
        (
            YAML.replace("name: a", "name: ''"),
            "nri-cdi: a.yaml:4:3: devices[0].name: the device name is empty\n",
        ),
    ],
)
def test_a_spec_that_can_not_be_converted_is_not(
    text: str, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.yaml").write_text(text)
    assert main(["convert", "--version", "0.3.0", "a.yaml", "--write", "new"]) == 1
    assert capsys.readouterr() == ("", said)
    assert not (folder / "new").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: FILE"),
        (["a.yaml", "--force"], "--force is for --write with a file"),
        (
            ["a.yaml", "--force", "--write", "-"],
            "--force is for --write with a file",
        ),
        (
            ["a.yaml", "--force", "--write", "/dev/stdout"],
            "--force is for --write with a file",
        ),
        (
            ["a.yaml", "--write", "/dev/stderr"],
            "--write needs a file, and can't write to /dev/stderr, which is open "
            "already; leave it out, and redirect standard output",
        ),
        (
            ["a.yaml", "--write", "/dev/fd/63", "--force"],
            "--write needs a file, and can't write to /dev/fd/63, which is open "
            "already; leave it out, and redirect standard output",
        ),
        (
            ["--version", "3", "a.yaml"],
            "argument --version: unknown version '3'; expected one of 0.3.0, 0.4.0, "
            "0.5.0, 0.6.0, 0.7.0, 0.8.0, 1.0.0, 1.1.0",
        ),
        (
            ["--version", "0.3.0", "--min-version", "a.yaml"],
            "argument --min-version: not allowed with argument --version",
        ),
    ],
)
def test_bad_usage_exits_with_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["convert", *arguments])
    assert exited.value.code == 2
    assert capsys.readouterr().err.endswith(f"nri-cdi convert: error: {said}\n")
