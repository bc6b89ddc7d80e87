"""The server beside a test that is no coroutine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from nri_cdi.address import Address
from nri_cdi.status.server import StatusServer
from tests.unit.status.living import Living

STOPPING_S = 10


@contextmanager
def served(living: Living, address: Address) -> Iterator[None]:
    """Serve the status of ``living`` at ``address``, in a thread."""
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stopping = asyncio.Event()

    async def serve() -> None:
        async with StatusServer(address, living.observe):
            started.set()
            await stopping.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(STOPPING_S), "the server doesn't start"
        yield
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(STOPPING_S)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
