"""What outsiders may try: who writes pods, and whoever sits at the runtime's socket.

A pod's author gets the devices that the annotations name, or a refusal that can be
read; never a forged line in the log, and never a plugin that others wait for. At the
socket's path may be anything for a while: the plugin goes on trying, and uses neither
memory nor time for it.
"""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

import pytest
from google.protobuf.message import Message

from nri_cdi.ttrpc.status import Code
from testbed.cri import CriError
from testbed.standin import StandIn, container_request
from tests.e2e import specs
from tests.e2e.node import Node, Pod, asking
from tests.e2e.pluginprocess import SERVING, PluginProcess, resident_kib

DEVICE = f"{specs.KIND}=one"
GIVEN = "GIVEN=yes"
MESSAGE_LIMIT = 4096
LINE_LIMIT = 10_000
"""The 8 KiB of a line, its time and level, and the note that it was cut."""

QUICK_S = 2.0
"""The runtime's deadline for an answer. A container takes that long as a whole."""


@pytest.fixture
def furnished(node: Node) -> Iterator[Node]:
    """A node with a device, and with a log that is looked at in the end."""
    specs.write(node.spec_dir / "one.json", specs.spec({"one": specs.env(GIVEN="yes")}))
    yield node
    text = node.plugin.log_text()
    assert text.count(SERVING) == 1, "the runtime has dropped the plugin"
    for line in text.removesuffix("\n").split("\n"):
        assert line.startswith("20"), "a line that the plugin did not begin"
        assert line.isprintable()
        assert len(line.encode()) <= LINE_LIMIT


def given(pod: Pod, name: str = "main") -> bool:
    """Whether a container of the pod gets the device, within the time that it has."""
    started = time.monotonic()
    container = pod.create(name)
    took_s = time.monotonic() - started
    assert took_s < QUICK_S, f"it took {took_s:.1f} s"
    return GIVEN in container.config()["process"]["env"]


def refusal(pod: Pod, name: str = "main") -> str:
    """Why a container is refused: printable, and not for a whole page."""
    started = time.monotonic()
    message = pod.refused(name)
    took_s = time.monotonic() - started
    assert took_s < QUICK_S, f"it took {took_s:.1f} s"
    assert message.isprintable()
    assert len(message) < MESSAGE_LIMIT
    return message


def assert_served(node: Node) -> None:
    with node.pod(asking(DEVICE)) as pod:
        assert given(pod)


REFUSED: Mapping[str, tuple[Mapping[str, str], str]] = {
    "10 000 names": (
        {"cdi.k8s.io/x": ",".join([DEVICE] * 10_000)},
        "requests more than 1024 names",
    ),
    "marks of a plugin that gave it before": (
        {
            "cdi.k8s.io/x": DEVICE,
            "nri-cdi/resolved": DEVICE,
            "nri-cdi/delegated": DEVICE,
        },
        "are the plugin's: a pod can't have them",
    ),
    "1 000 unknown names": (
        {"cdi.k8s.io/x": ",".join(f"{specs.KIND}=n{n}" for n in range(1000))},
        "is in no spec",
    ),
    "1 000 annotations that make no sense": (
        {f"cdi.k8s.io/{n}": "\n\x1b[31m" for n in range(1000)},
        "and 992 more",
    ),
    "megabytes of text": ({"cdi.k8s.io/x": "x" * 3_000_000}, "(3000000 characters)"),
    "megabytes of a name": (
        {"cdi.k8s.io/x": DEVICE + "x" * 3_000_000},
        "is in no spec",
    ),
    "megabytes of commas": (
        {"cdi.k8s.io/x": "," * 3_000_000},
        "requests more than 1024 names",
    ),
    "a key that forges a line": (
        {"cdi.k8s.io/\n<0>2026 INFO \x1b[31m\0": f"{specs.KIND}=none"},
        "annotation 'cdi.k8s.io/\\n<0>2026 INFO \\x1b[31m\\x00'",
    ),
    "a value with NUL": ({"cdi.k8s.io/x": f"{DEVICE}\0"}, "'one\\x00' has '\\x00'"),
    "a value with bidirectional marks": (
        {"cdi.k8s.io/x": f"\u202e{DEVICE}"},
        "'\\u202evendor.test/device=one'",
    ),
    "a name with a letter of another script": (
        {"cdi.k8s.io/x": "vend\u043er.test/device=one"},
        "(U+043E)",
    ),
}


