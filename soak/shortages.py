"""Faults of the machine: what the plugin needs of it runs out, or goes wrong."""

from __future__ import annotations

import errno
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from inotify_simple import INotify

from soak.pluginprocess import Clock
from soak.processfaults import restarted
from soak.scene import Scene
from soak.specfaults import SkippedError

WAIT_S = 0.5
RECOVERING_S = 1.5
INSTANCE_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
MANY_INSTANCES = 4096
"""More than these are not taken from a machine."""

HOUR_S = 3_600
DAY_S = 86_400
JUMP_S = 0.05

FILLING = 64 * 1024


@contextmanager
def log_disk_full(scene: Scene) -> Iterator[None]:
    """The file system that the plugin logs to has no room left."""
    filler = scene.log_dir / "filler"
    scene.periods.log_full.open(time.monotonic())
    try:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            for size in (FILLING, 1):
                with suppress(OSError):
                    while file.write(bytes(size)):
                        pass
        scene.stopping.wait(WAIT_S)
        yield
    finally:
        filler.unlink()
        # Lines are written some ms later than what they tell of.
        scene.stopping.wait(WAIT_S / 2)
        scene.periods.log_full.close(time.monotonic())


@contextmanager
def clock_jumps(scene: Scene) -> Iterator[float]:
    """The clock of a plugin jumps back and forth, and so do the times of spec files.

    It is one of its own, as everything on the machine goes by the machine's, and the
    plugin has it for this fault alone.
    """
    clock = Clock(scene.folder)
    with restarted(scene, clock) as back_s:
        for offset_s in (HOUR_S, -HOUR_S, DAY_S, -DAY_S):
            clock.set(offset_s)
            for age_s in (0.0, HOUR_S, -HOUR_S):
                scene.specs.rewrite_all(age_s=age_s)
                scene.stopping.wait(JUMP_S)
    with restarted(scene):
        yield back_s


@contextmanager
def descriptors_run_out(scene: Scene) -> Iterator[None]:
    """The plugin may have no more files open than it has, while specs change."""
    pid = scene.plugin.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    opened = [int(each.name) for each in Path(f"/proc/{pid}/fd").iterdir()]
    with scene.specs.unseen():
        try:
            limits = (max(opened) + 1, before[1])
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
            scene.specs.rewrite_all()
            scene.stopping.wait(WAIT_S)
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    with scene.specs.lock:
        # Nothing else happens that would make the plugin look again.
        scene.stopping.wait(RECOVERING_S)
    yield


@contextmanager
def instances_run_out(scene: Scene) -> Iterator[float]:
    """The plugin starts while nobody gets an inotify instance, and specs change."""
    limit = int(INSTANCE_LIMIT.read_text())
    if limit > MANY_INSTANCES:
        raise SkippedError(f"fs.inotify.max_user_instances is {limit}")
    with ExitStack() as taken:
        _take_instances(taken)
        with restarted(scene) as back_s:
            scene.specs.rewrite_all()
            scene.stopping.wait(WAIT_S)
    scene.specs.rewrite_all()
    yield back_s


def _take_instances(taken: ExitStack) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        while True:
            taken.enter_context(INotify())
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
