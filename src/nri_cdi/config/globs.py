"""Patterns of the policy, and whether there is anything that they can match.

A pattern that matches nothing is a mistake, and a dangerous one: a rule that should
deny does nothing. So what a pattern is compared with has its grammar here, and a
pattern that no text of the grammar matches is refused.

Source: Kubernetes, apimachinery/pkg/util/validation (labels, subdomains, label values),
and "RuntimeClass", whose handler is a DNS label; `nri_cdi.cdi.names` for devices.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

from nri_cdi.quoting import quoted

MAX_GLOB = 253
"""Characters of a pattern: the longest name that Kubernetes has."""

_LETTERS = frozenset(string.ascii_letters)
_ALNUM = frozenset(string.ascii_letters + string.digits)
_SMALL = frozenset(string.ascii_lowercase + string.digits)

_KEPT_SETS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """The texts that a pattern is compared with: ``what``, such as ``example``.

    ``moves`` has, for each state, the letters that lead on, and to which state; 0 is
    the first one. A text is in the grammar if it leads to one of ``ends``. It has at
    most ``longest`` characters, if that is not 0. All of them match ``every``.
    """

    what: str
    example: str
    moves: tuple[Mapping[frozenset[str], int], ...]
    ends: frozenset[int]
    longest: int = 0
    every: str = "*"

    def after(self, states: Iterable[int], letters: frozenset[str]) -> frozenset[int]:
        """Where one of the letters leads from one of the states."""
        return frozenset(
            state
            for before in states
            for known, state in self.moves[before].items()
            if not known.isdisjoint(letters)
        )

    def onwards(self, states: frozenset[int]) -> frozenset[int]:
        """Where any letters, or none, lead from one of the states."""
        while states < (
            wider := states.union(*(self.moves[each].values() for each in states))
        ):
            states = wider
        return states


_DASH, _DOT, _SLASH, _EQUALS = map(frozenset, "-./=")
_OF_LABEL = frozenset("-_.")
_OF_DEVICE = frozenset("-_.:")

_DNS_LABEL: tuple[Mapping[frozenset[str], int], ...] = (
    {_SMALL: 1},
    {_SMALL: 1, _DASH: 2},
    {_SMALL: 1, _DASH: 2},
)

NAMESPACE = Grammar(
    what="a namespace",
    example="research-*",
    moves=_DNS_LABEL,
    ends=frozenset({1}),
    longest=63,
)
RUNTIME_HANDLER = Grammar(
    what="a runtime handler",
    example="nvidia",
    moves=_DNS_LABEL,
    ends=frozenset({0, 1}),  # a pod without a runtime class has an empty one
    longest=63,
)
POD = Grammar(
    what="a pod's name",
    example="train-*",
    moves=(
        {_SMALL: 1},
        {_SMALL: 1, _DASH: 2, _DOT: 0},
        {_SMALL: 1, _DASH: 2},
    ),
    ends=frozenset({1}),
    longest=253,
)
LABEL_VALUE = Grammar(
    what="a label's value",
    example="vision-*",
    moves=(
        {_ALNUM: 1},
        {_ALNUM: 1, _OF_LABEL: 2},
        {_ALNUM: 1, _OF_LABEL: 2},
    ),
    ends=frozenset({0, 1}),
    longest=63,
)
DEVICE = Grammar(
    what="a device's name (vendor/class=name)",
    example="nvidia.com/gpu=*",
    moves=(
        {_LETTERS: 1},
        {_ALNUM: 1, _OF_LABEL: 2, _SLASH: 3},
        {_ALNUM: 1, _OF_LABEL: 2},
        {_LETTERS: 4},
        {_ALNUM: 4, _OF_LABEL: 5, _EQUALS: 6},
        {_ALNUM: 4, _OF_LABEL: 5},
        {_ALNUM: 7},
        {_ALNUM: 7, _OF_DEVICE: 8},
        {_ALNUM: 7, _OF_DEVICE: 8},
    ),
    ends=frozenset({7}),
    every="*/*=*",
)

# What people leave out of a device's name.
_REPAIRS = ("{}=*", "*/{}=*", "{}*", "*{}")

_ANY = "?"
_LETTERS_ALONE = re.compile(r"[^*?[]*")
_WILD = frozenset("*?[")

# A set of letters, as `fnmatch` has it: the first letter in it may be a "]".
_TOKEN = re.compile(r"\*+|\[!?\]?[^\]]*\]|.", re.DOTALL)


def check_glob(text: str, grammar: Grammar) -> str:
    """A pattern that some text of the grammar matches. Raises: ValueError."""
    if not text:
        raise ValueError(f"the glob is empty; '*' matches any, {_such_as(grammar)}")
    if len(text) > MAX_GLOB:
        raise ValueError(f"{quoted(text)} is longer than the {MAX_GLOB} of a glob")
    if not can_match(text, grammar):
        near = next(iter(_repaired(text, grammar)), None)
        hint = _such_as(grammar) if near is None else f"did you mean {near!r}?"
        raise ValueError(f"{quoted(text)} can never match {grammar.what}; {hint}")
    return text


def check_handler(text: str) -> str:
    """A pattern of runtime handlers; the empty one is the default handler's.

    Raises: ValueError.
    """
    return text if not text else check_glob(text, RUNTIME_HANDLER)


def can_match(glob: str, grammar: Grammar) -> bool:
    """Whether some text of the grammar matches."""
    tokens = _TOKEN.findall(glob)
    singles = sum(not token.startswith("*") for token in tokens)
    if grammar.longest and singles > grammar.longest:
        return False
    states = frozenset({0})
    for token in tokens:
        if token.startswith("*"):
            states = grammar.onwards(states)
        else:
            states = grammar.after(states, _letters_of(token))
    return not states.isdisjoint(grammar.ends)


def covers(glob: str, other: str) -> bool:
    """Whether all that another pattern matches matches this one; no if in doubt.

    The other one is read as a text: only a ``*`` takes its ``*``, and of its other
    places each is taken by one that has all of its letters.
    """
    if not other.startswith(_start(glob)):
        return False  # as nearly all that are compared
    own, others = _TOKEN.findall(glob), _TOKEN.findall(other)
    place = at = retry_at = 0
    star = -1
    while at < len(others):
        if place < len(own) and own[place].startswith("*"):
            star, retry_at = place, at
            place += 1
        elif place < len(own) and _takes(own[place], others[at]):
            place += 1
            at += 1
        elif star >= 0:
            # The last star takes one more.
            retry_at += 1
            place, at = star + 1, retry_at
        else:
            return False
    return all(token.startswith("*") for token in own[place:])


@lru_cache(maxsize=_KEPT_SETS)
def _start(glob: str) -> str:
    """The letters before the first that stands for others."""
    return _LETTERS_ALONE.match(glob)[0]  # type: ignore[index]  # it may be empty


def _takes(token: str, other: str) -> bool:
    if other.startswith("*"):
        return False
    return token == other or _letters_of(other) <= _letters_of(token)


def is_literal(glob: str) -> bool:
    """Whether a pattern matches itself alone."""
    return _WILD.isdisjoint(glob)


@lru_cache(maxsize=_KEPT_SETS)
def _letters_of(token: str) -> frozenset[str]:
    """The letters of ASCII that one place of a pattern stands for."""
    if len(token) == 1 and token != _ANY:
        return frozenset(token)
    pattern = re.compile(translate(token))
    return frozenset(filter(pattern.match, map(chr, range(128))))


def _repaired(text: str, grammar: Grammar) -> Iterable[str]:
    small = text.lower().replace("_", "-")
    repairs = _REPAIRS if grammar is DEVICE else ()
    for repaired in (small, *(each.format(text) for each in repairs)):
        if repaired != text and can_match(repaired, grammar):
            yield repaired


def _such_as(grammar: Grammar) -> str:
    return f"such as {grammar.example!r}"
