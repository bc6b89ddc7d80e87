"""Connections to a runtime: the one file of this package that knows asyncio.

It moves bytes between a socket and a `Stub`, and decides nothing about what they mean.

A runtime starts and stops as it likes, so `serve` connects for as long as it runs: with
a new socket each time, after a pause that grows while attempts fail, and at once when
the runtime's socket appears.

Longer than 300 lines, so that all that waits is in one file.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from google.protobuf.message import Message

from nri_cdi._pb.nri import api_pb2 as api
from nri_cdi.errors import NriCdiError
from nri_cdi.nri import launch
from nri_cdi.nri.backoff import Backoff
from nri_cdi.nri.capabilities import RuntimeInfo
from nri_cdi.nri.plugin import Plugin
from nri_cdi.nri.socketwatch import SocketWatch
from nri_cdi.nri.stub import Deferred, Phase, Stub
from nri_cdi.ttrpc.connection import Request, Response
from nri_cdi.ttrpc.status import Code, RpcError

# Source: NRI pkg/api/plugin.go.
DEFAULT_SOCKET = "/var/run/nri/nri.sock"

# A runtime serves registrations one at a time, and each waits until every CRI request
# in progress is over, the grace period of a StopContainer among them: minutes are
# normal (containerd#14083). Registering again sooner would only lengthen the queue.
REGISTRATION_PATIENCE_S = 900.0
REGISTRATION_NOTICE_S = 30.0

# A connection that was in use for this long is no reason to wait with the next one.
STEADY_S = 10.0

# How long the last answers of a plugin that stops may take to leave.
STOPPING_S = 1.0

# An answer has to leave this much before the runtime's deadline, to be there in time.
# A fifth of the deadline at most.
DEADLINE_MARGIN_S = 0.1

# As much as one read takes. A request of a container is 2 to 10 KB.
_BUFFER_SIZE = 64 * 1024

logger = logging.getLogger(__name__)


class Session(asyncio.BufferedProtocol):
    """One connection, from its making to its loss. Await `closed`."""

    def __init__(self, plugin: Plugin) -> None:
        self._loop = asyncio.get_running_loop()
        self._plugin = plugin
        self._stub = Stub(plugin, self._log_exception)
        self._buffer = bytearray(_BUFFER_SIZE)
        self._view = memoryview(self._buffer)
        self._transport: asyncio.Transport | None = None
        self._tasks: set[asyncio.Future[Any]] = set()
        self._waiting: dict[int, Request] = {}
        self._calls: dict[int, asyncio.Future[bytes]] = {}
        self._reason = "the runtime closed the connection"
        self._timer: asyncio.TimerHandle | None = None
        self._ready_at: float | None = None
        self.closed: asyncio.Future[str] = self._loop.create_future()

    @property
    def info(self) -> RuntimeInfo:
        """What the runtime said of itself."""
        return self._stub.info

    @property
    def ready(self) -> bool:
        """Whether the plugin has been synchronized on this connection."""
        return self._ready_at is not None

    @property
    def steady(self) -> bool:
        """Whether it was for so long that the runtime can't have minded the plugin."""
        return (
            self._ready_at is not None
            and self._loop.time() - self._ready_at >= STEADY_S
        )

    async def update_containers(
        self,
        updates: Iterable[api.ContainerUpdate],
        evictions: Iterable[api.ContainerEviction] = (),
    ) -> Sequence[api.ContainerUpdate]:
        """Change running containers now; see `nri_cdi.nri.plugin.Runtime`."""
        request = api.UpdateContainersRequest(update=updates, evict=evictions)
        payload = await self._call("UpdateContainers", request)
        return api.UpdateContainersResponse.FromString(payload).failed

    def close(self, reason: str) -> None:
        """End the connection; `closed` becomes ``reason``."""
        self._reason = reason
        if self._transport is not None:
            self._transport.abort()

    async def stop(self, reason: str) -> None:
        """Refuse the calls that are being answered, and close once all has left.

        A call without an answer would mean a container without its adjustment.
        """
        self._reason = reason
        for task in tuple(self._tasks):
            task.cancel()
        refusal = f"plugin {self._plugin.name}: {reason}"
        for request in tuple(self._waiting.values()):
            self._stub.finish(request, RpcError(Code.UNAVAILABLE, refusal))
        self._waiting.clear()
        self._flush()
        if self._transport is not None:
            self._transport.close()
        await asyncio.wait([self.closed], timeout=STOPPING_S)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._stub.register()
        self._flush()
        self._notice_after(REGISTRATION_NOTICE_S)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        started = self._loop.time()
        try:
            received = self._stub.receive_data(self._view[:nbytes])
        except NriCdiError as error:
            self.close(str(error))
            return
        for item in received:
            if isinstance(item, Deferred):
                self._start(item)
            else:
                self._settle(item)
        self._flush()
        timeout_s = self._stub.take_synchronize_timeout()
        if timeout_s is not None:
            self._synchronized(self._loop.time() - started, timeout_s)

    def pause_writing(self) -> None:
        """The runtime doesn't read: what it asks meanwhile would only pile up."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def eof_received(self) -> bool:
        try:
            self._stub.receive_eof()
        except NriCdiError as error:
            self._reason = str(error)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._reason = f"the connection failed: {exc}"
        if self._timer is not None:
            self._timer.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        for call in self._calls.values():
            if not call.done():
                call.set_exception(ConnectionError(self._reason))
        if not self.closed.done():
            self.closed.set_result(self._reason)

    def _flush(self) -> None:
        frames = self._stub.data_to_send()
        if frames and self._transport is not None:
            self._transport.write(b"".join(frames))

    def _synchronized(self, took_s: float, timeout_s: float) -> None:
        """The last answer of a synchronization has left, after ``took_s``."""
        if took_s >= timeout_s:
            self.close(
                f"the answer to Synchronize took more than the {timeout_s:g} s that "
                "the runtime waits, so it may have given up on the plugin"
            )
            return
        if self._ready_at is None:
            self._ready_at = self._loop.time()
        if self._timer is not None:
            self._timer.cancel()
        try:
            self._plugin.synchronized(self)
        except Exception:
            # The plugin is connected all the same, and containers wait for it.
            logger.exception("synchronized failed with a bug in the plugin")

    def _still_waiting(self, waited_s: float) -> None:
        """Say that nothing happens; give up in the end if nothing ever happened."""
        if self._stub.phase is Phase.CONNECTED and waited_s >= REGISTRATION_PATIENCE_S:
            self.close(f"no answer to the registration within {waited_s:.0f} s")
            return
        logger.warning(
            "the runtime has not synchronized the plugin for %.0f s; it may be waiting "
            "for a container to stop, and the plugin waits with it",
            waited_s,
        )
        self._notice_after(REGISTRATION_PATIENCE_S - REGISTRATION_NOTICE_S, waited_s)

    def _notice_after(self, delay_s: float, waited_s: float = 0) -> None:
        self._timer = self._loop.call_later(
            delay_s, self._still_waiting, waited_s + delay_s
        )

    def _start(self, deferred: Deferred) -> None:
        # A task of its own for the answer: it ends with the connection even if that is
        # lost before either of the two has begun.
        answer = asyncio.ensure_future(deferred.answer)
        self._waiting[deferred.request.stream_id] = deferred.request
        driver = self._loop.create_task(self._drive(deferred, answer))
        for task in (answer, driver):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _drive(self, deferred: Deferred, answer: asyncio.Future[bytes]) -> None:
        """Wait for a deferred answer, and answer with an error before it is too late.

        No answer in time means a container without its adjustment and a plugin that the
        runtime drops; an error means a container that is not created, and says why.
        """
        timeout_s = deferred.timeout_s
        margin_s = min(DEADLINE_MARGIN_S, timeout_s / 5)
        deadline = asyncio.timeout(timeout_s - margin_s)
        result: bytes | BaseException
        try:
            async with deadline:
                result = await answer
        except Exception as error:  # noqa: BLE001
            # The dispatch of a call: a mistake in a handler fails the call alone.
            result = error
            if isinstance(error, TimeoutError) and deadline.expired():
                result = self._late(deferred)
        del self._waiting[deferred.request.stream_id]
        self._stub.finish(deferred.request, result)
        self._flush()

    def _late(self, deferred: Deferred) -> RpcError:
        message = (
            f"plugin {self._plugin.name} had no answer to {deferred.request.method} "
            f"within the {deferred.timeout_s:.3g} s that the runtime waits"
        )
        why = self._plugin.why_late()
        message += f": {why}" if why else ""
        logger.error("%s", message)
        return RpcError(Code.DEADLINE_EXCEEDED, message)

    async def _call(self, method: str, request: Message) -> bytes:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError(self._reason)
        timeout_s = self._stub.info.request_timeout_s
        stream_id = self._stub.call(method, request, timeout_s=timeout_s)
        answer: asyncio.Future[bytes] = self._loop.create_future()
        self._calls[stream_id] = answer
        self._flush()
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except TimeoutError:
            self._stub.forget(stream_id)
            raise RpcError(
                Code.DEADLINE_EXCEEDED,
                f"the runtime did not answer {method} within {timeout_s:g} s",
            ) from None
        finally:
            del self._calls[stream_id]

    def _settle(self, response: Response) -> None:
        answer = self._calls.get(response.stream_id)
        if answer is None or answer.done():
            return
        if response.status is None:
            answer.set_result(response.payload)
        else:
            status = response.status
            answer.set_exception(RpcError(status.code, status.message))

    def _log_exception(self, request: Request, error: Exception) -> None:
        logger.error(
            "%s failed with a bug in the plugin: %s",
            request.method,
            error,
            exc_info=error,
        )


async def serve(plugin: Plugin, socket_path: str = DEFAULT_SOCKET) -> None:
    """Keep a plugin connected to the runtime behind ``socket_path`` until cancelled."""
    backoff = Backoff(random.random)
    appeared = asyncio.Event()
    complaint = ""
    with _watching(socket_path, appeared):
        while True:
            appeared.clear()
            reason, steady = await _connect_once(plugin, socket_path)
            if steady:
                backoff.reset()
            if steady or reason != complaint:
                # The same complaint again, every few seconds, would only hide others.
                logger.warning("%s; trying again until it works", reason)
                complaint = reason
            await _pause(appeared, backoff)


@contextmanager
def _watching(socket_path: str, appeared: asyncio.Event) -> Iterator[None]:
    """Set the event whenever the runtime's socket appears."""
    try:
        watch = SocketWatch(socket_path)
    except OSError as error:
        # fs.inotify.max_user_instances. Attempts every few seconds find the socket too.
        logger.warning("can't watch for %s to appear: %s", socket_path, error)
        yield
        return
    loop = asyncio.get_running_loop()
    with watch:
        loop.add_reader(watch.fileno(), _read, watch, appeared)
        try:
            yield
        finally:
            loop.remove_reader(watch.fileno())


