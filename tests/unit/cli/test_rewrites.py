from __future__ import annotations

from pathlib import Path

import pytest

from nri_cdi.cli.rewrites import print_text, write_text


def test_text_is_printed_behind_what_was_printed_before(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print("a")
    assert print_text("\xe9\n") == 0
    assert capsys.readouterr() == ("a\n\xe9\n", "")


def test_text_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert write_text(str(path), "\xe9\n", overwrite=False) == 0
    assert path.read_bytes() == b"\xc3\xa9\n"


def test_what_is_there_stays_unless_it_may_be_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    assert write_text(str(path), "new", overwrite=False) == 1
    assert capsys.readouterr() == (
        "",
        f"nri-cdi: {path}: it is there already; --force overwrites it\n",
    )
    assert path.read_text() == "old"
    assert write_text(str(path), "new") == 0
    assert path.read_text() == "new"


def test_what_can_not_be_written_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a" / "b"
    assert write_text(str(path), "new") == 1
    assert capsys.readouterr() == (
        "",
        f"nri-cdi: {path}: it can't be written: no such file or directory\n",
    )
