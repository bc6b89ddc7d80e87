"""What the plugin that runs here is asked, and what comes of other answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from nri_cdi.address import UnixAddress
from nri_cdi.cli.pluginstate import plugin_state
from nri_cdi.config import Config
from nri_cdi.holders import Holder
from tests.unit.status.living import KIND, Living, write_spec
from tests.unit.status.serving import served

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def address(tmp_path: Path) -> UnixAddress:
    return UnixAddress(path=str(tmp_path / "status.sock"))


@pytest.fixture
def living(tmp_path: Path) -> Living:
    folder = tmp_path / "cdi"
    folder.mkdir()
    write_spec(folder, "0", "1")
    return Living(Config(spec_dirs=(str(folder),)))


def test_a_holder_has_what_it_asked_for_and_not_what_that_keeps_from_others(
    living: Living, address: UnixAddress
) -> None:
    [folder] = living.config.spec_dirs
    write_spec(Path(folder), "0", "uuid", deviceNodes=[{"path": "/dev/null"}])
    living.specs.refresh()
    living.config = replace(living.config, exclusive=(f"{KIND}=*",))
    living.plugin.use(living.config)
    living.connect("2.1.9")
    assert living.ask(f"{KIND}=0", pod="a") == ""
    assert living.state()["devices"][1]["holders"] != []
    with served(living, address):
        state = plugin_state(str(address))
    assert state is not None
    [holder] = state.holders
    assert holder.devices == (f"{KIND}=0",)


def test_the_runtime_and_who_holds_what_are_known(
    living: Living, address: UnixAddress, capsys: Capture
) -> None:
    living.connect("2.1.9")
    assert living.ask(f"{KIND}=0", f"{KIND}=1", pod="a") == ""
    assert living.ask(f"{KIND}=1", pod="b", container="side") == ""
    with served(living, address):
        state = plugin_state(str(address))
    assert state is not None
    assert str(state.runtime) == "containerd 2.1.9 (NRI 0.8)"
    first, second = state.holders
    assert (first.pod, first.container) == ("a", "main")
    assert first.devices == (f"{KIND}=0", f"{KIND}=1")
    [known, _] = living.plugin.holders.all()
    assert first == Holder(
        namespace=known.namespace,
        pod="a",
        container="main",
        container_id=known.container_id,
        pod_uid="",
        devices=known.devices,
    )
    assert (second.pod, second.container) == ("b", "side")
    assert second.devices == (f"{KIND}=1",)
    assert capsys.readouterr().err == ""


def test_before_the_first_connection_the_runtime_is_not_known(
    living: Living, address: UnixAddress
) -> None:
    with served(living, address):
        state = plugin_state(str(address))
    assert state is not None
    assert (state.runtime, state.holders) == (None, ())


def test_a_plugin_that_does_not_run_is_told(
    address: UnixAddress, capsys: Capture
) -> None:
    assert plugin_state(str(address)) is None
    said = capsys.readouterr().err
    assert said.startswith(
        f"nri-cdi: the plugin's state is not known: {address}: there is no such socket"
    )


@contextmanager
def answering(address: UnixAddress, body: bytes, status: str) -> Iterator[None]:
    """Another program at the address."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address.path)
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1 << 16)
                length = f"Content-Length: {len(body)}\r\n\r\n"
                connection.sendall(f"HTTP/1.1 {status}\r\n{length}".encode() + body)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>", "200 OK"),
        (b"{}", "200 OK"),
        (b"[1]", "200 OK"),
        (b'{"runtime": 3, "devices": []}', "200 OK"),
        (b'{"runtime": {"nriVersion": 3}, "devices": []}', "200 OK"),
        (b'{"runtime": {"nriVersion": ""}, "devices": [3]}', "200 OK"),
        (b"\xff", "200 OK"),
        (b"[" * 100_000, "200 OK"),
    ],
)
def test_what_another_program_says_is_no_state(
    address: UnixAddress, body: bytes, status: str, capsys: Capture
) -> None:
    with answering(address, body, status):
        assert plugin_state(str(address)) is None
    assert capsys.readouterr().err == (
        f"nri-cdi: the plugin's state is not known: {address}: what answers there "
        "is no nri-cdi, or one of another release\n"
    )