def _read(watch: SocketWatch, appeared: asyncio.Event) -> None:
    if watch.read():
        appeared.set()


async def _pause(appeared: asyncio.Event, backoff: Backoff) -> None:
    """Wait for the next attempt's time, or for the runtime's socket to appear."""
    with suppress(TimeoutError):
        async with asyncio.timeout(backoff.next()):
            await appeared.wait()
            backoff.reset()


async def _connect_once(plugin: Plugin, socket_path: str) -> tuple[str, bool]:
    """Connect and stay until the connection is lost; why, and if it was steady."""
    loop = asyncio.get_running_loop()
    try:
        _, session = await loop.create_unix_connection(
            lambda: Session(plugin), socket_path
        )
    except OSError as error:
        why = error.strerror or str(error)
        reason = f"can't connect to the runtime at {socket_path}: {why}"
        _say(plugin.unreachable, reason)
        return reason, False
    return await _stay(plugin, session)


async def _stay(plugin: Plugin, session: Session) -> tuple[str, bool]:
    reason = "the plugin is stopping"
    try:
        reason = await asyncio.shield(session.closed)
    except asyncio.CancelledError:
        await session.stop(reason)
        raise
    finally:
        session.close(reason)
        _say(plugin.disconnected, reason)
    return reason, session.steady


