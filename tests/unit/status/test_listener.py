from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from nri_cdi.address import LoopbackAddress, UnixAddress
from nri_cdi.status.listener import Listener


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run/nri-cdi/status.sock"


@pytest.fixture
def listener(path: Path) -> Iterator[Listener]:
    listener = Listener(UnixAddress(path=str(path)))
    yield listener
    listener.remove()


def left_behind(path: Path) -> None:
    """The socket of a process that was killed."""
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()


def test_the_socket_is_its_owners_alone(listener: Listener, path: Path) -> None:
    before = os.umask(0)
    try:
        with listener.open():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
            assert listener.is_ours()
    finally:
        os.umask(before)


def test_what_a_dead_process_left_is_replaced(listener: Listener, path: Path) -> None:
    left_behind(path)
    with listener.open(), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert listener.is_ours()


def test_a_socket_that_is_served_is_left_alone(listener: Listener, path: Path) -> None:
    other = Listener(listener.address)
    with other.open():
        with pytest.raises(OSError, match="another process serves there"):
            listener.open()
        assert other.is_ours()
        assert not listener.is_ours()
        listener.remove()
        assert path.exists()


def test_a_socket_with_a_full_queue_is_alive(listener: Listener, path: Path) -> None:
    other = Listener(listener.address)
    with other.open():
        clients = [socket.socket(socket.AF_UNIX) for _ in range(64)]
        try:
            for client in clients:
                client.setblocking(False)
                if client.connect_ex(str(path)) == errno.EAGAIN:
                    break
            else:
                pytest.fail("the queue never became full")
            with pytest.raises(OSError, match="another process serves there"):
                listener.open()
        finally:
            for client in clients:
                client.close()
    other.remove()


OTHERS = ("a file", "a directory", "a FIFO", "a link to a file", "a dangling link")


@pytest.mark.parametrize("what", OTHERS)
def test_nothing_but_a_socket_is_ever_replaced(
    listener: Listener, path: Path, what: str
) -> None:
    path.parent.mkdir(parents=True)
    target = path.with_name("target")
    if what == "a file":
        path.write_text("precious")
    elif what == "a directory":
        path.mkdir()
    elif what == "a FIFO":
        os.mkfifo(path)
    else:
        path.symlink_to(target)
        if what == "a link to a file":
            target.write_text("precious")
    before = path.lstat()
    with pytest.raises(FileExistsError, match="something that is no socket is there"):
        listener.open()
    assert os.path.samestat(before, path.lstat())


def test_the_socket_goes_at_the_end_if_it_is_ours(
    listener: Listener, path: Path
) -> None:
    with listener.open():
        listener.remove()
    assert not path.exists()
    listener.remove()


def test_a_socket_that_took_its_place_stays(listener: Listener, path: Path) -> None:
    other = Listener(listener.address)
    with listener.open():
        path.rename(path.with_name("old"))
        with other.open():
            assert not listener.is_ours()
            listener.remove()
            assert other.is_ours()
    path.with_name("old").unlink()
    other.remove()


def test_a_directory_that_can_not_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    listener = Listener(UnixAddress(path=str(tmp_path / "file/status.sock")))
    with pytest.raises(OSError, match=r"file"):
        listener.open()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_of_the_loopback_can_be_had_once(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as taken:
        try:
            taken.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        taken.listen()
        port = taken.getsockname()[1]
        listener = Listener(LoopbackAddress(host=host, port=port))
        with pytest.raises(OSError, match="in use"):
            listener.open()
    with listener.open() as opened:
        assert opened.getsockname()[:2] == (host, port)
        assert listener.is_ours()
