from __future__ import annotations

from typing import Any

import pytest

from soak.asks import ASKS, Ask
from soak.marks import KINDS, Device
from soak.verdict import (
    Circumstances,
    Outcome,
    Verdict,
    judge_container,
    judge_refusal,
    reason_of,
)

BY_NAME = {ask.name: ask for ask in ASKS}
NOTHING = BY_NAME["nothing"]
ONE = BY_NAME["one device"]
SEVERAL = BY_NAME["several devices"]
DENIED = BY_NAME["a denied device"]
UNKNOWN = BY_NAME["an unknown device"]
SWITCHED = BY_NAME["a device under a changing policy"]
EXCLUSIVE = BY_NAME["an exclusive device"]

GPU0, GPU1 = Device("gpu", "0"), Device("gpu", "1")


def during(*gpu: int | None, **facts: Any) -> Circumstances:
    """Generation 7 of everything, unless it is said of the GPUs."""
    generations: dict[str, frozenset[int | None]] = dict.fromkeys(KINDS, frozenset([7]))
    if gpu:
        generations["gpu"] = frozenset(gpu)
    facts.setdefault("switch", frozenset([True]))
    return Circumstances(generations=generations, **facts)


def found(ask: Ask, generation: int = 7) -> dict[Device, int]:
    return dict.fromkeys(ask.devices, generation)


@pytest.mark.parametrize(
    ("ask", "got", "circumstances", "outcome"),
    [
        (NOTHING, {}, during(), Outcome.NOTHING),
        (NOTHING, {GPU0: 7}, during(), Outcome.WRONG),
        (ONE, found(ONE), during(), Outcome.GRANTED),
        (ONE, {}, during(), Outcome.WRONG),
        (ONE, {}, during(away=True), Outcome.AWAY),
        (ONE, found(ONE, 6), during(), Outcome.WRONG),
        (ONE, found(ONE, 6), during(6, 7), Outcome.GRANTED),
        (ONE, found(ONE, 6), during(None), Outcome.WRONG),
        (ONE, {GPU1: 7}, during(), Outcome.WRONG),
        (SEVERAL, found(SEVERAL), during(), Outcome.GRANTED),
        (SEVERAL, {GPU1: 7}, during(away=True), Outcome.WRONG),
        (SEVERAL, found(SEVERAL) | {GPU1: 6}, during(6, 7), Outcome.WRONG),
        (DENIED, found(DENIED), during(away=True), Outcome.WRONG),
        (DENIED, {}, during(away=True), Outcome.AWAY),
        (UNKNOWN, {GPU0: 7}, during(), Outcome.WRONG),
        (SWITCHED, found(SWITCHED), during(), Outcome.GRANTED),
        (SWITCHED, found(SWITCHED), during(switch=frozenset([False])), Outcome.WRONG),
    ],
)  # fmt: skip
def test_a_container_is_judged_by_what_can_have_been(
    ask: Ask, got: dict[Device, int], circumstances: Circumstances, outcome: Outcome
) -> None:
    assert judge_container(ask, got, circumstances).outcome == outcome


def test_specs_of_a_moment_ago_are_let_pass_and_noted() -> None:
    verdict = judge_container(ONE, found(ONE, 6), during(past={"gpu": {6: 0.25}}))

    assert verdict == Verdict(outcome=Outcome.GRANTED, stale_s=0.25)


UNRESOLVABLE = "failed: nri-cdi: unresolvable CDI device: 'soak.test/gpu=0'"
POLICY = "failed: nri-cdi: the policy's rule 'no-secrets' denies soak.test/secret=key"
HELD = "failed: nri-cdi: soak.test/whole=0 is exclusive, and held by pod soak/a"
STOPPING = "failed: plugin nri-cdi: the plugin is stopping"
CONFLICT = 'plugins "10-nri-cdi" and "10-nri-cdi" both tried to set mount /soak/gpu-1'
TRANSPORT = "connection reset by peer"
NO = frozenset([False])


@pytest.mark.parametrize(
    ("ask", "message", "circumstances", "outcome"),
    [
        (ONE, UNRESOLVABLE, during(), Outcome.UNFOUNDED),
        (ONE, UNRESOLVABLE, during(7, None), Outcome.REFUSED),
        (UNKNOWN, UNRESOLVABLE, during(), Outcome.REFUSED),
        (DENIED, POLICY, during(), Outcome.REFUSED),
        (ONE, POLICY, during(), Outcome.UNFOUNDED),
        (SWITCHED, POLICY, during(), Outcome.UNFOUNDED),
        (SWITCHED, POLICY, during(switch=NO), Outcome.REFUSED),
        (EXCLUSIVE, HELD, during(), Outcome.UNFOUNDED),
        (EXCLUSIVE, HELD, during(held=True), Outcome.REFUSED),
        (ONE, HELD, during(held=True), Outcome.UNFOUNDED),
        (ONE, STOPPING, during(), Outcome.UNFOUNDED),
        (ONE, STOPPING, during(ending=True), Outcome.REFUSED),
        (ONE, CONFLICT, during(6, 7), Outcome.UNFOUNDED),
        (ONE, TRANSPORT, during(), Outcome.FAILED),
        (ONE, TRANSPORT, during(unsteady=True), Outcome.INTERRUPTED),
        (ONE, "nri-cdi: it rains", during(unsteady=True), Outcome.UNFOUNDED),
    ],
)
def test_a_refusal_needs_a_cause(
    ask: Ask, message: str, circumstances: Circumstances, outcome: Outcome
) -> None:
    assert judge_refusal(ask, message, circumstances).outcome == outcome


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (UNRESOLVABLE, "unresolvable"),
        (POLICY, "denied"),
        ("nri-cdi: no rule of the policy allows soak.test/gpu=0", "denied"),
        (HELD, "held"),
        (STOPPING, "stopping"),
        (CONFLICT, "two instances"),
        ("plugin nri-cdi had no answer to CreateContainer within the 2 s", "late"),
        ("nri-cdi: it rains", "something else"),
    ],
)
def test_the_reason_is_one_word_of_a_few(message: str, reason: str) -> None:
    assert reason_of(message) == reason


def test_each_ask_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(ASKS)
