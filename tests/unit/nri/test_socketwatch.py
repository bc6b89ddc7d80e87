"""The watch for a runtime's socket, on a real inotify."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nri_cdi.nri.socketwatch import SocketWatch

DEADLINE_S = 5.0


@contextmanager
def listening(path: Path) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        yield


def wait(watch: SocketWatch) -> bool:
    """Whether the watch says, before the deadline, that the socket may be there."""
    while select.select([watch], [], [], DEADLINE_S)[0]:
        if watch.read():
            return True
    return False


def quiet(watch: SocketWatch) -> bool:
    """Whether the watch has nothing to say of what has happened until now."""
    said = False
    while select.select([watch], [], [], 0)[0]:
        said |= watch.read()
    return not said


def test_a_socket_appears_in_its_directory(tmp_path: Path) -> None:
    path = tmp_path / "nri.sock"
    with SocketWatch(str(path)) as watch:
        assert quiet(watch)
        with listening(path):
            assert wait(watch)


def test_a_socket_that_is_replaced_appears_again(tmp_path: Path) -> None:
    path = tmp_path / "nri.sock"
    with listening(path):
        watch = SocketWatch(str(path))
    with watch:
        path.unlink()
        assert quiet(watch)
        with listening(path):
            assert wait(watch)
        path.rename(tmp_path / "elsewhere")
        assert quiet(watch)
        (tmp_path / "elsewhere").rename(path)
        assert wait(watch)


@pytest.mark.parametrize("levels", [1, 2, 4])
def test_directories_may_be_made_later(tmp_path: Path, levels: int) -> None:
    path = tmp_path.joinpath(*"abcd"[:levels], "nri.sock")
    with SocketWatch(str(path)) as watch:
        for directory in reversed(path.parents[:levels]):
            directory.mkdir()
            assert quiet(watch)
        with listening(path):
            assert wait(watch)


def test_directories_and_socket_made_at_once_are_found(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "nri.sock"
    with SocketWatch(str(path)) as watch:
        path.parent.mkdir(parents=True)
        with listening(path):
            assert wait(watch)


def _rename(directory: Path) -> None:
    directory.rename(directory.with_name("old"))


def _remove(directory: Path) -> None:
    directory.rmdir()


@pytest.mark.parametrize("lose", [_rename, _remove])
def test_a_directory_that_goes_and_comes_back_is_watched_again(
    tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    path = tmp_path / "nri" / "nri.sock"
    path.parent.mkdir()
    with SocketWatch(str(path)) as watch:
        lose(path.parent)
        assert quiet(watch)
        path.parent.mkdir()
        assert quiet(watch)
        with listening(path):
            assert wait(watch)


def test_other_files_are_none_of_its_business(tmp_path: Path) -> None:
    with SocketWatch(str(tmp_path / "nri" / "nri.sock")) as watch:
        (tmp_path / "noise").write_text("x")
        assert quiet(watch)
        (tmp_path / "nri").mkdir()
        assert quiet(watch)
        (tmp_path / "nri" / "noise").write_text("x")
        (tmp_path / "more").mkdir()
        assert quiet(watch)


def test_descriptors_are_given_back(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(200):
        SocketWatch(str(tmp_path / "nri.sock")).close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
