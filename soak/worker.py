"""A worker: creates containers, looks at them, and removes them, without pause."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from typing import Any, TypeVar

from soak import marks
from soak.asks import ASKS, Ask
from soak.claims import Claim
from soak.drift import Suspect
from soak.scene import Scene
from soak.verdict import (
    Outcome,
    Verdict,
    judge_container,
    judge_refusal,
)
from testbed.cri import CriError

POD_CONTAINERS = 40
"""After so many containers a pod is replaced."""

STARTED = 0.15
"""The share of containers that are started, too."""

HOLDING_S = (0.1, 0.1, 0.1, 2.0)
"""How long an exclusive device is held: one of these, at most. The longest is longer
than a plugin needs to start: a new one has to find who holds what."""

PATIENCE_S = 60
POLL_S = 0.05

T = TypeVar("T")


class Worker(threading.Thread):
    """Number ``number`` of those of a scene; ends when the scene is stopping."""

    def __init__(self, scene: Scene, number: int) -> None:
        super().__init__(name=f"worker-{number}", daemon=True)
        self._scene = scene
        self._number = number
        self._cri = scene.containerd.cri
        self._random = Random(scene.random.random())  # noqa: S311
        self._pods: dict[str, tuple[str, int]] = {}
        self._made = 0

    def run(self) -> None:
        weights = [ask.weight for ask in ASKS]
        while not self._scene.stopping.is_set():
            (ask,) = self._random.choices(ASKS, weights)
            try:
                self._one(ask)
            except CriError as error:
                self._scene.tally.find("the runtime fails", f"{ask.name}: {error}")
            except Exception as error:  # noqa: BLE001
                # The top of the thread: a mistake here must not end it unnoticed.
                self._scene.tally.find("a bug in the soak", f"{ask.name}: {error!r}")

    def _one(self, ask: Ask) -> None:
        """One container, from its creation to its removal."""
        pod_id = self._pod(ask)
        self._made += 1
        name = f"c-{self._number}-{self._made}"
        began = time.monotonic()
        claims = self._scene.claims
        claim = claims.ask(name, ask.exclusive, began) if ask.exclusive else None
        try:
            container_id = self._create(pod_id, name, ask)
        except CriError as error:
            verdict = self._refused(ask, error.details, began, claim)
            if claim is not None:
                claims.lose(claim, time.monotonic())
            self._judge(name, ask, verdict, began)
            return
        verdict, found = self._created(ask, container_id, began, claim)
        self._judge(name, ask, verdict, began)
        if verdict.outcome is Outcome.GRANTED:
            self._scene.granted.append((name, began, time.monotonic()))
        if verdict.outcome is Outcome.AWAY:
            self._scene.suspects.add(
                Suspect(
                    name=name,
                    ask=ask.name,
                    pod_id=pod_id,
                    container_id=container_id,
                    claim=claim,
                    made_at=time.monotonic(),
                )
            )
            return
        if claim is not None and found:
            self._hold(claim)
        if found and self._random.random() < STARTED:
            self._start(name, container_id, found)
        self._remove(container_id, claim)

    def _judge(self, name: str, ask: Ask, verdict: Verdict, began: float) -> None:
        took_s = time.monotonic() - began
        self._scene.tally.judge(name, ask.name, verdict, took_s)

    def _create(self, pod_id: str, name: str, ask: Ask) -> str:
        """The new container's id, also if the runtime ended before it said so.

        Raises: CriError.
        """
        began = time.monotonic()
        try:
            return self._cri.create_container(pod_id, name, env=ask.env)
        except CriError:
            if not self._is_unsteady(began):
                raise
            made = [
                each.id
                for each in self._insist(self._cri.list_containers)
                if each.metadata.name == name
            ]
            if not made:
                raise
            return made[0]

    def _refused(
        self, ask: Ask, message: str, began: float, claim: Claim | None
    ) -> Verdict:
        claims, now = self._scene.claims, time.monotonic()
        uncounted = self._scene.periods.uncounted.overlap(began, now)
        held = claim is not None and (uncounted or claims.can_be_held(claim, now))
        during = self._scene.circumstances(began, held=held)
        return judge_refusal(ask, message, during)

    def _created(
        self, ask: Ask, container_id: str, began: float, claim: Claim | None
    ) -> tuple[Verdict, marks.Found]:
        during = self._scene.circumstances(began, held=False)
        got_at = time.monotonic()
        found: marks.Found = {}
        try:
            found = marks.read(self._config(container_id))
        except marks.MarkError as error:
            return Verdict(outcome=Outcome.WRONG, reason=str(error)), found
        if claim is not None and found:
            for other in self._scene.claims.get(claim, got_at):
                self._scene.tally.find("held twice", other)
        return judge_container(ask, found, during), found

    def _config(self, container_id: str) -> Mapping[str, Any]:
        status = self._insist(lambda: self._cri.container_status(container_id))
        config: Mapping[str, Any] = json.loads(status.info["info"])["runtimeSpec"]
        return config

    def _hold(self, claim: Claim) -> None:
        self._scene.stopping.wait(
            self._random.uniform(0, self._random.choice(HOLDING_S))
        )
        self._scene.claims.leave(claim, time.monotonic())

    def _start(self, name: str, container_id: str, found: marks.Found) -> None:
        """Start it, and see from within that it has what its configuration says."""
        began = time.monotonic()
        nodes = [f"{marks.DEVICE_DIR}/{device.label}" for device in sorted(found)]
        try:
            self._cri.start_container(container_id)
            shown = self._cri.exec_sync(
                container_id, "/bin/stat", "-c", "%t:%T", *nodes
            ).stdout.split()
        except CriError as error:
            if not self._is_unsteady(began):
                self._scene.tally.find("can't be started", f"{name}: {error}")
            return
        expected = [marks.numbers(found[device]) for device in sorted(found)]
        self._scene.tally.started += 1
        if shown != expected:
            self._scene.tally.find("wrong within", f"{name}: {shown}, not {expected}")

    def _remove(self, container_id: str, claim: Claim | None) -> None:
        remove_container(self._scene, container_id)
        if claim is not None:
            self._scene.claims.lose(claim, time.monotonic())

    def _pod(self, ask: Ask) -> str:
        """The pod for an ask, a new one now and then."""
        pod_id, used = self._pods.get(ask.name, ("", 0))
        if pod_id and used < POD_CONTAINERS:
            self._pods[ask.name] = (pod_id, used + 1)
            return pod_id
        if pod_id and not self._scene.suspects.are_in(pod_id):
            self._insist(lambda: self._cri.remove_pod(pod_id))
        label = ask.name.replace(" ", "-").replace(",", "")
        name = f"{label}-{self._number}-{self._made}"
        new = self._insist(
            lambda: self._cri.run_pod(
                name, annotations=ask.annotations, namespace=ask.namespace
            )
        )
        self._pods[ask.name] = (new, 1)
        return new

    def _is_unsteady(self, began: float) -> bool:
        return self._scene.periods.unsteady.overlap(began, time.monotonic())

    def _insist(self, call: Callable[[], T]) -> T:
        return insist(self._scene, call)


def insist(scene: Scene, call: Callable[[], T]) -> T:
    """What a call of the CRI returns, again while the runtime is on its way.

    Raises: CriError.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        began = time.monotonic()
        try:
            return call()
        except CriError:
            unsteady = scene.periods.unsteady.overlap(began, time.monotonic())
            if not unsteady or time.monotonic() > deadline:
                raise
        time.sleep(POLL_S)


def remove_container(scene: Scene, container_id: str) -> None:
    """Remove a container; one that the runtime lost at its end is gone already."""
    began = time.monotonic()
    try:
        insist(scene, lambda: scene.containerd.cri.remove_container(container_id))
    except CriError:
        if not scene.periods.unsteady.overlap(began, time.monotonic()):
            raise
        with suppress(CriError):
            scene.containerd.cri.remove_container(container_id)
