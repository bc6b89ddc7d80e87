"""One fault after the other, and between them calm."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from random import Random

from soak import marks
from soak.drift import Suspect
from soak.faults import FAULTS, Fault
from soak.pluginprocess import PluginError
from soak.processfaults import ReloadError, restarted
from soak.scene import Scene
from soak.specfaults import SkippedError
from soak.statusreader import StatusError
from soak.worker import remove_container

CALM_S = (0.2, 1.0)
"""How long nothing happens between two faults."""

SHORT_CALM_S = (0.1, 0.2)

CHURN_S = 0.15
"""Between two rewrites of a spec, which go on all the time."""

Progress = Callable[[str, str], None]


class Churn(threading.Thread):
    """Rewrites one spec after the other, unless a fault has the directory."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(name="churn", daemon=True)
        self._scene = scene
        self._random = Random(scene.random.random())  # noqa: S311

    def run(self) -> None:
        while not self._scene.stopping.wait(CHURN_S):
            class_ = self._random.choice(tuple(marks.KINDS))
            self._scene.specs.rewrite(class_)


def rounds(scene: Scene, *, once: bool) -> Iterator[tuple[str, Fault]]:
    """The faults: each once, or all of them again and again, in ever new orders."""
    names = list(FAULTS)
    while True:
        yield from ((name, FAULTS[name]) for name in names)
        if once:
            return
        scene.random.shuffle(names)


def run(scene: Scene, seconds: float, progress: Progress, *, once: bool) -> None:
    """Do faults until the time is over, or each once; ``progress`` hears of each."""
    deadline = time.monotonic() + seconds
    calm_s = SHORT_CALM_S if once else CALM_S
    for name, fault in rounds(scene, once=once):
        scene.stopping.wait(scene.random.uniform(*calm_s))
        if scene.stopping.is_set() or (not once and time.monotonic() > deadline):
            break
        progress(name, do(scene, name, fault))
    scene.tally.fault = "the end"
    finish(scene)


def do(scene: Scene, name: str, fault: Fault) -> str:
    """Do one fault, and say in a few words how it went."""
    scene.tally.fault = name
    try:
        with fault(scene) as back_s:
            scene.plugin.check()
            inspect(scene)
    except SkippedError as error:
        scene.tally.skipped[name] = str(error)
        return f"skipped: {error}"
    except (PluginError, ReloadError, StatusError) as error:
        scene.tally.find("the plugin fails", str(error))
        revive(scene)
        return "failed"
    scene.tally.count(name, back_s)
    return "" if back_s is None else f"back after {back_s * 1000:.0f} ms"


def revive(scene: Scene) -> None:
    """Have a plugin that runs, whatever became of the one before."""
    with scene.away():
        scene.plugin.kill()
        scene.start_plugin()
        scene.await_plugin()


def inspect(scene: Scene) -> None:
    """Have the plugin tell of the containers that were made without it."""

    def remove(suspect: Suspect) -> None:
        if suspect.claim is not None:
            scene.claims.leave(suspect.claim, time.monotonic())
        remove_container(scene, suspect.container_id)
        if suspect.claim is not None:
            scene.claims.lose(suspect.claim, time.monotonic())

    at = scene.plugin.synchronized_at
    scene.suspects.inspect(scene.plugin.status, at, remove)


def finish(scene: Scene) -> None:
    """Stop the workers, and settle what is open: one more restart finds the rest."""
    scene.plugin.look()
    scene.stopping.set()
    for worker in scene.workers:
        worker.join()
    time.sleep(1.1)
    with restarted(scene):
        inspect(scene)
