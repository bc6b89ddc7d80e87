from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nri_cdi.address import UnixAddress
from nri_cdi.status.client import StatusUnavailableError, fetch
from tests.unit.status.living import Living
from tests.unit.status.serving import served


@pytest.fixture
def address(tmp_path: Path) -> UnixAddress:
    return UnixAddress(path=str(tmp_path / "status.sock"))


@contextmanager
def answering(
    address: UnixAddress, answer: bytes, *, then_close: bool
) -> Iterator[None]:
    """Somebody else at the address, who says the same to everybody."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address.path)
        listening.listen()
        kept = []

        def serve() -> None:
            connection, _ = listening.accept()
            connection.recv(1 << 16)
            connection.sendall(answer)
            kept.append(connection)
            if then_close:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()
        for connection in kept:
            connection.close()


def test_what_is_served_is_fetched(living: Living, address: UnixAddress) -> None:
    with served(living, address):
        assert fetch(address, "/healthz") == (200, b"ok\n")
        assert fetch(address, "/nothing")[0] == 404
        status, body = fetch(address, "/status.json")
    assert status == 200
    assert body.endswith(b"}\n")


def test_nobody_there_is_said_in_words(address: UnixAddress) -> None:
    with pytest.raises(StatusUnavailableError) as missing:
        fetch(address, "/")
    assert str(missing.value) == (
        f"{address}: there is no such socket: the plugin doesn't run, or its "
        "configuration has another status address, or none"
    )
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(address.path)
    with pytest.raises(StatusUnavailableError, match="nobody serves there: the plugin"):
        fetch(address, "/")


STRANGERS = (
    ("silence", b"", True, "it ended without an answer|no nri-cdi"),
    ("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", True, "is no nri-cdi"),
    (
        "half an answer",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        True,
        "is no nri-cdi",
    ),
    ("no end", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", False, "in time"),
)


@pytest.mark.parametrize(
    ("answer", "then_close", "words"),
    [row[1:] for row in STRANGERS],
    ids=[row[0] for row in STRANGERS],
)
def test_another_program_there_is_said_in_words(
    address: UnixAddress, answer: bytes, then_close: bool, words: str
) -> None:
    with (
        answering(address, answer, then_close=then_close),
        pytest.raises(StatusUnavailableError, match=words),
    ):
        fetch(address, "/", timeout_s=0.2)


def test_a_socket_that_may_not_be_used_is_said_in_words() -> None:
    with pytest.raises(StatusUnavailableError, match="directory"):
        fetch(UnixAddress(path="/dev/null/status.sock"), "/")
