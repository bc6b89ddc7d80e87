"""The whole process, with the runtime's end of the wire in a runtime's place."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from nri_cdi.nri import api
from testbed.standin import Connection, StandIn, container_request, containerd

DEADLINE_S = 20.0


@contextmanager
def process(
    arguments: Sequence[str],
    log: Path,
    environ: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    program: Sequence[str] = ("-m", "nri_cdi"),
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as stderr:
        child = subprocess.Popen(
            [sys.executable, *program, *arguments],
            stderr=stderr,
            env=dict(os.environ if environ is None else environ),
            pass_fds=pass_fds,
        )
        try:
            yield child
        finally:
            child.kill()
            child.wait()


def write_spec(directory: Path, device: str) -> None:
    directory.mkdir(exist_ok=True)
    spec = {
        "cdiVersion": "0.5.0",
        "kind": "vendor.com/gpu",
        "devices": [{"name": device, "containerEdits": {"env": [f"GPU={device}"]}}],
    }
    path = directory / f"{device}.json"
    path.with_suffix(".tmp").write_text(json.dumps(spec))
    path.with_suffix(".tmp").rename(path)


def gpu(connection: Connection, device: str) -> str:
    request = container_request({"cdi.k8s.io/gpu": f"vendor.com/gpu={device}"})
    [variable] = connection.create_container(request).adjust.env
    return variable.value


def configured(text: str) -> api.ConfigureRequest:
    """A runtime that has this configuration for the plugin."""
    configure = containerd("2.1.9")
    configure.config = text
    return configure


def wait_for(log: Path, words: str, times: int = 1) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while log.read_text().count(words) < times:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)


def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    write_spec(tmp_path / "cdi", "0")
    path, log = tmp_path / "nri.sock", tmp_path / "log"
    notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notified.settimeout(DEADLINE_S)
    notified.bind(str(tmp_path / "notify"))
    arguments = [
        *("run", "--socket", str(path), "--spec-dir", str(tmp_path / "cdi")),
        *("--name", "devices", "--index", "77"),
    ]
    environ = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
    with notified, process(arguments, log, environ) as child:
        assert notified.recv(100) == b"READY=1"
        with StandIn(str(path)) as runtime, runtime.accept() as connection:
            connection.start()
            registered = connection.end.registered
            assert registered is not None
            assert (registered.plugin_name, registered.plugin_idx) == ("devices", "77")
            assert gpu(connection, "0") == "0"
            write_spec(tmp_path / "cdi", "1")
            assert gpu(connection, "1") == "1"
            child.send_signal(signal.SIGTERM)
            assert child.wait(DEADLINE_S) == 0
        assert notified.recv(100) == b"STOPPING=1"
    text = log.read_text()
    assert "synchronized with containerd 2.1.9 (NRI 0.8)" in text
    assert re.search(
        r" INFO pod default/pod-1, container main: injected vendor\.com/gpu=0 in "
        r"[0-9.]+ ms \(resolve\)\n",
        text,
    )
    assert text.endswith(" INFO stopped\n")
    assert "Traceback" not in text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_without_a_runtime_too(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "log"
    arguments = [
        *("run", "--socket", str(tmp_path / "nri.sock")),
        *("--spec-dir", str(tmp_path / "cdi")),
    ]
    with process(arguments, log) as child:
        wait_for(log, "can't connect to the runtime")
        child.send_signal(number)
        assert child.wait(DEADLINE_S) == 0


def test_sighup_reads_the_specs_and_ends_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    arguments = [
        *("run", "--socket", str(tmp_path / "nri.sock")),
        *("--spec-dir", str(tmp_path / "cdi")),
    ]
    with process(arguments, log) as child:
        wait_for(log, "can't connect to the runtime")
        child.send_signal(signal.SIGHUP)
        wait_for(log, "SIGHUP: reading the configuration and the specs")
        assert child.poll() is None


def test_a_runtime_with_gaps_is_asked_for_all_containers_twice(tmp_path: Path) -> None:
    write_spec(tmp_path / "cdi", "0")
    path, log, config = (tmp_path / name for name in ("nri.sock", "log", "config"))
    config.write_text(
        f"socket: {path}\nspec_dirs: [{tmp_path / 'cdi'}]\nexclusive: ['*']\n"
    )
    annotations = {"cdi.k8s.io/gpu": "vendor.com/gpu=0"}
    held = container_request(annotations, "held")
    held.pod.id = held.pod.uid = held.container.pod_sandbox_id = "pod-2"
    held.container.id = "held"
    held.container.annotations["nri-cdi/resolved"] = "vendor.com/gpu=0"
    arguments = ["run", "--config", str(config)]
    with (
        process(arguments, log),
        StandIn(str(path)) as runtime,
        runtime.accept() as connection,
    ):
        connection.start(
            containerd("1.7.24"), pods=[held.pod], containers=[held.container]
        )
        request = container_request(annotations)
        status = connection.call("CreateContainer", request).status
        assert status is not None
        assert "is exclusive, and held by" in status.message
        with runtime.accept() as second:
            second.start(containerd("1.7.24"))
            wait_for(log, "looked at all containers a second time")
        assert gpu(connection, "0") == "0"


# A disk that hangs takes a kernel that does; from here it looks like this.
HANGING = """
import pathlib, sys, time
from nri_cdi.config import Config, Loader
from nri_cdi.daemon import run

