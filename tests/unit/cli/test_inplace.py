"""A file that is changed in its place, by one process at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from pathlib import Path

import pytest

from nri_cdi.cli import inplace
from nri_cdi.cli.inplace import rewrite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "f"
    path.write_text("old")
    return path


def test_a_file_is_replaced_where_a_link_leads_to(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("f")
    rewrite(str(tmp_path / "link"), lambda: path.read_bytes() + b", new")
    assert path.read_text() == "old, new"
    assert (tmp_path / "link").readlink() == Path("f")


def _write_again(path: Path) -> None:
    path.write_text("other")


def _replace(path: Path) -> None:
    path.with_name("temporary").write_text("other")
    path.with_name("temporary").rename(path)


@pytest.mark.parametrize("change", [_write_again, _replace, Path.unlink])
def test_what_others_do_meanwhile_is_kept(path: Path, change: object) -> None:
    assert callable(change)

    def make() -> bytes:
        change(path)
        return b"new"

    with pytest.raises(OSError, match="changed meanwhile; run the command again"):
        rewrite(str(path), make)
    assert not path.exists() or path.read_text() == "other"
    assert len(list(path.parent.iterdir())) == path.exists()


def test_one_waits_for_the_other(path: Path) -> None:
    def add_one() -> None:
        for _ in range(25):
            rewrite(str(path), lambda: path.read_bytes() + b"x")

    threads = [threading.Thread(target=add_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == "old" + "x" * 100


def test_nobody_waits_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inplace, "LOCK_WAIT_S", 0.02)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="another process has its directory locked"):
            rewrite(str(path), lambda: b"new")
    finally:
        os.close(folder)
    assert path.read_text() == "old"
    rewrite(str(path), lambda: b"new")
    assert path.read_text() == "new"


def test_where_there_are_no_locks_it_goes_without(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: int, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    rewrite(str(path), lambda: b"new")
    assert path.read_text() == "new"


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        rewrite(str(tmp_path / "none" / "f"), lambda: b"new")
