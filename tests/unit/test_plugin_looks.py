"""The plugin while it looks at device nodes that may take long to answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from pathlib import Path

import pytest

from nri_cdi.adjustment.nodes import Lstat
from nri_cdi.cdi.cache import Cache
from nri_cdi.config import Config
from nri_cdi.errors import RequestError
from nri_cdi.ledger import Result
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import RuntimeInfo
from nri_cdi.plugin import CdiPlugin
from nri_cdi.ttrpc.status import RpcError
from testbed.standin import containerd
from tests.unit.test_plugin_terms import KIND, ReadSpecs, asking, closed

FAR = "/dev/../dev/null"
"""Nothing says that it is below /dev, though it is."""


class Looking:
    """Looks when the test says so; ``error`` is what comes of it instead."""

    def __init__(self, error: RequestError | None = None) -> None:
        self.may = asyncio.Event()
        self.paths: tuple[str, ...] = ()
        self.patience_s = 0.0
        self._error = error

    async def look(
        self, lstat: Lstat, paths: tuple[str, ...], patience_s: float
    ) -> Lstat:
        self.paths, self.patience_s = paths, patience_s
        await self.may.wait()
        if self._error is not None:
            raise self._error
        return lstat


class Settling(ReadSpecs):
    """Specs that have changed a moment ago."""

    def settling(self) -> Awaitable[None]:  # type: ignore[override]
        return asyncio.sleep(0)


@pytest.fixture
def specs(tmp_path: Path) -> ReadSpecs:
    nodes = {"near": {"path": "/dev/zero"}, "far": {"path": "/dev/n", "hostPath": FAR}}
    spec = {
        "cdiVersion": "0.6.0",
        "kind": KIND,
        "devices": [
            {"name": name, "containerEdits": {"deviceNodes": [node]}}
            for name, node in nodes.items()
        ],
    }
    (tmp_path / "gpu.json").write_text(json.dumps(spec))
    return ReadSpecs(Cache([str(tmp_path)]).snapshot())


def given(answer: object) -> list[str]:
    assert isinstance(answer, api.CreateContainerResponse)
    return [device.path for device in answer.adjust.linux.devices]


def begun(plugin: CdiPlugin, device: str) -> asyncio.Future[object]:
    answer = plugin.create_container(asking(device))
    assert isinstance(answer, Awaitable)
    return asyncio.ensure_future(answer)


def test_others_are_answered_meanwhile(specs: ReadSpecs) -> None:
    async def run() -> None:
        looking = Looking()
        plugin = CdiPlugin(specs, look=looking.look)
        waiting = begun(plugin, "far")
        await asyncio.sleep(0)
        assert looking.paths == (FAR,)
        assert given(plugin.create_container(asking("near"))) == ["/dev/zero"]
        looking.may.set()
        assert given(await waiting) == ["/dev/n"]

    asyncio.run(run())


def test_what_is_seen_too_late_is_refused(specs: ReadSpecs) -> None:
    async def run() -> None:
        looking = Looking(RequestError("no answer"))
        plugin = CdiPlugin(specs, look=looking.look)
        waiting = begun(plugin, "far")
        looking.may.set()
        with pytest.raises(RpcError, match="nri-cdi: no answer; asked for by annot"):
            await waiting
        assert plugin.ledger.requests == {Result.REFUSED: 1}
        assert plugin.holders.all() == ()

    asyncio.run(run())


def test_the_policy_of_the_answer_counts(specs: ReadSpecs) -> None:
    async def run() -> None:
        looking = Looking()
        plugin = CdiPlugin(specs, look=looking.look)
        waiting = begun(plugin, "far")
        await asyncio.sleep(0)
        plugin.use(Config(policy=closed()))
        looking.may.set()
        with pytest.raises(RpcError, match="no rule of the policy allows"):
            await waiting

    asyncio.run(run())


@pytest.mark.parametrize(
    ("timeout_ms", "patience_s"), [(0, 1.0), (2000, 1.0), (1000, 0.5), (9000, 1.0)]
)
def test_a_look_takes_half_of_the_time_at_most(
    specs: ReadSpecs, timeout_ms: int, patience_s: float
) -> None:
    async def run() -> None:
        looking = Looking()
        looking.may.set()
        plugin = CdiPlugin(specs, look=looking.look)
        configure = containerd("2.1.9")
        configure.request_timeout = timeout_ms
        plugin.configure(RuntimeInfo.from_configure(configure), "")
        await begun(plugin, "far")
        assert looking.patience_s == patience_s

    asyncio.run(run())


def test_a_device_of_a_spec_that_was_just_written_is_looked_at_too(
    specs: ReadSpecs,
) -> None:
    async def run() -> None:
        looking = Looking()
        plugin = CdiPlugin(Settling(specs.registry), look=looking.look)
        waiting = begun(plugin, "far")
        looking.may.set()
        assert given(await waiting) == ["/dev/n"]
        assert looking.paths == (FAR,)

    asyncio.run(run())


def test_an_exclusive_device_goes_to_one_of_two_who_wait(specs: ReadSpecs) -> None:
    async def run() -> None:
        looking = Looking()
        config = Config(exclusive=(f"{KIND}=*",))
        plugin = CdiPlugin(specs, config, look=looking.look)
        first = begun(plugin, "far")
        request = asking("far")
        request.container.id = "another"
        request.pod.uid = "another"
        answer = plugin.create_container(request)
        assert isinstance(answer, Awaitable)
        second = asyncio.ensure_future(answer)
        looking.may.set()
        assert given(await first) == ["/dev/n"]
        with pytest.raises(RpcError, match="is exclusive, and held by"):
            await second

    asyncio.run(run())


def test_a_container_that_is_given_up_is_counted(specs: ReadSpecs) -> None:
    async def run() -> None:
        plugin = CdiPlugin(specs, look=Looking().look)
        waiting = begun(plugin, "far")
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert plugin.ledger.requests == {Result.LATE: 1}
        [decision] = plugin.ledger.decisions
        assert decision.reason == f"no answer from {FAR!r} yet"
        assert plugin.why_late() == decision.reason

    asyncio.run(run())
