"""How the plugin stands, in words: those of the page and of the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias

Plain: TypeAlias = "Mapping[str, Any]"
"""A state, as `nri_cdi.status.snapshot` makes it."""


# Capabilities as words; their order is that of the snapshot.
ABILITIES = MappingProxyType(
    {
        "deviceNodes": "device nodes",
        "mounts": "mounts",
        "hooks": "hooks",
        "rdtClass": "RDT class",
        "deviceRules": "device rules",
        "netDevices": "network devices",
        "rdt": "all of RDT",
        "containerUser": "container's user",
        "delegatedCdi": "delegated CDI",
        "dedicatedRpcs": "an RPC for each event",
    }
)

# What stands for a rule where the policy's default has decided.
_DEFAULT_RULE = "(default)"
_BETWEEN_RULES = ", "


class Tone(StrEnum):
    """How good a piece of news is."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


def verdict(state: Plain) -> tuple[Tone, str, str]:
    """How it stands: a tone, some words, and a sentence."""
    runtime = state["runtime"]
    if state["configuration"]["refusing"]:
        return Tone.BAD, "Configuration broken", state["reason"]
    if not runtime["connected"]:
        return Tone.BAD, "Not connected", state["reason"]
    if not runtime["synchronized"]:
        return Tone.WARN, "Not synchronized yet", state["reason"]
    remarks = "; ".join(_remarks(state))
    if remarks:
        return Tone.WARN, "Serving, with troubles", remarks
    return Tone.GOOD, "Serving", "containers get the devices that they ask for"


def troubles(specs: Plain) -> int:
    """How many things are wrong with the specs."""
    return sum(len(specs[key]) for key in ("errors", "directories", "conflicts"))


def _remarks(state: Plain) -> Iterator[str]:
    if state["configuration"]["error"]:
        yield "the configuration has an error, and the one before is in force"
    if state["configuration"]["validateError"]:
        yield "nothing is validated, though the configuration wants it"
    wrong = troubles(state["specs"])
    if wrong:
        yield f"{count(wrong, 'thing')} wrong with the specs"
    if state["drifted"]:
        without = count(len(state["drifted"]), "container")
        yield f"{without} created without devices that were asked for"


def ability(capability: str) -> str:
    """A capability in words."""
    return ABILITIES.get(capability, capability)


def release(version: str) -> str:
    """A runtime's version as the log has it: without what a build adds to it."""
    return version.removeprefix("v").partition("+")[0]


def validation(used: Plain) -> str:
    """Whether adjustments are validated, and why not if they should be."""
    error = used["validateError"]
    return f"{used['validate']}, but {error}" if error else str(used["validate"])


def after_restart(used: Plain) -> list[str]:
    """The settings that a restart would change, each with its value then."""
    return [f"{key}: {value or 'none'}" for key, value in used["afterRestart"].items()]


def unnamed_rule(decision: Plain) -> str:
    """The rules that had a say in a decision, if its reason doesn't name them."""
    reason = decision["reason"]
    named = [rule for rule in decision["rule"].split(_BETWEEN_RULES) if rule]
    if reason and all(rule in reason or rule == _DEFAULT_RULE for rule in named):
        return ""
    return _BETWEEN_RULES.join(named)


def count(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
