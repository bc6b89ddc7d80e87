"""A second look at all containers, where a runtime has gaps in its first account."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from nri_cdi.config import Config
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import RuntimeInfo, runtime_named
from nri_cdi.plugin import CdiPlugin
from nri_cdi.recount import count_again
from testbed.standin import StandIn, containerd
from tests.unit.test_plugin_terms import (
    ReadSpecs,
    asking,
    existing,
    given_env,
    read_specs,
    refusal,
    synchronize,
)

GAPS = "1.7.24"

There = tuple[api.PodSandbox, api.Container]


@dataclass(frozen=True)
class Gappy:
    """A runtime with gaps, as a plugin sees it that is synchronized."""

    info: RuntimeInfo

    async def update_containers(
        self,
        updates: Iterable[api.ContainerUpdate],
        evictions: Iterable[api.ContainerEviction] = (),
    ) -> Sequence[api.ContainerUpdate]:
        raise NotImplementedError


@pytest.fixture
def specs(tmp_path: Path) -> ReadSpecs:
    return read_specs(tmp_path)


def made(specs: ReadSpecs, *, expecting: bool) -> CdiPlugin:
    """A plugin that is to be told of everything once more, or is not."""
    config = Config(exclusive=("*",))
    plugin = CdiPlugin(specs, config, on_gaps=lambda: expecting)
    plugin.configure(RuntimeInfo.from_configure(containerd(GAPS)), "")
    return plugin


@pytest.fixture
def plugin(specs: ReadSpecs) -> CdiPlugin:
    return made(specs, expecting=True)


def tell(plugin: CdiPlugin, *there: There) -> None:
    """The first account of all containers."""
    synchronize(plugin, *there)
    plugin.synchronized(Gappy(plugin.runtime))


def recount(plugin: CdiPlugin, *there: There) -> None:
    plugin.recount([pod for pod, _ in there], [each for _, each in there])


def drifted(plugin: CdiPlugin) -> list[str]:
    """The pods that are known to lack devices."""
    return [each.pod for each in plugin.ledger.drifted]


def removed(each: There) -> api.RemoveContainerRequest:
    pod, container = each
    return api.RemoveContainerRequest(pod=pod, container=container)


@pytest.mark.parametrize(
    ("runtime", "has_gaps"),
    [
        ("containerd:1.7.24", True),
        ("containerd:1.7.26", False),
        ("containerd:2.1.0", False),
        ("cri-o:1.36.0", True),
    ],
)
def test_which_runtimes_have_gaps(runtime: str, has_gaps: bool) -> None:
    assert runtime_named(runtime).has_gaps is has_gaps


def test_a_container_that_went_in_between_holds_nothing(plugin: CdiPlugin) -> None:
    gone = existing(asking("0", pod="gone"), "/dev/null")
    stays = existing(asking("1", pod="stays"), "/dev/zero")
    tell(plugin, gone, stays)
    assert "held by pod ns/gone" in refusal(plugin, asking("0", pod="new")).message
    recount(plugin, stays)
    assert given_env(plugin.create_container(asking("0", pod="new"))) == {"GPU_0"}
    assert "held by pod ns/stays" in refusal(plugin, asking("1", pod="other")).message


def test_one_that_came_in_between_holds_what_it_has(plugin: CdiPlugin) -> None:
    tell(plugin)
    recount(plugin, existing(asking("0", pod="came"), "/dev/null"))
    assert "held by pod ns/came" in refusal(plugin, asking("0", pod="new")).message
    assert drifted(plugin) == []


def test_one_that_came_without_its_devices_is_found(plugin: CdiPlugin) -> None:
    before = existing(asking("0", pod="before"))
    tell(plugin, before)
    assert drifted(plugin) == ["before"]
    recount(plugin, before, existing(asking("1", pod="came")))
    assert drifted(plugin) == ["before", "came"]
    assert plugin.ledger.drifted_total == 2


def test_one_that_lacked_devices_and_went_is_told_of_no_more(plugin: CdiPlugin) -> None:
    tell(plugin, existing(asking("0", pod="before")))
    recount(plugin)
    assert drifted(plugin) == []


def test_one_that_the_plugin_has_heard_of_is_as_it_knows_it(plugin: CdiPlugin) -> None:
    tell(plugin)
    created, left = asking("0", pod="created"), asking("1", pod="left")
    assert given_env(plugin.create_container(created)) == {"GPU_0"}
    assert given_env(plugin.create_container(left)) == {"GPU_1"}
    plugin.remove_container(removed((left.pod, left.container)))
    # The runtime counted before it removed the one, and without what the other was
    # given.
    recount(plugin, existing(created), existing(left))
    assert drifted(plugin) == []
    assert [each.pod for each in plugin.holders.all()] == ["created"]


def test_one_that_is_being_created_is_not_missed(plugin: CdiPlugin) -> None:
    tell(plugin)
    assert given_env(plugin.create_container(asking("0", pod="new"))) == {"GPU_0"}
    recount(plugin)
    assert "held by pod ns/new" in refusal(plugin, asking("0", pod="other")).message


def test_it_waits_for_the_specs(specs: ReadSpecs) -> None:
    specs.loaded = False
    plugin = made(specs, expecting=True)
    tell(plugin, existing(asking("0", pod="before")))
    recount(
        plugin,
        existing(asking("0", pod="before")),
        existing(asking("1", pod="came")),
    )
    assert drifted(plugin) == []
    specs.loaded = True
    plugin.take_stock()
    assert drifted(plugin) == ["before", "came"]


@pytest.mark.parametrize("expecting", [False, True])
def test_who_goes_is_not_kept_in_mind_for_longer_than_it_takes(
    specs: ReadSpecs, expecting: bool
) -> None:
    """As with a plugin that the runtime launched: it is told once."""
    plugin = made(specs, expecting=expecting)
    tell(plugin)
    if expecting:
        plugin.end_recount()
    tracemalloc.start()
    try:
        for number in range(10_000):
            container = api.Container(id=f"{number:064}")
            plugin.remove_container(api.RemoveContainerRequest(container=container))
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < 100_000


def counted(socket_path: Path, patience_s: float = 20.0) -> list[str]:
    async def run() -> list[str]:
        _, containers = await count_again("nri-cdi", str(socket_path), patience_s)
        return [each.id for each in containers]

    return asyncio.run(run())


def test_the_runtime_tells_once_more_and_is_left(tmp_path: Path) -> None:
    path = tmp_path / "nri.sock"
    with StandIn(str(path)) as runtime, ThreadPoolExecutor() as thread:
        counting = thread.submit(counted, path)
        with runtime.accept() as connection:
            connection.start(containerd(GAPS), containers=[api.Container(id="a")])
            assert counting.result() == ["a"]
            registered = connection.end.registered
            assert registered is not None
            assert registered.plugin_name == "nri-cdi-recount"
            assert registered.plugin_idx == "99"
            with pytest.raises(ConnectionError):
                connection.call("StateChange", api.StateChangeEvent())


def test_without_a_runtime_it_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match=r"can't connect .*: No such file"):
        counted(tmp_path / "nri.sock")


def test_a_runtime_that_does_not_tell_is_given_up(tmp_path: Path) -> None:
    with (
        StandIn(str(tmp_path / "nri.sock")),
        pytest.raises(ConnectionError, match=r"not synchronized within 0\.05 s"),
    ):
        counted(tmp_path / "nri.sock", 0.05)