def _say(handler: Callable[[str], None], reason: str) -> None:
    try:
        handler(reason)
    except Exception:
        # A mistake here must not keep the plugin from connecting again.
        logger.exception("%s failed with a bug in the plugin", handler.__name__)


async def serve_once(plugin: Plugin, socket_path: str) -> str:
    """Serve a plugin on one connection; the reason for its end comes back."""
    reason, _ = await _connect_once(plugin, socket_path)
    return reason


async def serve_launched(plugin: Plugin, environ: Mapping[str, str]) -> None:
    """Serve the runtime that started this process, until it closes the connection.

    Raises: LocalProtocolError if the environment has no connection after all.
    """
    plugin.name, plugin.index = launch.identity(environ, plugin.name, plugin.index)
    connection = launch.connection(environ)
    loop = asyncio.get_running_loop()
    _, session = await loop.create_unix_connection(
        lambda: Session(plugin), sock=connection
    )
    reason, _ = await _stay(plugin, session)
    logger.info("%s; a launched plugin ends with it", reason)


def run(plugin: Plugin, socket_path: str = DEFAULT_SOCKET) -> None:
    """Serve a plugin until SIGTERM or SIGINT: the ``main`` of a plugin of its own.

    A process that a runtime launched serves that runtime, and ends with it.
    """
    with suppress(asyncio.CancelledError):
        asyncio.run(_run(plugin, socket_path))


async def _run(plugin: Plugin, socket_path: str) -> None:
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    if launch.launched(os.environ):
        await serve_launched(plugin, os.environ)
    else:
        await serve(plugin, socket_path)