@pytest.mark.parametrize(("annotations", "why"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_in_words(
    furnished: Node, annotations: Mapping[str, str], why: str
) -> None:
    with furnished.pod(annotations) as pod:
        assert why in refusal(pod)
    assert_served(furnished)


CARRIED_OUT: Mapping[str, Mapping[str, str]] = {
    "1 000 annotations": {f"cdi.k8s.io/{n}": DEVICE for n in range(1000)},
    "1 000 names": {"cdi.k8s.io/x": ",".join([DEVICE] * 1000)},
    "a key of 300 characters": {f"cdi.k8s.io/{'k' * 300}": DEVICE},
    "megabytes beside it": {"x": "x" * 3_000_000, "cdi.k8s.io/x": DEVICE},
    "thousands beside it": {
        **{f"cdi.k8s.io/container.{n}": "x" for n in range(10_000)},
        "cdi.k8s.io/x": DEVICE,
    },
}


@pytest.mark.parametrize("annotations", CARRIED_OUT.values(), ids=CARRIED_OUT)
def test_it_is_carried_out(furnished: Node, annotations: Mapping[str, str]) -> None:
    with furnished.pod(annotations) as pod:
        assert given(pod)
    assert_served(furnished)


@pytest.mark.parametrize(
    "key", ["cdi.k8s.\u0456o/x", "cdi.k8s.io\uff0fx", "CDI.k8s.io/x", "cdi.k8s.io\0/x"]
)
def test_a_key_that_only_looks_like_it_gives_nothing(furnished: Node, key: str) -> None:
    with furnished.pod({key: DEVICE}) as pod:
        assert not given(pod)
    assert_served(furnished)


def test_what_is_too_large_for_the_wire_never_goes_without_its_device(
    furnished: Node,
) -> None:
    """A request of more than 4 MiB. Newer runtimes refuse it, older ones send it."""
    with furnished.pod({"x": "x" * 5_000_000, **asking(DEVICE)}) as pod:
        try:
            assert given(pod)
        except CriError as error:
            assert "exceed maximum message size" in error.details
    assert_served(furnished)


def test_labels_without_end_cost_nothing(furnished: Node) -> None:
    labels = {f"label-{number}": "v" * 63 for number in range(10_000)}
    cri = furnished.cri
    pod_id = cri.run_pod("labels", annotations=asking(DEVICE), labels=labels)
    try:
        assert given(Pod(cri=cri, id=pod_id))
    finally:
        cri.remove_pod(pod_id)


@pytest.mark.parametrize(
    "name",
    ["a\n<0>b", "\x1b[31m", "", "..", "a b,c", "main\0", "\u202enaim", "n" * 250],
)
def test_a_containers_name_is_only_a_name(furnished: Node, name: str) -> None:
    with furnished.pod({f"cdi.k8s.io/container.{name}": DEVICE}) as pod:
        if name:
            assert given(pod, name)
        else:
            assert "it needs a container's name" in refusal(pod, name)
    assert_served(furnished)


# At the runtime's socket

BACK_S = 1.0
"""From when a runtime is there until the plugin has registered."""

HOSTILE_S = 1.0
ATTEMPTS = 8
"""Connections within that time: pauses double from 50 ms on, or half of that."""

MEMORY_KIB = 64 * 1024
FULL_MEMORY_KIB = 192 * 1024
"""With a message of nearly 64 MiB that does not end, the longest that is taken."""

LARGEST = 60 << 20


@contextmanager
def alone(folder: Path) -> Iterator[tuple[PluginProcess, Path]]:
    """A plugin, and the path at which it looks for a runtime: nothing is there."""
    path, spec_dir = folder / "run/nri.sock", folder / "cdi"
    path.parent.mkdir()
    spec_dir.mkdir()
    specs.write(spec_dir / "one.json", specs.spec({"one": specs.env(GIVEN="yes")}))
    arguments = ["--socket", str(path), "--spec-dir", str(spec_dir)]
    plugin = PluginProcess(
        arguments, log=folder / "plugin.log", environment=dict(os.environ)
    )
    with plugin:
        yield plugin, path


def assert_back(path: Path, within_s: float = BACK_S) -> None:
    """A runtime appears at last: it gets the plugin."""
    with StandIn(str(path)) as runtime:
        started = time.monotonic()
        with runtime.accept() as connection:
            connection.start()
            took_s = time.monotonic() - started
            response = connection.create_container(container_request(asking(DEVICE)))
    assert [each.value for each in response.adjust.env] == ["yes"]
    assert took_s < within_s


def a_file(path: Path) -> None:
    path.write_text("nothing")


def a_directory(path: Path) -> None:
    path.mkdir()


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_loop(path: Path) -> None:
    path.symlink_to(path)


def a_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def a_link_to_a_terminal(path: Path) -> None:
    path.symlink_to("/dev/ptmx")


def a_dead_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def a_socket_for_datagrams(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))


def no_directory(path: Path) -> None:
    path.parent.rmdir()


def a_file_for_a_directory(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("nothing")


def a_loop_for_a_directory(path: Path) -> None:
    path.parent.rmdir()
    path.parent.symlink_to(path.parent)


@pytest.mark.parametrize(
    "put",
    [
        *(a_file, a_directory, a_fifo, a_loop, a_dangling_link, a_link_to_a_terminal),
        *(a_dead_socket, a_socket_for_datagrams),
        *(no_directory, a_file_for_a_directory, a_loop_for_a_directory),
    ],
)
def test_the_plugin_waits_for_a_socket_in_the_place_of(
    tmp_path: Path, put: Callable[[Path], None]
) -> None:
    with alone(tmp_path) as (plugin, path):
        plugin.await_line("can't connect to the runtime")
        put(path)
        # Until the next attempt is a second away, so that it is not what finds it.
        time.sleep(HOSTILE_S)
        remove(path)
        if not path.parent.is_dir():
            remove(path.parent)
            path.parent.mkdir()
        assert_back(path)
        assert resident_kib(plugin.pid) < MEMORY_KIB


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        with suppress(OSError):  # nothing is there, or no way leads there
            path.unlink()


Peer = Callable[[socket.socket, threading.Event], None]


def says_nothing(_trunk: socket.socket, over: threading.Event) -> None:
    over.wait()


def closes(trunk: socket.socket, _over: threading.Event) -> None:
    trunk.close()


def speaks_http(trunk: socket.socket, over: threading.Event) -> None:
    trunk.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    over.wait()


def sends_noise(trunk: socket.socket, over: threading.Event) -> None:
    trunk.sendall(noise(1 << 20))
    over.wait()


def noise(size: int) -> bytes:
    """Bytes without any order, the same ones each time."""
    return hashlib.shake_128(b"noise").digest(size)


def frame(conn_id: int, payload: bytes) -> bytes:
    return struct.pack(">II", conn_id, len(payload)) + payload


def request_header(length: int) -> bytes:
    return struct.pack(">IIBB", length, 1, 1, 0)


def closes_within_a_frame(trunk: socket.socket, _over: threading.Event) -> None:
    trunk.sendall(frame(1, b"x" * 100)[:50])
    trunk.close()


def stops_within_a_frame(trunk: socket.socket, over: threading.Event) -> None:
    trunk.sendall(frame(1, b"x" * 100)[:50])
    over.wait()


def repeats(data: bytes) -> Peer:
    def peer(trunk: socket.socket, over: threading.Event) -> None:
        while not over.is_set():
            trunk.sendall(data)

    return peer


def drips(trunk: socket.socket, over: threading.Event) -> None:
    for number in frame(1, request_header(1000) + b"x" * 1000):
        trunk.sendall(bytes([number]))
        over.wait(0.001)


def begins_the_longest_message(trunk: socket.socket, over: threading.Event) -> None:
    header = request_header(LARGEST)
    trunk.sendall(frame(1, header + b"x" * (LARGEST - 1)))
    over.wait()


PEERS: Mapping[str, Peer] = {
    "says nothing": says_nothing,
    "closes": closes,
    "speaks HTTP": speaks_http,
    "sends noise": sends_noise,
    "closes within a frame": closes_within_a_frame,
    "stops within a frame": stops_within_a_frame,
    "drips": drips,
    "sends zeros": repeats(bytes(1 << 16)),
    "sends empty frames": repeats(frame(1, b"") * 5000),
    "sends to a connection that is none": repeats(frame(7, bytes(1 << 16))),
    "sends what is too long": repeats(
        frame(1, request_header(2**32 - 1)) + frame(1, bytes(1 << 20))
    ),
    "begins the longest message": begins_the_longest_message,
}


class Listener:
    """Has a peer for each connection that is made to ``path``; a context manager."""

    def __init__(self, path: Path, peer: Peer) -> None:
        self.connections = 0
        self._path = path
        self._peer = peer
        self._over = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Listener:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._socket.close()
        self._path.unlink()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                trunk, _ = self._socket.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(trunk,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, trunk: socket.socket) -> None:
        with trunk, suppress(OSError):
            self._peer(trunk, self._over)


@pytest.mark.parametrize("peer", PEERS.values(), ids=PEERS)
def test_the_plugin_survives_a_peer_that(tmp_path: Path, peer: Peer) -> None:
    with alone(tmp_path) as (plugin, path):
        with Listener(path, peer) as listener:
            time.sleep(HOSTILE_S)
            used_kib = resident_kib(plugin.pid)
        assert_back(path)
        plugin.stop()
    assert 1 <= listener.connections <= ATTEMPTS
    whole = peer is begins_the_longest_message
    assert used_kib < (FULL_MEMORY_KIB if whole else MEMORY_KIB)


class Raw:
    """Bytes in the place of a message."""

    def __init__(self, payload: bytes) -> None:
        self._payload = payload

    def SerializeToString(self) -> bytes:
        return self._payload


def creation(**annotations: str) -> bytes:
    return container_request(annotations).SerializeToString()


PAYLOADS: Mapping[str, bytes] = {
    "bytes that are no UTF-8": creation(key="VALUE").replace(
        b"VALUE", b"\xff\xfe\x00\x80A"
    ),
    "half a character": creation(key="abc").replace(b"abc", b"\xed\xa0\x80"),
    "a part of a message": creation(key="value")[:-3],
    "noise": noise(1000),
    "groups within groups": b"\x0b" * 10_000,
    "a length beyond all": b"\x0a\xff\xff\xff\xff\x0f",
}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_request_that_is_none_is_an_error_and_no_more(
    tmp_path: Path, payload: bytes
) -> None:
    with (
        alone(tmp_path) as (_, path),
        StandIn(str(path)) as runtime,
        runtime.accept() as connection,
    ):
        connection.start()
        response = connection.call("CreateContainer", cast(Message, Raw(payload)))
        assert response.status is not None
        assert response.status.code == Code.INTERNAL
        answer = connection.create_container(container_request(asking(DEVICE)))
    assert [each.value for each in answer.adjust.env] == ["yes"]
