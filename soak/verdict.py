"""What is to be said of a container, or of its refusal. Pure: all facts are given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from soak.asks import Ask
from soak.marks import KINDS, Found

PLUGIN = "nri-cdi"

REASONS: Mapping[str, re.Pattern[str]] = {
    "unresolvable": re.compile("unresolvable"),
    "held": re.compile("exclusive|is held|holds"),
    "denied": re.compile("polic|denied|deny"),
    "two instances": re.compile("both tried to set"),
    "late": re.compile("no answer|in time|deadline"),
    "stopping": re.compile("stopping"),
}
"""Why the plugin refuses, by what it says; the first that is found counts."""

OTHER = "something else"


class Outcome(StrEnum):
    """What became of a request. ``WRONG`` is a container with wrong devices."""

    GRANTED = "granted"
    NOTHING = "asked for nothing"
    REFUSED = "refused"
    AWAY = "created while the plugin was away"
    INTERRUPTED = "interrupted by the runtime's end"
    WRONG = "wrong devices"
    UNFOUNDED = "refused without cause"
    FAILED = "failed without the plugin"


BAD = (Outcome.WRONG, Outcome.UNFOUNDED, Outcome.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What can have been the case during a request.

    ``generations`` has those of each class; None is one of them if there was no spec.
    ``past`` has what it was before, and how many seconds before the request: a request
    waits for a scan that goes on, but no longer than the plugin has decided it should.
    ``switch`` is whether the policy allowed the switched device.

    ``away`` is whether the plugin was not connected at some moment, ``ending`` whether
    one was on its way out, ``unsteady`` whether the runtime was, and ``held`` whether
    an exclusive device was another's.
    """

    generations: Mapping[str, frozenset[int | None]]
    switch: frozenset[bool]
    past: Mapping[str, Mapping[int | None, float]] = field(default_factory=dict)
    away: bool = False
    ending: bool = False
    unsteady: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome, and for people why; ``stale_s`` is how old the specs were."""

    outcome: Outcome
    reason: str = ""
    stale_s: float = 0.0


def judge_container(ask: Ask, found: Found, during: Circumstances) -> Verdict:
    """Of a container that was created and has these devices."""
    strange = sorted(found.keys() - set(ask.devices))
    if strange:
        return _wrong(f"has {', '.join(map(str, strange))}")
    if not found:
        return _without(ask, during)
    missing = [device for device in ask.devices if device not in found]
    if missing:
        return _wrong(f"lacks {', '.join(map(str, missing))} alone")
    if ask.denied or (ask.is_switched and True not in during.switch):
        return _wrong("the policy denies it")
    return _granted(found, during)


def _granted(found: Found, during: Circumstances) -> Verdict:
    """If the devices of each class are of one generation that there was."""
    stale_s = 0.0
    for class_ in {device.class_ for device in found}:
        got = {each for device, each in found.items() if device.class_ == class_}
        (generation,) = got if len(got) == 1 else (None,)
        known, past = during.generations[class_], during.past.get(class_, {})
        if generation is not None and generation in known:
            continue
        if generation is None or generation not in past:
            there = sorted(map(str, known))
            return _wrong(f"{class_} of {sorted(got)}, and there was {there}")
        stale_s = max(stale_s, past[generation])
    return Verdict(outcome=Outcome.GRANTED, stale_s=stale_s)


def _without(ask: Ask, during: Circumstances) -> Verdict:
    if not ask.devices:
        return Verdict(outcome=Outcome.NOTHING)
    if during.away:
        return Verdict(outcome=Outcome.AWAY)
    return _wrong("has no device, though the plugin was connected")


def _wrong(reason: str) -> Verdict:
    return Verdict(outcome=Outcome.WRONG, reason=reason)


def judge_refusal(ask: Ask, message: str, during: Circumstances) -> Verdict:
    """Of a container that was not created."""
    if PLUGIN not in message:
        outcome = Outcome.INTERRUPTED if during.unsteady else Outcome.FAILED
        return Verdict(outcome=outcome, reason=message)
    reason = reason_of(message)
    if reason not in _possible(ask, during):
        return Verdict(outcome=Outcome.UNFOUNDED, reason=message)
    return Verdict(outcome=Outcome.REFUSED, reason=reason)


def reason_of(message: str) -> str:
    """The reason in one word."""
    said = message.partition(PLUGIN)[2]
    return next((name for name, text in REASONS.items() if text.search(said)), OTHER)


def _possible(ask: Ask, during: Circumstances) -> set[str]:
    """The reasons for which the container can have been refused rightly."""
    classes = {device.class_ for device in ask.devices if device.class_ in KINDS}
    facts = {
        "unresolvable": ask.unknown
        or any(None in during.generations[each] for each in classes),
        "denied": ask.denied or (ask.is_switched and False in during.switch),
        "held": bool(ask.exclusive) and during.held,
        "late": during.ending or during.away,
        "stopping": during.ending or during.away,
    }
    return {reason for reason, possible in facts.items() if possible}
