"""Faults of the spec directory, each with its undo."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from soak.scene import Scene

KIND = "gpu"
"""The class of which the specs are harmed, where it is one."""

WAIT_S = 0.3
REWRITES = 20
REWRITE_PAUSE_S = 0.02

HUGE = 64 * 1024 * 1024
"""Bytes; sparse. The plugin reads 16 MiB at most."""

GARBAGE = 200
DEEP = 20_000

EVENTS_S = 1.0
"""How long the plugin may stand still unnoticed: its deadline is 2 s."""

QUEUE_LIMIT = Path("/proc/sys/fs/inotify/max_queued_events")
EVENTS_A_ROUND = 3
"""Of a file that is made, closed and removed."""

NEVER_READABLE = "/proc/self/mem"
"""A regular file of which the first byte is an I/O error."""


class SkippedError(Exception):
    """A fault that can't be had on this machine; the text says why."""


@contextmanager
def rewritten(scene: Scene) -> Iterator[None]:
    """All specs, many times in a row."""
    for _ in range(REWRITES):
        scene.specs.rewrite_all()
        scene.stopping.wait(REWRITE_PAUSE_S)
    yield


@contextmanager
def renamed(scene: Scene) -> Iterator[None]:
    """The directory is renamed, and comes back."""
    spec_dir = scene.specs.spec_dir
    other = spec_dir.with_name("cdi-renamed")
    with scene.specs.gone(
        lambda: spec_dir.rename(other), lambda: other.rename(spec_dir)
    ):
        scene.stopping.wait(WAIT_S)
        yield


@contextmanager
def replaced_by_a_file(scene: Scene) -> Iterator[None]:
    """A regular file stands where the directory was."""
    spec_dir = scene.specs.spec_dir
    other = spec_dir.with_name("cdi-renamed")

    def remove() -> None:
        spec_dir.rename(other)
        spec_dir.write_text("not a directory")

    def restore() -> None:
        spec_dir.unlink()
        other.rename(spec_dir)

    with scene.specs.gone(remove, restore):
        scene.stopping.wait(WAIT_S)
        yield


@contextmanager
def mounted_over(scene: Scene) -> Iterator[None]:
    """An empty file system covers the directory, which makes no event."""
    spec_dir = str(scene.specs.spec_dir)

    def mount() -> None:
        subprocess.run(["mount", "-t", "tmpfs", "soak", spec_dir], check=True)

    def unmount() -> None:
        subprocess.run(["umount", "--lazy", spec_dir], check=True)

    with scene.specs.gone(mount, unmount, is_seen=False):
        scene.stopping.wait(WAIT_S)
        yield


@contextmanager
def filled_with_garbage(scene: Scene) -> Iterator[None]:
    """Hundreds of files that are no specs; the specs beside them stay in use."""
    junk = [
        scene.specs.spec_dir / f"junk-{number}.{'json' if number % 2 else 'yaml'}"
        for number in range(GARBAGE)
    ]
    sorts = cycle(SORTS)
    try:
        with scene.specs.lock:
            for path in junk:
                next(sorts)(path, scene)
        scene.specs.rewrite_all()
        scene.stopping.wait(WAIT_S)
        yield
    finally:
        for path in junk:
            _discard(path)


def _random(path: Path, scene: Scene) -> None:
    path.write_bytes(scene.random.randbytes(512))


def _truncated(path: Path, _: Scene) -> None:
    path.write_text('{"cdiVersion": "0.6.0", "kind": "soak.test/gpu", "devices": [')


def _deep(path: Path, _: Scene) -> None:
    path.write_text("[" * DEEP)


def _mistyped(path: Path, _: Scene) -> None:
    path.write_text("cdiVersion: 0.6.0\nkind: soak.test/gpu\ndevices: 7\n")


def _alias_bomb(path: Path, _: Scene) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    path.write_text("\n".join(lines))


def _empty(path: Path, _: Scene) -> None:
    path.touch()


def _folder(path: Path, _: Scene) -> None:
    path.mkdir()


def _fifo(path: Path, _: Scene) -> None:
    os.mkfifo(path)


def _socket(path: Path, _: Scene) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def _loop(path: Path, _: Scene) -> None:
    path.symlink_to(path.name)


def _failing(path: Path, _: Scene) -> None:
    path.symlink_to(NEVER_READABLE)


def _huge(path: Path, _: Scene) -> None:
    path.touch()
    os.truncate(path, HUGE)


SORTS: tuple[Callable[[Path, Scene], None], ...] = (
    _random, _truncated, _deep, _mistyped, _alias_bomb, _empty,
    _folder, _fifo, _socket, _loop, _failing, _huge,
)  # fmt: skip

UNREADABLE: Mapping[str, Callable[[Path, Scene], None]] = {
    "a directory": _folder,
    "a FIFO": _fifo,
    "an I/O error": _failing,
    "a huge file": _huge,
    "a link to itself": _loop,
}
"""What stands in the place of a spec. Root may read what has no permissions."""


@contextmanager
def made_unreadable(scene: Scene) -> Iterator[None]:
    """What can't be read stands in the place of a spec, one sort after the other."""
    path = scene.specs.path(KIND)
    kept = path.with_suffix(".kept")
    for make in UNREADABLE.values():

        def remove(make: Callable[[Path, Scene], None] = make) -> None:
            path.rename(kept)
            make(path, scene)

        def restore() -> None:
            _discard(path)
            kept.rename(path)

        with scene.specs.gone(remove, restore, [KIND]):
            scene.stopping.wait(WAIT_S / 2)
    yield


@contextmanager
def given_a_rival(scene: Scene) -> Iterator[None]:
    """Another file defines the same devices: nobody gets them."""
    rivals: list[Path] = []
    with scene.specs.gone(
        lambda: rivals.append(scene.specs.write_rival(KIND)),
        lambda: rivals.pop().unlink(),
        [KIND],
    ):
        scene.stopping.wait(WAIT_S)
        yield


@contextmanager
def events_overflow(scene: Scene) -> Iterator[None]:
    """The plugin stands still until more has happened than its queue of events holds.

    It is so short that no request notices. The last change has no event of its own.
    """
    limit = int(QUEUE_LIMIT.read_text())
    rounds = limit // EVENTS_A_ROUND + 1
    path = scene.specs.spec_dir / ".scratch"
    scene.plugin.send(signal.SIGSTOP)
    deadline = time.monotonic() + EVENTS_S
    try:
        for _ in range(rounds):
            path.touch()
            path.unlink()
            if time.monotonic() > deadline:
                raise SkippedError(f"{limit} events take longer than {EVENTS_S} s")
        scene.specs.rewrite_all()
    finally:
        scene.plugin.send(signal.SIGCONT)
    yield


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
