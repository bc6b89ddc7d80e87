"""The soak of one runtime, from its start to its end."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from soak import chaos
from soak.chaos import Churn
from soak.logbook import review
from soak.report import Report, report
from soak.scene import Scene
from soak.worker import Worker
from testbed.containerd import Containerd

WORKERS = 4

LOG_BYTES = 16 * 1024 * 1024
LOG_BYTES_A_SECOND = 64 * 1024
"""Room for the logs: some 20 injections a second, of 300 bytes, and plenty more."""

Say = Callable[[str], None]


def soak(
    containerd: Containerd,
    seconds: float,
    seed: int,
    say: Say,
    keep: Path,
    *,
    once: bool,
) -> Report:
    """Soak a runtime; the logs go to ``keep`` if anything is wrong.

    Raises: ContainerdError, CriError, PluginError.
    """
    with _log_disk(containerd, seconds) as log_dir:
        scene = Scene(containerd, log_dir, seed)
        try:
            _play(scene, seconds, say, once=once)
        finally:
            scene.stopping.set()
            for plugin in scene.plugins:
                plugin.kill()
        review(scene)
        if scene.tally.findings:
            _keep_logs(scene, keep)
        usages = [plugin.usage for plugin in scene.plugins]
        return report(scene.tally, usages, scene.runtime, seed)


def _play(scene: Scene, seconds: float, say: Say, *, once: bool) -> None:
    with scene.away():
        scene.start_plugin()
        scene.await_plugin()
    scene.workers = [Worker(scene, number) for number in range(WORKERS)]
    for thread in (*scene.workers, Churn(scene)):
        thread.start()

    def progress(name: str, how: str) -> None:
        tally = scene.tally
        say(
            f"{tally.seconds:7.1f} s  {tally.containers:6} containers  "
            f"{len(tally.findings):3} findings  {name}{f': {how}' if how else ''}"
        )

    chaos.run(scene, seconds, progress, once=once)


@contextmanager
def _log_disk(containerd: Containerd, seconds: float) -> Iterator[Path]:
    """A small file system of its own, which can be full."""
    folder = containerd.run_dir / "soak" / "log"
    folder.mkdir(parents=True)
    size = LOG_BYTES + int(seconds * LOG_BYTES_A_SECOND)
    options = ["-t", "tmpfs", "-o", f"size={size}", "soak"]
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def _keep_logs(scene: Scene, folder: Path) -> None:
    """Keep what explains the findings."""
    target = folder / scene.runtime.replace(" ", "-")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in (*scene.log_dir.glob("*.log"), scene.containerd.run_dir):
        source = path / "containerd.log" if path.is_dir() else path
        shutil.copy(source, target)
