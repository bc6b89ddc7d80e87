"""What the plugin writes of its work, and that it works on where it can't write."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from testbed.containerd import Containerd
from tests.e2e import specs
from tests.e2e.node import Node, Pod, asking
from tests.e2e.pluginprocess import PROGRAM, SERVING, PluginProcess

DEVICE = f"{specs.KIND}=one"
UNKNOWN = f"{specs.KIND}=none"
SERVING_S = 20.0
POLL_S = 0.05
DISK_SIZE = "64k"
PIPE_SIZE = 4096
"""The smallest that a pipe can have: a page."""


@pytest.fixture
def node(containerd: Containerd, spec_dir: Path, tmp_path: Path) -> Node:
    """The runtime with a device; its plugin, as yet not started, logs as JSON."""
    specs.write(spec_dir / "one.json", specs.spec({"one": specs.env(GIVEN="yes")}))
    return Node(
        containerd=containerd,
        plugin=plugin(containerd, spec_dir, tmp_path / "plugin.log"),
        spec_dir=spec_dir,
        folder=tmp_path,
    )


def plugin(containerd: Containerd, spec_dir: Path, log: Path) -> PluginProcess:
    config = spec_dir.with_name("config.yaml")
    config.write_text("log_format: json")
    arguments = [*run_arguments(containerd, spec_dir), "--config", str(config)]
    return PluginProcess(arguments, log=log, environment=containerd.environment)


def run_arguments(containerd: Containerd, spec_dir: Path) -> list[str]:
    return ["--socket", str(containerd.nri_socket), "--spec-dir", str(spec_dir)]


def given(pod: Pod) -> bool:
    """Whether the next container of the pod gets its device."""
    container = pod.create("next")
    found = "GIVEN=yes" in container.config()["process"]["env"]
    container.remove()
    return found


def await_given(pod: Pod) -> None:
    deadline = time.monotonic() + SERVING_S
    while not given(pod):
        assert time.monotonic() < deadline, f"no device within {SERVING_S} s"
        time.sleep(POLL_S)


def events(text: str, message: str) -> list[dict[str, Any]]:
    """The lines of a log whose message has that in it; each has to be an object."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [line for line in lines if message in line["message"]]


def test_each_line_is_an_object_and_that_of_a_container_has_its_facts(
    node: Node,
) -> None:
    with node.plugin:
        node.plugin.await_serving()
        with node.pod(asking(DEVICE)) as pod:
            container = pod.create("main")
            status = node.cri.container_status(container.id).status
            node.plugin.await_line("injected")
        with node.pod(asking(UNKNOWN)) as pod:
            pod.refused("other")
            node.plugin.await_line("refused")
        node.plugin.stop()

    [injected] = events(node.plugin.log_text(), "injected")
    assert injected["level"] == "info"
    assert injected["namespace"] == "default"
    assert f"default/{injected['pod']}, " in injected["message"]
    assert (injected["container"], injected["containerId"]) == ("main", status.id)
    assert (injected["devices"], injected["mode"]) == ([DEVICE], "resolve")
    assert injected["result"] == "injected"
    assert 0 < injected["ms"] < 1000
    [refused] = events(node.plugin.log_text(), "refused")
    assert (refused["level"], refused["result"]) == ("error", "refused")
    assert (refused["container"], refused["devices"]) == ("other", [UNKNOWN])
    assert f"'{UNKNOWN}' is in no spec" in refused["reason"]


def test_a_container_that_is_refused_again_and_again_is_counted(node: Node) -> None:
    with node.plugin:
        node.plugin.await_serving()
        with node.pod(asking(UNKNOWN)) as pod:
            for _ in range(8):
                pod.refused()
        node.plugin.stop()

    *written, counted = events(node.plugin.log_text(), "refused")
    assert len(written) == 5
    assert counted["message"].startswith("3 more in the last ")
    assert counted["repeated"] == 3


@contextmanager
def small_disk(path: Path) -> Iterator[Path]:
    """A file system with hardly any room."""
    path.mkdir()
    options = f"size={DISK_SIZE}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "log", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def fill(path: Path) -> None:
    """Write until the disk is full to the last byte."""
    with path.open("ab", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def test_a_full_disk_costs_lines_and_no_devices(node: Node) -> None:
    with small_disk(node.folder / "disk") as disk:
        log = disk / "plugin.log"
        with plugin(node.containerd, node.spec_dir, log) as serving:
            serving.await_serving()
            with node.pod(asking(DEVICE)) as pod:
                fill(disk / "other")
                assert all(given(pod) for _ in range(30))
                (disk / "other").unlink()
                assert given(pod)
                serving.await_line("lines were lost: no space left on device")
            serving.stop()
        lines = log.read_text().splitlines()

    # The line that the disk became full in is the one that nobody can parse.
    whole = [line for line in lines if line.endswith("}")]
    assert len(lines) - len(whole) <= 1
    [lost] = events("\n".join(whole), "lines were lost")
    assert lost["lost"] + len(events("\n".join(whole), "injected")) == 31


@contextmanager
def process(
    command: Sequence[str], node: Node, stderr: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A plugin that is started in another way than others."""
    child = subprocess.Popen(
        [*command, PROGRAM, "run", *run_arguments(node.containerd, node.spec_dir)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        env=node.containerd.environment,
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def await_serving(reading: int) -> None:
    seen = b""
    while SERVING.encode() not in seen:
        seen += os.read(reading, PIPE_SIZE)


def test_a_reader_that_stands_still_holds_up_no_container(node: Node) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
    with process([], node, writing) as child, node.pod(asking(DEVICE)) as pod:
        os.close(writing)
        await_serving(reading)
        assert all(given(pod) for _ in range(60))
        child.terminate()
        assert child.wait(SERVING_S) == 0
        written = os.read(reading, 2 * PIPE_SIZE)
    os.close(reading)
    assert 0 < written.count(b"injected") < 60


def test_a_reader_that_goes_away_ends_nothing(node: Node) -> None:
    reading, writing = os.pipe()
    with process([], node, writing) as child, node.pod(asking(DEVICE)) as pod:
        os.close(writing)
        await_serving(reading)
        os.close(reading)
        assert all(given(pod) for _ in range(3))
        child.terminate()
        assert child.wait(SERVING_S) == 0


def test_without_a_stderr_no_line_goes_to_the_runtime(node: Node) -> None:
    closed = ["/bin/sh", "-c", 'exec "$0" "$@" 2>&-']
    with process(closed, node) as child, node.pod(asking(DEVICE)) as pod:
        await_given(pod)
        assert all(given(pod) for _ in range(3))
        assert Path(f"/proc/{child.pid}/fd/2").readlink() == Path("/dev/null")
