from __future__ import annotations

import copy
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.address import UnixAddress
from nri_cdi.status.client import StatusUnavailableError
from nri_cdi.status.state import SHAPE, fetch_state, fits
from tests.unit.status.living import KIND, Living, write_spec

DRIP_S = 0.02
PATIENCE_S = 0.1

NODES = "vendor.com/nodes"


@pytest.fixture
def address(tmp_path: Path) -> UnixAddress:
    return UnixAddress(path=str(tmp_path / "status.sock"))


@contextmanager
def answering(address: UnixAddress, *pieces: bytes) -> Iterator[None]:
    """One client gets these bytes, a moment between each and the next."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address.path)
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.recv(1 << 16)
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(DRIP_S)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def http(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def whole(living: Living, spec_dir: Path) -> Any:
    """A state in which no list is empty."""
    living.ask(f"{KIND}=0", pod="trainer")
    living.ask(f"{KIND}=none", pod="trainer")
    nodes = [{"path": "/dev/null"}]
    write_spec(spec_dir, "a", "b", kind=NODES, deviceNodes=nodes, additionalGids=[5])
    living.config = replace(living.config, exclusive=(f"{NODES}=a",))
    living.reading = replace(living.reading, wanted=replace(living.config, index="20"))
    living.plugin.use(living.config)
    living.specs.refresh()
    living.ask(f"{NODES}=a", pod="trainer-of-a")
    (spec_dir / "broken.yaml").write_text("a: 1\n")
    write_spec(spec_dir, "x", kind="vendor.com/net")
    (spec_dir / "twice.json").write_text((spec_dir / "vendor.com-net.json").read_text())
    living.specs.refresh()
    return living.state()


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of a state's values, those of whole lists and mappings too."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list) and value:
        yield from leaves(value[0], (*path, 0))


def test_a_plugins_state_is_one(
    living: Living, spec_dir: Path, address: UnixAddress
) -> None:
    state = whole(living, spec_dir)
    for key in ("devices", "decisions"):
        assert state[key], key
    assert state["specs"]["errors"]
    assert state["specs"]["conflicts"]
    with answering(address, http(json.dumps(state).encode())):
        assert fetch_state(address) == state


def test_of_another_type_nothing_is_accepted(living: Living, spec_dir: Path) -> None:
    state = whole(living, spec_dir)
    accepted = set()
    for path in leaves(state):
        changed: Any = {"": copy.deepcopy(state)}
        *way, last = ("", *path)
        place = changed
        for step in way:
            place = place[step]
        place[last] = b"of no type that JSON has"
        if fits(changed[""], SHAPE):
            accepted.add(path)
    # Only written for other programs.
    assert accepted == {("runtime", "requestTimeoutS")}


def test_what_need_not_be_there_has_its_type_as_well(
    living: Living, spec_dir: Path
) -> None:
    state = whole(living, spec_dir)
    [holder] = [
        holder
        for device in state["devices"]
        for holder in device["holders"]
        if "as" in holder
    ]
    assert fits(state, SHAPE)
    holder["as"] = None
    assert not fits(state, SHAPE)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[1]", b"null", b"{}", b"\xff", b"[" * 100_000, b"9" * 5000],
)
def test_what_another_program_says_is_no_state(
    address: UnixAddress, body: bytes
) -> None:
    with answering(address, http(body)), pytest.raises(StatusUnavailableError) as no:
        fetch_state(address)
    assert str(no.value) == (
        f"{address}: what answers there is no nri-cdi, or one of another release"
    )


def test_an_error_of_another_program_is_repeated_in_part(address: UnixAddress) -> None:
    said = b"\x1b[31mno\n" + b"x" * 10_000
    with (
        answering(address, http(said, "404 Not Found")),
        pytest.raises(StatusUnavailableError) as no,
    ):
        fetch_state(address)
    assert str(no.value).startswith(
        f"{address}: it answers 404: \\x1b[31mno\\n" + "xxx"
    )
    assert len(str(no.value)) < 1000


def test_who_drips_does_not_keep_us(address: UnixAddress) -> None:
    with (
        answering(address, http(b" " * 20)[:-20], *[b" "] * 20),
        pytest.raises(StatusUnavailableError, match="no answer in time"),
    ):
        fetch_state(address, PATIENCE_S)
