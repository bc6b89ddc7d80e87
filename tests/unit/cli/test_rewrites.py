from __future__ import annotations

import os
from pathlib import Path

import pytest

from nri_cdi.cli.rewrites import (
    is_standard_output,
    open_stream,
    print_text,
    write_text,
)


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


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Some links, and a file; the name of their directory, which is the current one."""
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("link").symlink_to("/dev/stdout")
    Path("link-to-link").symlink_to("link")
    Path("loop").symlink_to("loop")
    return tmp_path.name


@pytest.mark.parametrize(
    "path",
    [
        *("/dev/stdout", "//dev/./stdout", "/dev/../dev/stdout"),
        *("/dev/fd/1", "/proc/self/fd/1", f"/proc/{os.getpid()}/fd/1"),
        *("link", "link-to-link", "../{}/link"),
    ],
    # The process has another number each time, and there may be two.
    ids=lambda path: path.replace(str(os.getpid()), "PID"),
)
def test_standard_output_has_many_names(path: str, links: str) -> None:
    stream = open_stream(path.format(links))
    assert stream is not None
    assert is_standard_output(stream)


@pytest.mark.parametrize(
    "path",
    [
        *("/dev/stdin", "/dev/stderr", "/dev/fd/2", "/dev/fd/63", "/proc/self/fd/0"),
        *("/proc/1/fd/1", "/proc/thread-self/fd/1"),
    ],
)
def test_what_a_process_has_open_is_told_from_files(path: str) -> None:
    stream = open_stream(path)
    assert stream is not None
    assert not is_standard_output(stream)


@pytest.mark.parametrize(
    "path",
    [
        *("/dev/null", "/dev/stdout.yaml", "/dev/fd", "/dev/fd/x", "/dev/stdout/a"),
        *("missing/fd/1", "loop", "file", "", "a\0b", "a" * 5000),
    ],
)
@pytest.mark.usefixtures("links")
def test_files_are_not_open_already(path: str) -> None:
    assert open_stream(path) is None
