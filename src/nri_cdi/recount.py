"""A second look at all containers, for a runtime that has gaps.

While a runtime tells a plugin of all containers, some runtimes go on to make and to
remove others, and the plugin hears of neither: a device would be held by a container
that is gone, and a container without its devices would not be found. So a second plugin
connects when the first one is in use, is told of all containers, and goes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from nri_cdi.nri import api
from nri_cdi.nri.plugin import Plugin, Runtime
from nri_cdi.nri.session import serve_once

# After all others, whose answers it could not disturb: it gives none.
INDEX = "99"
SUFFIX = "-recount"

PATIENCE_S = 30.0

Everything: TypeAlias = "tuple[Sequence[api.PodSandbox], Sequence[api.Container]]"


async def count_again(
    name: str, socket_path: str, patience_s: float = PATIENCE_S
) -> Everything:
    """All pods and containers of the runtime; ``name`` is that of the first plugin.

    Raises: ConnectionError, if the runtime doesn't tell.
    """
    counter = _Counter(name + SUFFIX)
    serving = asyncio.ensure_future(serve_once(counter, socket_path))
    try:
        either: list[asyncio.Future[Any]] = [serving, counter.told]
        await asyncio.wait(
            either, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED
        )
        if counter.told.done():
            return counter.told.result()
        if serving.done():
            raise ConnectionError(serving.result())
        raise ConnectionError(f"not synchronized within {patience_s:g} s")
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


class _Counter(Plugin):
    """Is told of everything once."""

    def __init__(self, name: str) -> None:
        super().__init__(name, INDEX)
        self.told: asyncio.Future[Everything] = (
            asyncio.get_running_loop().create_future()
        )
        self._everything: Everything = ((), ())

    def remove_pod_sandbox(self, request: api.RemovePodSandboxRequest) -> None:
        """Nothing: but who hears of no event at all hears of every one."""

    def synchronize(
        self, pods: Sequence[api.PodSandbox], containers: Sequence[api.Container]
    ) -> None:
        self._everything = (pods, containers)

    def synchronized(self, runtime: Runtime) -> None:
        # The answer has left: to go any sooner would be a failure to the runtime.
        if not self.told.done():
            self.told.set_result(self._everything)
