"""The server on real sockets, with clients that are up to no good."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from nri_cdi.address import Address, LoopbackAddress, UnixAddress
from nri_cdi.status.listener import BACKLOG
from nri_cdi.status.server import Limits, StatusServer
from nri_cdi.status.snapshot import Observation
from tests.unit.status.living import KIND, Living, write_spec

GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"

SOON_S = 5.0
"""Long enough for anything that is to happen at once."""

SHORT = Limits(
    connections=4,
    answers=2,
    head_s=0.05,
    total_s=0.1,
    look_s=0.01,
    longest_pause_s=0.02,
)
PATIENT = Limits(look_s=0.01, longest_pause_s=0.02)

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, SOON_S))


class Client:
    """A connection to the socket, without any knowledge of HTTP."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, address: Address) -> Client:
        if isinstance(address, LoopbackAddress):
            return cls(*await asyncio.open_connection(address.host, address.port))
        return cls(*await asyncio.open_unix_connection(address.path))

    async def all(self) -> bytes:
        """What comes until the other end closes, if it be with an error."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""
        finally:
            self.writer.close()

    async def ask(self, data: bytes) -> bytes:
        self.writer.write(data)
        return await self.all()


async def ask(address: Address, data: bytes) -> bytes:
    client = await Client.to(address)
    return await client.ask(data)


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 (nothing tells of it)
        await asyncio.sleep(0.001)


@pytest.fixture
def address(tmp_path: Path) -> UnixAddress:
    return UnixAddress(path=str(tmp_path / "status.sock"))


def serving(
    living: Living,
    address: Address,
    work: Callable[[], Awaitable[T]],
    limits: Limits = PATIENT,
) -> T:
    """What ``work`` returns while the server runs."""

    async def served() -> T:
        async with StatusServer(address, living.observe, limits):
            return await work()

    return run(served())


@pytest.mark.parametrize("path", [b"/", b"/status.json", b"/metrics", b"/readyz"])
def test_a_path_is_served_on_the_socket(
    living: Living, address: UnixAddress, path: bytes
) -> None:
    text = serving(living, address, lambda: ask(address, GET % path))
    head, _, body = text.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in head
    assert f"\r\nContent-Length: {len(body)}\r\n".encode() in head
    assert not Path(address.path).exists()


def free_port() -> LoopbackAddress:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return LoopbackAddress(host="127.0.0.1", port=taken.getsockname()[1])


def test_a_port_is_served_to_those_who_ask_for_the_loopback(living: Living) -> None:
    address = free_port()
    evil = b"GET /status.json HTTP/1.1\r\nHost: evil.example\r\n\r\n"

    async def work() -> tuple[bytes, bytes]:
        return await ask(address, GET % b"/healthz"), await ask(address, evil)

    fine, refused = serving(living, address, work)
    assert fine.endswith(b"ok\n")
    assert refused.startswith(b"HTTP/1.1 421 ")
    assert b"trainer" not in refused


def test_many_clients_are_served_at_once(living: Living, address: UnixAddress) -> None:
    async def work() -> list[bytes]:
        paths = [b"/", b"/status.json", b"/metrics", b"/healthz"] * 7
        return await asyncio.gather(*(ask(address, GET % path) for path in paths))

    assert all(b" 200 OK" in text for text in serving(living, address, work))


def test_many_devices_come_whole(
    living: Living, address: UnixAddress, spec_dir: Path
) -> None:
    write_spec(spec_dir, *map(str, range(3000)))
    living.specs.refresh()
    text = serving(living, address, lambda: ask(address, GET % b"/status.json"))
    state = json.loads(text.partition(b"\r\n\r\n")[2])
    assert len(state["devices"]) == 3000
    assert state["devices"][0]["name"] == f"{KIND}=0"


def test_only_the_first_of_several_requests_is_answered(
    living: Living, address: UnixAddress
) -> None:
    text = serving(living, address, lambda: ask(address, GET % b"/healthz" * 5))
    assert text.count(b"HTTP/1.1") == 1


SLOW = (
    ("a silent client", b""),
    ("one that stops in the midst", b"GET / HTTP/1.1\r\nHost: loc"),
    ("one that never ends its headers", b"GET / HTTP/1.1\r\nA: b\r\n"),
)


@pytest.mark.parametrize("data", [row[1] for row in SLOW], ids=[row[0] for row in SLOW])
def test_a_client_without_a_request_is_closed(
    living: Living, address: UnixAddress, data: bytes
) -> None:
    assert serving(living, address, lambda: ask(address, data), SHORT) == b""


def test_a_client_that_sends_a_byte_at_a_time_gets_no_more_time(
    living: Living, address: UnixAddress
) -> None:
    async def work() -> bytes:
        client = await Client.to(address)

        async def drip() -> None:
            for byte in GET % b"/healthz" * 100:
                client.writer.write(bytes([byte]))
                await asyncio.sleep(0.005)

        dripping = asyncio.create_task(drip())
        text = await client.all()
        dripping.cancel()
        return text

    assert serving(living, address, work, SHORT) == b""


def test_a_client_that_does_not_read_is_closed_and_holds_nobody_up(
    living: Living, address: UnixAddress, spec_dir: Path
) -> None:
    write_spec(spec_dir, *map(str, range(8000)))
    living.specs.refresh()

    async def work() -> tuple[bytes, bytes]:
        slow = await Client.to(address)
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
        slow.writer.write(GET % b"/status.json")
        await asyncio.sleep(0.02)
        meanwhile = await ask(address, GET % b"/healthz")
        await asyncio.sleep(0.4)
        slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
        return meanwhile, await slow.all()

    meanwhile, cut = serving(
        living, address, work, Limits(head_s=0.3, total_s=0.35, look_s=1)
    )
    assert meanwhile.endswith(b"ok\n")
    assert not cut.endswith(b"}\n")


def test_a_client_that_goes_away_is_forgotten(
    living: Living, address: UnixAddress, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> bytes:
        for path in (b"/", b"/status.json", b"/metrics", b"/healthz"):
            client = await Client.to(address)
            client.writer.write(GET % path)
            client.writer.transport.abort()
        return await ask(address, GET % b"/healthz")

    with caplog.at_level(logging.WARNING):
        caplog.clear()
        assert serving(living, address, work).endswith(b"ok\n")
    assert caplog.messages == []


def test_more_connections_than_are_allowed_are_closed_at_once(
    living: Living, address: UnixAddress
) -> None:
    async def work() -> tuple[bytes, bytes]:
        idle = [await Client.to(address) for _ in range(SHORT.connections)]
        refused = await ask(address, GET % b"/healthz")
        for client in idle:
            await client.all()
        return refused, await ask(address, GET % b"/healthz")

    limits = Limits(connections=SHORT.connections, head_s=0.3, look_s=1)
    refused, later = serving(living, address, work, limits)
    assert refused == b""
    assert later.endswith(b"ok\n")


def test_no_more_clients_wait_than_are_taken_in_one_go(
    living: Living, address: UnixAddress
) -> None:
    async def work() -> int:
        # The loop has no turn meanwhile.
        waiting = []
        with ExitStack() as stack:
            for _ in range(4 * BACKLOG):
                client = stack.enter_context(socket.socket(socket.AF_UNIX))
                client.setblocking(False)
                waiting.append(client.connect_ex(address.path))
        return waiting.count(0)

    # Linux lets in one more than it was told. Source: net/unix/af_unix.c.
    assert serving(living, address, work) == BACKLOG + 1


def test_a_bomb_is_answered_with_a_line_and_the_end(
    living: Living, address: UnixAddress
) -> None:
    bomb = b"GET / HTTP/1.1\r\nA: " + b"x" * 100_000
    text = serving(living, address, lambda: ask(address, bomb))
    assert text.startswith(b"HTTP/1.1 431 ")


def test_an_address_that_is_taken_is_had_once_it_is_free(
    living: Living, address: UnixAddress, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> bytes:
        other = StatusServer(address, living.observe, PATIENT)
        async with StatusServer(address, living.observe, PATIENT):
            await other.__aenter__()
            assert not other.is_serving
            await asyncio.sleep(0.05)
        await until(lambda: other.is_serving)
        text = await ask(address, GET % b"/healthz")
        await other.__aexit__(None, None, None)
        return text

    with caplog.at_level(logging.ERROR):
        caplog.clear()
        assert run(work()).endswith(b"ok\n")
    assert caplog.messages == [
        f"status: {address} can't be had: another process serves there; containers get "
        "their devices without it, and it is tried again"
    ]


def test_a_socket_that_somebody_removed_is_made_again(
    living: Living, address: UnixAddress
) -> None:
    async def work() -> bytes:
        os.unlink(address.path)  # noqa: PTH108 (it doesn't block)
        await until(lambda: os.path.exists(address.path))  # noqa: PTH110
        return await ask(address, GET % b"/healthz")

    assert serving(living, address, work).endswith(b"ok\n")


def test_to_stop_does_not_wait_for_clients(
    living: Living, address: UnixAddress
) -> None:
    async def work() -> Client:
        return await Client.to(address)

    async def stopped() -> bytes:
        async with StatusServer(address, living.observe):
            client = await work()
            await asyncio.sleep(0.01)
        return await client.all()

    assert run(stopped()) == b""
    assert not Path(address.path).exists()


def test_the_loop_is_free_while_the_answer_is_made(
    living: Living, address: UnixAddress
) -> None:
    async def work() -> list[bytes]:
        answers = asyncio.gather(
            ask(address, GET % b"/status.json"), ask(address, GET % b"/healthz")
        )
        return list(await answers)

    state, healthy = serving(living, address, work)
    assert state.endswith(b"}\n")
    assert healthy.endswith(b"ok\n")


def test_what_is_observed_is_of_the_moment_of_the_request(
    living: Living, address: UnixAddress
) -> None:
    seen: list[Observation] = []

    def observe() -> Observation:
        seen.append(living.observe())
        return seen[-1]

    async def work() -> None:
        async with StatusServer(address, observe):
            await ask(address, GET % b"/healthz")
            assert seen == []
            await ask(address, GET % b"/metrics")
            await ask(address, GET % b"/readyz")

    run(work())
    assert len(seen) == 2