class HangingLoader(Loader):
    def load(self):
        print("begins to read", file=sys.stderr, flush=True)
        while not pathlib.Path(sys.argv[3]).exists():
            time.sleep(0.01)
        return Config(socket=sys.argv[1], spec_dirs=(sys.argv[2],))

config = Config(socket=sys.argv[1], spec_dirs=(sys.argv[2],))
sys.exit(run(config, {}, loader=HangingLoader(None, {}, {})))
"""


def test_a_configuration_on_a_disk_that_hangs_holds_nothing_up(tmp_path: Path) -> None:
    write_spec(tmp_path / "cdi", "0")
    path, log = tmp_path / "nri.sock", tmp_path / "log"
    arguments = [str(path), str(tmp_path / "cdi"), str(tmp_path / "never")]
    with (
        process(arguments, log, program=("-c", HANGING)) as child,
        StandIn(str(path)) as runtime,
        runtime.accept() as connection,
    ):
        connection.start()
        child.send_signal(signal.SIGHUP)
        wait_for(log, "begins to read")
        assert gpu(connection, "0") == "0"
        child.send_signal(signal.SIGTERM)
        assert child.wait(DEADLINE_S) == 0
    assert log.read_text().endswith(" INFO stopped\n")


@pytest.mark.parametrize(
    ("before", "said", "end", "message"),
    [
        (
            "",
            "policy: {default: deny}\n",
            "the configuration is read again",
            "no rule of the policy allows",
        ),
        (
            "",
            "policy: {default: never}\n",
            "the configuration stays as it was",
            "before its configuration is mended",
        ),
        (
            "policy: {default: never}\n",
            "policy: {default: deny}\n",
            "the configuration is read again",
            "no rule of the policy allows",
        ),
    ],
)
def test_what_the_runtime_says_while_a_configuration_is_read_counts(
    tmp_path: Path, before: str, said: str, end: str, message: str
) -> None:
    write_spec(tmp_path / "cdi", "0")
    path, log, over = tmp_path / "nri.sock", tmp_path / "log", tmp_path / "over"
    arguments = [str(path), str(tmp_path / "cdi"), str(over)]
    with (
        process(arguments, log, program=("-c", HANGING)) as child,
        StandIn(str(path)) as runtime,
    ):
        with runtime.accept() as connection:
            connection.start(configured(before))
            if not before:
                assert gpu(connection, "0") == "0"
            child.send_signal(signal.SIGHUP)
            wait_for(log, "begins to read")
        with runtime.accept() as connection:
            connection.start(configured(said))
            over.touch()
            # It is read once more, for what the runtime has said.
            wait_for(log, "begins to read", times=2)
            wait_for(log, end)
            request = container_request({"cdi.k8s.io/gpu": "vendor.com/gpu=0"})
            status = connection.call("CreateContainer", request).status
            assert status is not None
            assert message in status.message


@pytest.mark.parametrize(
    ("config", "refused"),
    [
        ("spec_dirs: [{dir}]\nlog_level: debug\n", None),
        (
            "spec_dir: {dir}\n",
            "nri-cdi: the plugin can't serve before its configuration is mended: the "
            "configuration that the runtime has:1:1: unknown setting 'spec_dir'; did "
            "you mean 'spec_dirs'?; asked for by annotation cdi.k8s.io/gpu",
        ),
    ],
)
def test_a_runtime_launches_and_configures_it(
    tmp_path: Path, config: str, refused: str | None
) -> None:
    write_spec(tmp_path / "cdi", "0")
    ours, theirs = socket.socketpair()
    with theirs:
        environ = {
            "NRI_PLUGIN_SOCKET": str(theirs.fileno()),
            "NRI_PLUGIN_NAME": "nri-cdi",
            "NRI_PLUGIN_IDX": "42",
        }
        launched = process([], tmp_path / "log", environ, [theirs.fileno()])
        with launched as child, Connection(ours) as connection:
            theirs.close()
            configure = containerd("1.7.24")
            configure.config = config.format(dir=tmp_path / "cdi")
            connection.start(configure)
            assert (
                connection.create_container(container_request({}))
                == api.CreateContainerResponse()
            )
            if refused is None:
                assert gpu(connection, "0") == "0"
            else:
                request = container_request({"cdi.k8s.io/gpu": "vendor.com/gpu=0"})
                status = connection.call("CreateContainer", request).status
                assert status is not None
                assert status.message == refused
            ours.close()
            assert child.wait(DEADLINE_S) == 0


def test_a_launched_plugin_with_bad_flags_refuses_who_needs_it(tmp_path: Path) -> None:
    """To end would keep an old runtime from starting, and leave a new one without."""
    ours, theirs = socket.socketpair()
    with theirs:
        environ = {"NRI_PLUGIN_SOCKET": str(theirs.fileno()), "NRI_PLUGIN_IDX": "42"}
        arguments = ["run", "--config", str(tmp_path / "missing.yaml")]
        launched = process(arguments, tmp_path / "log", environ, [theirs.fileno()])
        with launched as child, Connection(ours) as connection:
            theirs.close()
            connection.start()
            connection.create_container(container_request({}))
            request = container_request({"cdi.k8s.io/gpu": "vendor.com/gpu=0"})
            status = connection.call("CreateContainer", request).status
            assert status is not None
            assert "missing.yaml: No such file or directory" in status.message
            ours.close()
            assert child.wait(DEADLINE_S) == 0


def test_a_request_that_waits_when_the_plugin_stops_is_refused(tmp_path: Path) -> None:
    """Without an answer the runtime would create the container without its device."""
    directory = tmp_path / "cdi"
    directory.mkdir()
    many = [
        {"name": f"d{number}", "containerEdits": {"env": [f"D={number}"]}}
        for number in range(100_000)
    ]
    spec = {"cdiVersion": "0.5.0", "kind": "vendor.com/many", "devices": many}
    (directory / "many.json").write_text(json.dumps(spec))
    path, log = tmp_path / "nri.sock", tmp_path / "log"
    arguments = ["run", "--socket", str(path), "--spec-dir", str(directory)]
    with (
        StandIn(str(path)) as runtime,
        process(arguments, log) as child,
        runtime.accept() as connection,
    ):
        connection.start()
        request = container_request({"cdi.k8s.io/gpu": "vendor.com/gpu=0"})
        waiting = connection.send("CreateContainer", request)
        connection.call("StateChange", api.StateChangeEvent())
        child.send_signal(signal.SIGTERM)
        status = connection.wait(waiting).status
        assert status is not None
        assert status.message == "plugin nri-cdi: the plugin is stopping"
        assert child.wait(DEADLINE_S) == 0


def test_a_reader_of_the_log_that_stands_still_does_not_keep_it_alive(
    tmp_path: Path,
) -> None:
    reading, writing = os.pipe()
    with contextlib.suppress(BlockingIOError):
        os.set_blocking(writing, False)
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    arguments = ["run", "--socket", str(tmp_path / "s"), "--spec-dir", str(tmp_path)]
    child = subprocess.Popen(
        [sys.executable, "-m", "nri_cdi", *arguments], stderr=writing
    )
    try:
        time.sleep(1)  # it has begun to log, and can't
        child.send_signal(signal.SIGTERM)
        assert child.wait(DEADLINE_S) == 0
    finally:
        child.kill()
        child.wait()
        os.close(reading)
        os.close(writing)


def test_a_launched_plugin_without_a_connection_fails(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with process([], log, {"NRI_PLUGIN_SOCKET": "99"}) as child:
        assert child.wait(DEADLINE_S) == 1


def test_systemd_hears_that_the_loop_turns(tmp_path: Path) -> None:
    """Source: sd_watchdog_enabled(3)."""
    arguments = [
        *("run", "--socket", str(tmp_path / "nri.sock")),
        *("--spec-dir", str(tmp_path / "cdi")),
    ]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(DEADLINE_S)
        manager.bind(str(tmp_path / "notify"))
        environ = {
            **os.environ,
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "50000",
        }
        with process(arguments, tmp_path / "log", environ):
            heard = [manager.recv(100) for _ in range(4)]
    assert sorted(heard) == [b"READY=1"] + [b"WATCHDOG=1"] * 3
