"""What the text of a setting may be: each check gives it back, or says what is wrong.

Source of the rules for names: NRI pkg/adaptation/plugin.go, since v0.12.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from nri_cdi.address import check_path, parse_address
from nri_cdi.cdi.names import parse_kind
from nri_cdi.config.globs import DEVICE, check_glob
from nri_cdi.quoting import MAX_QUOTED, quoted
from nri_cdi.requests import ALIASES

Check = Callable[[str], str]
"""Gives the text back. Raises: ValueError, which says what is wrong with it."""

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("text", "json")
INJECTIONS = ("auto", "resolve", "delegate")
VALIDATIONS = ("false", "true", "only")

_INDEX = re.compile(r"[0-9][0-9]")
_NAME = re.compile(r"[A-Za-z0-9_.+-]+")
# Source: POSIX, Base Definitions, 8.1, with the small letters that programs allow.
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A name that may be in a message, in a log and in the label of a metric.
_RULE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
# Source: Kubernetes, "Labels and Selectors": syntax and character set.
_DNS_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_LABEL_KEY = re.compile(
    rf"(?:(?:{_DNS_LABEL}(?:\.{_DNS_LABEL})*)/)?"
    r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
_MAX_LABEL_KEY = 253 + 1 + 63  # prefix, slash and name


def check_index(text: str) -> str:
    """A plugin's index. Raises: ValueError."""
    if not _INDEX.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not an index: two digits, such as '10'")
    return text


def check_name(text: str) -> str:
    """A plugin's name. Raises: ValueError."""
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"{quoted(text)} is not a plugin name: letters, digits and the characters "
            "_ . + -"
        )
    return text


def check_optional_path(text: str) -> str:
    """An absolute path, or none. Raises: ValueError."""
    return check_path(text) if text else text


def check_status(text: str) -> str:
    """Where the status is shown; nothing for nowhere. Raises: ValueError."""
    if text:
        parse_address(text)
    return text


def check_alias(text: str) -> str:
    """The name of another plugin's annotations. Raises: ValueError."""
    return _known(text, "is not an alias", tuple(ALIASES))


def check_device_glob(text: str) -> str:
    """A glob over the names of devices. Raises: ValueError."""
    return check_glob(text, DEVICE)


def check_variable(text: str) -> str:
    """The name of a variable. Raises: ValueError."""
    if not _VARIABLE.fullmatch(text):
        raise ValueError(
            f"{quoted(text)} is not a variable's name: letters, digits and _, not "
            "starting with a digit"
        )
    return text


def check_kind(text: str) -> str:
    """A kind of devices. Raises: ValueError."""
    parse_kind(text)
    return text


def check_rule_name(text: str) -> str:
    """The name of a rule. Raises: ValueError."""
    if not _RULE_NAME.fullmatch(text):
        raise ValueError(
            f"{quoted(text)} is not a rule's name: at most 63 letters, digits and the "
            "characters - _ . within"
        )
    return text


def check_label_key(text: str) -> str:
    """The key of a pod's label; no pattern. Raises: ValueError."""
    if len(text) > _MAX_LABEL_KEY or not _LABEL_KEY.fullmatch(text):
        reason = "; a key is no glob" if not {"*", "?", "["}.isdisjoint(text) else ""
        raise ValueError(f"{quoted(text)} can't be the key of a label{reason}")
    return text


def one_of(otherwise: str, known: Sequence[str]) -> Check:
    """The check of a text that is one of a few words; ``otherwise`` is said of others.

    It is of the form ``is not a word``.
    """
    return lambda text: _known(text, otherwise, known)


def hint(text: str, known: Iterable[str]) -> str:
    """``did you mean ...``, if one of the known words is near; else empty."""
    words = {word.lower(): word for word in known}
    near = get_close_matches(text[:MAX_QUOTED].lower(), words, n=1)
    return f"did you mean {words[near[0]]!r}?" if near else ""


def _known(text: str, otherwise: str, known: Sequence[str]) -> str:
    if text not in known:
        meant = hint(text, known)
        raise ValueError(
            f"{quoted(text)} {otherwise}: one of {', '.join(known)}"
            + (f"; {meant}" if meant else "")
        )
    return text
