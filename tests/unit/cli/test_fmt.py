from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from nri_cdi.cdi.formatting import format_spec
from nri_cdi.cli import main
from tests.unit.cli.untouched import untouched

MESSY = """\
kind: v.com/c # of all
cdiVersion: "0.6.0"
devices: [{name: 0, containerEdits: {env: [A=b]}}]
"""
CANONICAL = """\
cdiVersion: 0.6.0
kind: v.com/c  # of all
devices:
- name: "0"
  containerEdits:
    env:
    - A=b
"""
DIFF = """\
@@ -1,3 +1,7 @@
-kind: v.com/c # of all
-cdiVersion: "0.6.0"
-devices: [{name: 0, containerEdits: {env: [A=b]}}]
+cdiVersion: 0.6.0
+kind: v.com/c  # of all
+devices:
+- name: "0"
+  containerEdits:
+    env:
+    - A=b
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(CANONICAL)
    (tmp_path / "b.yaml").write_text("kind: x\n")
    (tmp_path / "c.yaml").write_text(MESSY)
    (tmp_path / "d.txt").write_text("no spec")
    return tmp_path


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    path = tmp_path / "messy.yaml"
    path.write_text(MESSY)
    return path


def _stdin(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_one_spec_is_printed(messy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt", str(messy)]) == 0
    assert capsys.readouterr() == (CANONICAL, "")
    assert messy.read_text() == MESSY


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_standard_input_is_printed(
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _stdin(monkeypatch, MESSY)
    assert main(["fmt", *arguments]) == 0
    assert capsys.readouterr() == (CANONICAL, "")


def test_what_is_printed_is_utf_8(
    messy: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    messy.write_text(MESSY.replace("A=b", "A=\xe9"))
    sys.stdout.reconfigure(encoding="latin-1")  # type: ignore[union-attr]
    assert main(["fmt", str(messy)]) == 0
    assert "A=\xe9".encode() in capfdbinary.readouterr().out


def test_check_names_the_files_that_would_change(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "b.yaml").unlink()
    assert main(["fmt", "--check", str(folder)]) == 1
    assert capsys.readouterr() == (f"{folder}/c.yaml\n", "")
    assert (folder / "c.yaml").read_text() == MESSY


def test_check_is_silent_where_nothing_would_change(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fmt", "--check", str(folder / "a.yaml")]) == 0
    assert capsys.readouterr() == ("", "")


def test_an_invalid_spec_has_all_its_errors_said_and_the_others_are_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fmt", "-w", str(folder)]) == 1
    output, messages = capsys.readouterr()
    assert output == f"{folder}/c.yaml\n"
    assert messages.count(f"nri-cdi: {folder}/b.yaml:1:1: ") == 3
    assert (folder / "b.yaml").read_text() == "kind: x\n"
    assert (folder / "c.yaml").read_text() == CANONICAL


def test_what_can_not_be_kept_is_left_alone(
    messy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    messy.write_text(text := MESSY + "---\n")
    assert main(["fmt", "--write", str(messy)]) == 1
    assert capsys.readouterr() == (
        "",
        f"nri-cdi: {messy}:4:1: no reader of specs looks at the document that starts "
        "here; move it to a file of its own\n",
    )
    assert messy.read_text() == text


def test_written_files_keep_their_mode_and_links_stay_links(
    messy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    messy.chmod(0o640)
    link = messy.with_name("link.yaml")
    link.symlink_to(messy.name)
    assert main(["fmt", "--write", str(link)]) == 0
    assert capsys.readouterr() == (f"{link}\n", "")
    assert link.is_symlink()
    assert messy.stat().st_mode & 0o7777 == 0o640
    assert messy.read_text() == CANONICAL


def test_a_file_in_canonical_form_is_not_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = untouched(folder / "a.yaml")
    assert main(["fmt", "--write", str(folder / "a.yaml")]) == 0
    assert capsys.readouterr() == ("", "")
    assert untouched(folder / "a.yaml") == before


def test_a_file_that_can_not_be_written_is_said(
    messy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nri_cdi.cli.rewrites.replace_file", fail)
    assert main(["fmt", "--write", str(messy)]) == 1
    assert capsys.readouterr() == (
        "",
        f"nri-cdi: {messy}: it can't be written: no space left on device\n",
    )


@pytest.mark.parametrize("saved", ["new", None])
def test_a_file_that_changes_meanwhile_is_left_alone(
    saved: str | None,
    messy: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def format_while_somebody_saves(data: bytes, path: str) -> str:
        if saved is None:
            messy.unlink()
        else:
            messy.write_text(saved)
        return format_spec(data, path)

    monkeypatch.setattr("nri_cdi.cli.fmt.format_spec", format_while_somebody_saves)
    assert main(["fmt", "--write", str(messy)]) == 1
    said = (
        "it has changed meanwhile, and is left alone; try again"
        if saved
        else "the file can't be read: no such file or directory"
    )
    assert capsys.readouterr() == ("", f"nri-cdi: {messy}: {said}\n")
    assert saved is None or messy.read_text() == saved


def test_diff_shows_what_would_change(
    messy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fmt", "--diff", str(messy)]) == 0
    expected = f"--- {messy}\n+++ {messy} (canonical)\n{DIFF}"
    assert capsys.readouterr() == (expected, "")
    assert messy.read_text() == MESSY


@pytest.mark.parametrize(("flag", "status"), [("--check", 1), ("--write", 0)])
def test_diff_takes_the_place_of_names(
    flag: str, status: int, messy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fmt", "--diff", flag, str(messy)]) == status
    assert capsys.readouterr().out == (f"--- {messy}\n+++ {messy} (canonical)\n{DIFF}")


def test_diff_shows_line_ends(messy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    messy.write_bytes(CANONICAL.removesuffix("\n").replace("of all", "of\r").encode())
    assert main(["fmt", "--diff", str(messy)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == [
        "-    - A=b",
        "\\ No newline at end of file",
        "+    - A=b",
    ]


HOSTILE = """\
{
\t"cdiVersion": "0.6.0",
\t"kind": "v.com/c",\r
\t"devices": [{"name": "a", "containerEdits": {"env": ["A=\\\\\x7f\x9b2J\u202e"]}}]
}
"""


def test_a_terminal_is_told_that_a_spec_is_read_from_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _stdin(monkeypatch, MESSY)
    monkeypatch.setattr(sys.stdin.buffer, "isatty", lambda: True)
    assert main(["fmt"]) == 0
    hint = "reading a spec from standard input; end it with Ctrl-D, or name a FILE"
    assert capsys.readouterr() == (CANONICAL, f"nri-cdi: {hint}\n")
    _stdin(monkeypatch, MESSY)
    assert main(["fmt"]) == 0
    assert capsys.readouterr() == (CANONICAL, "")


def test_a_diff_can_not_speak_to_the_terminal(
    messy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    messy.write_bytes(HOSTILE.encode())
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["fmt", "--diff", str(messy)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[5:8] == [
        '-\t"kind": "v.com/c",\\r',
        '-\t"devices": [{"name": "a", "containerEdits": {"env": '
        '["A=\\\\\\x7f\\x9b2J\\u202e"]}}]',
        '+  "cdiVersion": "0.6.0",',
    ]


def test_a_diff_for_a_program_has_the_bytes_of_the_file(
    messy: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    messy.write_bytes(HOSTILE.encode())
    assert main(["fmt", "--diff", str(messy)]) == 0
    output = capfdbinary.readouterr().out
    assert all(b"-" + line in output for line in HOSTILE.encode().split(b"\n")[1:4])


def test_the_diff_of_standard_input_has_its_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _stdin(monkeypatch, MESSY)
    assert main(["fmt", "--diff", "-"]) == 0
    assert capsys.readouterr().out.startswith("--- <stdin>\n+++ <stdin> (canonical)\n")


def test_a_directory_without_specs_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fmt", str(tmp_path)]) == 0
    assert capsys.readouterr() == ("", f"nri-cdi: there are no specs in {tmp_path}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--write", "--check", "x"],
            "--check writes nothing; leave it or --write out",
        ),
        (["--write"], "--write needs files, and can't write to standard input"),
        (["-w", "x", "-"], "--write needs files, and can't write to standard input"),
        (
            ["-w", "x", "/dev/stdin"],
            "--write needs files, and can't write to /dev/stdin, which is open already",
        ),
        (
            ["-w", "/dev/fd/3"],
            "--write needs files, and can't write to /dev/fd/3, which is open already",
        ),
        (["--check", "-", "-"], "standard input can be read only once"),
        (
            ["x", "y"],
            "2 files can't be printed as one; use --write, --check or --diff, or name "
            "one file",
        ),
    ],
)
def test_bad_usage_exits_with_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["fmt", *arguments])
    assert exited.value.code == 2
    assert capsys.readouterr().err.endswith(f"nri-cdi fmt: error: {said}\n")
