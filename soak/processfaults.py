"""Faults of the plugin's process, of its runtime, and of its settings."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from soak.pluginprocess import Clock
from soak.scene import Scene
from soak.statusreader import read_status

GONE_S = 0.4
"""How long there is no plugin, or no runtime, at most."""

STOPPED_S = 2.6
"""Longer than the runtime waits for an answer, 2 s, and shorter than for two."""

BRIEFLY_S = 0.8

OVERLAP_S = 0.5
"""How long there are two instances of the plugin."""

RELOADED = "configuration is read again"
REFUSED = "configuration stays as it was"
RELOADING_S = 10
POLL_S = 0.01


class ReloadError(RuntimeError):
    """The plugin doesn't do with its settings what it should."""


@contextmanager
def killed(scene: Scene) -> Iterator[float]:
    """SIGKILL, and some time later another start."""
    with scene.away():
        scene.periods.killed.open(time.monotonic())
        scene.plugin.kill()
        scene.stopping.wait(scene.random.uniform(0, GONE_S))
        scene.start_plugin()
        over = time.monotonic()
        back_s = scene.await_plugin() - over
        scene.periods.killed.close(time.monotonic())
    yield back_s


@contextmanager
def restarted(scene: Scene, clock: Clock | None = None) -> Iterator[float]:
    """SIGTERM, and a start at once, perhaps with another clock than the machine's."""
    with scene.away():
        scene.periods.ending.open(time.monotonic())
        scene.plugin.stop()
        scene.periods.ending.close(time.monotonic())
        scene.start_plugin(clock)
        over = time.monotonic()
        back_s = scene.await_plugin() - over
    yield back_s


@contextmanager
def stopped(scene: Scene) -> Iterator[float]:
    """SIGSTOP for longer than the runtime waits for an answer."""
    count = scene.plugin.synchronizations()
    with scene.away():
        scene.plugin.send(signal.SIGSTOP)
        scene.stopping.wait(STOPPED_S)
        scene.plugin.send(signal.SIGCONT)
        over = time.monotonic()
        back_s = scene.await_plugin(count + 1) - over
    yield back_s


@contextmanager
def stopped_briefly(scene: Scene) -> Iterator[None]:
    """SIGSTOP for less long than that: nobody notices."""
    scene.plugin.send(signal.SIGSTOP)
    scene.stopping.wait(BRIEFLY_S)
    scene.plugin.send(signal.SIGCONT)
    yield


@contextmanager
def runtime_restarted(scene: Scene) -> Iterator[float]:
    """The runtime ends with SIGTERM, and starts again."""
    yield _without_runtime(scene, scene.containerd.stop)


@contextmanager
def runtime_killed(scene: Scene) -> Iterator[float]:
    """The runtime ends with SIGKILL, and starts again."""
    yield _without_runtime(scene, scene.containerd.kill)


def _without_runtime(scene: Scene, end: Callable[[], None]) -> float:
    count = scene.plugin.synchronizations()
    with scene.away():
        scene.periods.unsteady.open(time.monotonic())
        end()
        scene.stopping.wait(scene.random.uniform(0, GONE_S))
        scene.containerd.start()
        over = time.monotonic()
        back_s = scene.await_plugin(count + 1) - over
        scene.periods.unsteady.close(time.monotonic())
    return back_s


@contextmanager
def updated(scene: Scene) -> Iterator[float]:
    """A rolling update: a second instance starts before the first one ends."""
    old = scene.plugin
    # Where the runtime has gaps, one that goes now is a holder until the second look.
    scene.periods.uncounted.open(time.monotonic())
    scene.start_plugin()
    began = time.monotonic()
    back_s = scene.await_plugin() - began
    scene.periods.uncounted.close(time.monotonic())
    scene.stopping.wait(OVERLAP_S)
    scene.periods.ending.open(time.monotonic())
    old.stop()
    scene.periods.ending.close(time.monotonic())
    yield back_s


@contextmanager
def settings_changed(scene: Scene) -> Iterator[None]:
    """A rule of the policy turns; the plugin is told to read its settings again."""
    scene.settings.turn()
    _reload(scene, RELOADED)
    scene.settings.settle()
    yield


@contextmanager
def settings_spoiled(scene: Scene) -> Iterator[None]:
    """The settings have a mistake: the plugin goes on with those that it had."""
    scene.settings.spoil()
    try:
        _reload(scene, REFUSED)
        said = read_status(scene.plugin.status)["configuration"]["error"]
        if "excluzive" not in said:
            raise ReloadError(f"the status says of bad settings: {said!r}")
        scene.stopping.wait(OVERLAP_S)
    finally:
        scene.settings.mend()
    _reload(scene, RELOADED)
    yield


def _reload(scene: Scene, line: str) -> None:
    """Have the settings read, and wait for a line of the log that was not there.

    Raises: ReloadError.
    """
    before = scene.plugin.log_text().count(line)
    scene.plugin.send(signal.SIGHUP)
    deadline = time.monotonic() + RELOADING_S
    while scene.plugin.log_text().count(line) == before:
        if time.monotonic() > deadline:
            raise ReloadError(f"no {line!r} in the log within {RELOADING_S} s")
        time.sleep(POLL_S)
