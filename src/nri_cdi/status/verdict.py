"""How the plugin stands, in words: what a person wants to know first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, TypeAlias

Plain: TypeAlias = "Mapping[str, Any]"
"""A state, as `nri_cdi.status.snapshot` makes it."""


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
    wrong = troubles(state["specs"])
    if wrong:
        yield f"{count(wrong, 'thing')} wrong with the specs"
    if state["drifted"]:
        without = count(len(state["drifted"]), "container")
        yield f"{without} created without devices that were asked for"


def count(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
