"""Serves the status beside the plugin, and never at the expense of it.

A container that starts waits for the event loop, so the loop only takes requests and
sends bytes; what takes longer happens in a thread. Everything has a limit: connections,
bytes, time. If the address can't be had, the plugin does its work without, and it is
tried again from time to time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

from nri_cdi.address import Address, LoopbackAddress
from nri_cdi.status.exchange import Exchange
from nri_cdi.status.listener import BACKLOG, Listener
from nri_cdi.status.site import Answer, Request, Site
from nri_cdi.status.snapshot import Observation

STATUS_THREAD = "status"

# Bytes that are taken from a connection at a time, and what is thrown away at its end.
READ_LENGTH = 4096
UNREAD_LIMIT = 256 * 1024

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What clients may take, and how often is looked after the address.

    ``answers`` are those that are made or sent at the same time, apart from those of
    one line: with ten thousand devices each may have some megabytes.
    """

    connections: int = 32
    answers: int = 4
    head_s: float = 5.0
    total_s: float = 10.0
    linger_s: float = 0.5
    look_s: float = 5.0
    longest_pause_s: float = 60.0


class StatusServer:
    """An async context manager; ``observe`` is called in the loop, for each request."""

    def __init__(
        self,
        address: Address,
        observe: Callable[[], Observation],
        limits: Limits = Limits(),
    ) -> None:
        self._listener = Listener(address)
        over_tcp = isinstance(address, LoopbackAddress)
        self._site = Site(observe, over_tcp=over_tcp)
        self._limits = limits
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=STATUS_THREAD)
        self._answers = asyncio.Semaphore(limits.answers)
        self._conversations: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._complaint = ""

    async def __aenter__(self) -> StatusServer:
        await self._open()
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.remove()
        tasks = [*self._conversations]
        if self._keeper is not None:
            tasks.append(self._keeper)
        for task in tasks:
            task.cancel()
        self._close()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._thread.shutdown(wait=False, cancel_futures=True)

    @property
    def is_serving(self) -> bool:
        """Whether the address could be had."""
        return self._server is not None

    async def _keep(self) -> None:
        """Open the socket again whenever it is not there, or no longer ours."""
        pause_s = self._limits.look_s
        while True:
            await asyncio.sleep(pause_s)
            if self._server is not None and self._listener.is_ours():
                continue
            if self._server is not None:
                logger.warning(
                    "status: the socket %s is gone: it is made again",
                    self._listener.address,
                )
                self._close()
            await self._open()
            pause_s = self._next_pause_s(pause_s)

    def _next_pause_s(self, pause_s: float) -> float:
        if self.is_serving:
            return self._limits.look_s
        return min(2 * pause_s, self._limits.longest_pause_s)

    async def _open(self) -> None:
        try:
            listening = self._listener.open()
        except OSError as error:
            self._complain(error.strerror or str(error))
            return
        self._server = await asyncio.start_server(
            self._take, sock=listening, limit=READ_LENGTH, backlog=BACKLOG
        )
        self._complaint = ""
        logger.info("status: served on %s", self._listener.address)

    def _complain(self, reason: str) -> None:
        # The same again and again says nothing new.
        level = logging.DEBUG if reason == self._complaint else logging.ERROR
        self._complaint = reason
        logger.log(
            level,
            "status: %s can't be had: %s; containers get their devices without it, and "
            "it is tried again",
            self._listener.address,
            reason,
        )

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._conversations) >= self._limits.connections:
            writer.transport.abort()
            return
        self._conversations.add(task)
        try:
            async with asyncio.timeout(self._limits.total_s):
                await self._converse(reader, writer)
        except (TimeoutError, OSError):
            logger.debug("status: a client was too slow, or has gone")
        except asyncio.CancelledError:
            # The server stops, and this is the top of the task. Python 3.11 would log
            # a bug of its own if it ended as cancelled.
            logger.debug("status: a client is cut off, as the plugin stops")
        finally:
            self._conversations.discard(task)
            # All that was to be sent has been.
            writer.transport.abort()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        # To wait for the reader is to wait until it has everything.
        writer.transport.set_write_buffer_limits(high=0)
        exchange = Exchange()
        request = await self._request(reader, exchange)
        if request is None:
            return
        answer = self._site.answer(request) if isinstance(request, Request) else request
        if isinstance(answer, Answer):
            await _send(writer, exchange, answer)
            await self._finish(reader)
            return
        async with self._answers:
            loop = asyncio.get_running_loop()
            making = loop.run_in_executor(self._thread, answer)
            # It holds a registry, which the thread is to let go of, and not the loop.
            del answer
            await _send(writer, exchange, await making)
        await self._finish(reader)

    async def _request(
        self, reader: asyncio.StreamReader, exchange: Exchange
    ) -> Request | Answer | None:
        async with asyncio.timeout(self._limits.head_s):
            while data := await reader.read(READ_LENGTH):
                request = exchange.receive_data(data)
                if request is not None:
                    return request
        return None

    async def _finish(self, reader: asyncio.StreamReader) -> None:
        """Let the client close first.

        If bytes of it are left unread, the system tells it of an error, and it may not
        get to see the answer.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.linger_s):
                for _ in range(UNREAD_LIMIT // READ_LENGTH):
                    if not await reader.read(READ_LENGTH):
                        return


async def _send(
    writer: asyncio.StreamWriter, exchange: Exchange, answer: Answer
) -> None:
    for data in exchange.encode(answer):
        writer.write(data)
        await writer.drain()
    with suppress(OSError):  # it may have gone, with all that it wanted
        writer.write_eof()
