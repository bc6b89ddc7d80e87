"""Plugin and runtime end and start in any order: devices are back with both of them."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed.containerd import Containerd
from tests.e2e import specs
from tests.e2e.node import Container, Node, Pod, asking
from tests.e2e.pluginprocess import PluginProcess, descriptors

DEVICE = f"{specs.KIND}=one"
BACK_S = 2.0
"""From when both are up until containers get their devices again."""

STOPPING_S = 2.0


@pytest.fixture
def furnished(node: Node) -> Node:
    return furnish(node)


def furnish(node: Node) -> Node:
    """The node, with a device that is a variable and a device node."""
    host = specs.make_node(node.folder / "host", "c", 1, 3)
    device = {
        "deviceNodes": [{"path": "/dev/given", "hostPath": str(host)}],
        **specs.env(GIVEN="yes"),
    }
    specs.write(node.spec_dir / "one.json", specs.spec({"one": device}))
    return node


def injected(pod: Pod) -> bool:
    """Whether the next container of the pod gets its device."""
    container = pod.create("next")
    given = "GIVEN=yes" in container.config()["process"]["env"]
    container.remove()
    return given


def await_injection(pod: Pod) -> None:
    """Create containers until one gets its device, for as long as it may take."""
    deadline = time.monotonic() + BACK_S
    while not injected(pod):
        assert time.monotonic() < deadline, f"no device within {BACK_S} s"


@contextmanager
def unharmed(pod: Pod) -> Iterator[Container]:
    """A container with its device, that has to keep both whatever happens."""
    container = pod.run("first")
    before = state(container)
    yield container
    assert state(container) == before


def state(container: Container) -> tuple[object, ...]:
    status = container.cri.container_status(container.id).status
    started = container.output("/bin/stat", "-c", "%Y", "/proc/1")
    node = container.output("/bin/stat", "-c", "%t:%T", "/dev/given")
    return (status.state, status.created_at, status.started_at, started, node)


def test_a_killed_plugin_serves_again_when_it_is_started_again(furnished: Node) -> None:
    with furnished.pod(asking(DEVICE)) as pod, unharmed(pod):
        furnished.plugin.kill()
        assert not injected(pod)
        furnished.plugin.start()
        await_injection(pod)


def restart(containerd: Containerd) -> None:
    containerd.restart()


def kill_and_start(containerd: Containerd) -> None:
    containerd.kill()
    containerd.start()


def restart_twice(containerd: Containerd) -> None:
    containerd.restart()
    containerd.restart()


@pytest.mark.parametrize("again", [restart, kill_and_start, restart_twice])
def test_the_plugin_finds_a_runtime_that_is_started_again(
    furnished: Node, again: Callable[[Containerd], None]
) -> None:
    with furnished.pod(asking(DEVICE)) as pod, unharmed(pod):
        assert injected(pod)
        again(furnished.containerd)
        await_injection(pod)


def test_both_may_be_away_at_once(furnished: Node) -> None:
    with furnished.pod(asking(DEVICE)) as pod, unharmed(pod):
        furnished.containerd.stop()
        furnished.plugin.kill()
        # The plugin first, and then, some failed attempts later, the runtime.
        furnished.plugin.start()
        furnished.plugin.await_line("can't connect to the runtime")
        furnished.containerd.start()
        await_injection(pod)


def test_a_container_made_meanwhile_has_no_device_and_keeps_running(
    furnished: Node,
) -> None:
    with furnished.pod(asking(DEVICE)) as pod:
        furnished.plugin.kill()
        meanwhile = pod.run("meanwhile")
        furnished.plugin.start()
        await_injection(pod)

        assert "GIVEN" not in meanwhile.env()
        assert pod.run("after").env()["GIVEN"] == "yes"


def test_specs_that_change_while_the_runtime_is_away_count(furnished: Node) -> None:
    with furnished.pod(asking(DEVICE)) as pod:
        furnished.containerd.stop()
        changed = specs.spec({"one": specs.env(GIVEN="yes", CHANGED="yes")})
        specs.write(furnished.spec_dir / "one.json", changed)
        furnished.containerd.start()
        await_injection(pod)

        assert pod.run("after").env()["CHANGED"] == "yes"


def test_the_plugin_is_still_one_connection_after_many_restarts(
    furnished: Node,
) -> None:
    before = open_files(furnished.plugin)
    with furnished.pod(asking(DEVICE)) as pod:
        for _ in range(3):
            furnished.containerd.restart()
            await_injection(pod)
        # Registered twice, it would inject twice, and the runtime refuse the container.
        assert injected(pod)

    assert open_files(furnished.plugin) == before


def open_files(plugin: PluginProcess) -> list[str]:
    """The plugin's descriptors, by kind: a new connection has a new number."""
    return sorted(each.partition(":[")[0] for each in descriptors(plugin.pid))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_serving_plugin(
    furnished: Node, number: signal.Signals
) -> None:
    furnished.plugin.send(number)

    assert furnished.plugin.wait(STOPPING_S) == 0
    assert " INFO stopped\n" in furnished.plugin.log_text()
    with furnished.pod(asking(DEVICE)) as pod:
        assert not injected(pod)


def test_sigterm_ends_a_plugin_that_has_no_runtime(
    containerd: Containerd, tmp_path: Path
) -> None:
    arguments = [
        "--socket",
        str(tmp_path / "none/nri.sock"),
        "--spec-dir",
        str(tmp_path),
    ]
    plugin = PluginProcess(
        arguments, log=tmp_path / "log", environment=containerd.environment
    )
    with plugin:
        plugin.await_line("can't connect to the runtime")
        plugin.send(signal.SIGTERM)
        assert plugin.wait(STOPPING_S) == 0


def test_sighup_reads_the_specs_and_ends_nothing(furnished: Node) -> None:
    furnished.plugin.send(signal.SIGHUP)

    with pytest.raises(subprocess.TimeoutExpired):
        furnished.plugin.wait(0.2)
    with furnished.pod(asking(DEVICE)) as pod:
        assert injected(pod)
