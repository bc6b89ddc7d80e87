"""Names: a kind (``vendor/class``) and a qualified device name (``vendor/class=name``).

Letters and digits are those of ASCII. There is no limit of length, as in the reference
implementation; SPEC.md promises 63 and 253 characters, but nothing holds to it.

Source: CDI pkg/parser/parser.go; CDI SPEC.md, "Kind".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nri_cdi.errors import InvalidNameError
from nri_cdi.quoting import quoted

_ALNUM = "A-Za-z0-9"
_VENDOR_OR_CLASS = re.compile(rf"[A-Za-z](?:[{_ALNUM}_.-]*[{_ALNUM}])?")
_DEVICE_NAME = re.compile(rf"[{_ALNUM}](?:[{_ALNUM}_.:-]*[{_ALNUM}])?")
_QUALIFIED_NAME = re.compile(
    rf"({_VENDOR_OR_CLASS.pattern})/({_VENDOR_OR_CLASS.pattern})"
    rf"=({_DEVICE_NAME.pattern})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class QualifiedName:
    """A device's full name; as text, ``vendor/class=name``."""

    vendor: str
    class_: str
    name: str

    @property
    def kind(self) -> str:
        """What the device is: ``vendor/class``."""
        return f"{self.vendor}/{self.class_}"

    def __str__(self) -> str:
        return f"{self.vendor}/{self.class_}={self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grammar:
    """What a part of a name may consist of, as patterns and in words."""

    part: str
    whole: re.Pattern[str]
    first: re.Pattern[str]
    first_words: str
    foreign: re.Pattern[str]
    allowed_words: str


def _vendor_or_class(part: str) -> _Grammar:
    return _Grammar(
        part=part,
        whole=_VENDOR_OR_CLASS,
        first=re.compile("[A-Za-z]"),
        first_words="a letter",
        foreign=re.compile(rf"[^{_ALNUM}_.-]"),
        allowed_words="letters, digits, '_', '.' and '-'",
    )


_VENDOR = _vendor_or_class("vendor")
_CLASS = _vendor_or_class("class")
_DEVICE = _Grammar(
    part="device name",
    whole=_DEVICE_NAME,
    first=re.compile(f"[{_ALNUM}]"),
    first_words="a letter or digit",
    foreign=re.compile(rf"[^{_ALNUM}_.:-]"),
    allowed_words="letters, digits, '_', '.', ':' and '-'",
)


def parse_qualified_name(text: str) -> QualifiedName:
    """Take ``vendor/class=name`` apart.

    Raises:
        InvalidNameError: it is something else; the text says what and why.
    """
    match = _QUALIFIED_NAME.fullmatch(text)
    if match is None:
        raise InvalidNameError(
            f"{quoted(text)} is not a qualified device name (vendor/class=name): "
            f"{_why_unqualified(text)}"
        )
    vendor, class_, name = match.groups()
    return QualifiedName(vendor=vendor, class_=class_, name=name)


def is_qualified_name(text: str) -> bool:
    """Whether ``text`` is ``vendor/class=name``."""
    return _QUALIFIED_NAME.fullmatch(text) is not None


def parse_kind(text: str) -> tuple[str, str]:
    """Take ``vendor/class`` apart.

    Raises:
        InvalidNameError: it is something else; the text says what and why.
    """
    vendor, _, class_ = text.partition("/")
    reason = _why_no_kind(text)
    if reason:
        raise InvalidNameError(f"{quoted(text)} is not a kind (vendor/class): {reason}")
    return vendor, class_


def validate_vendor_name(text: str) -> None:
    """Raises: InvalidNameError, unless ``text`` can be the vendor of a kind."""
    _validate(_VENDOR, text)


def validate_class_name(text: str) -> None:
    """Raises: InvalidNameError, unless ``text`` can be the class of a kind."""
    _validate(_CLASS, text)


def validate_device_name(text: str) -> None:
    """Raises: InvalidNameError, unless ``text`` can be a device's unqualified name."""
    _validate(_DEVICE, text)


def _validate(grammar: _Grammar, text: str) -> None:
    if not grammar.whole.fullmatch(text):
        raise InvalidNameError(_why_invalid(grammar, text))


def _why_unqualified(text: str) -> str:
    # The first "=" decides, then the first "/" before it, as in the reference.
    kind, equals, name = text.partition("=")
    if not equals:
        return "it has no '='"
    return _why_no_kind(kind) or _why_invalid(_DEVICE, name)


def _why_no_kind(kind: str) -> str:
    vendor, slash, class_ = kind.partition("/")
    if not slash:
        return "it has no '/' between vendor and class"
    return _why_invalid(_VENDOR, vendor) or _why_invalid(_CLASS, class_)


def _why_invalid(grammar: _Grammar, text: str) -> str:
    """What is wrong with ``text``; empty if nothing is."""
    if grammar.whole.fullmatch(text):
        return ""
    if not text:
        return f"the {grammar.part} is empty"
    subject = f"{grammar.part} {quoted(text)}"
    foreign = grammar.foreign.search(text)
    if foreign:
        return (
            f"{subject} has {_named(foreign[0])} in it; "
            f"only {grammar.allowed_words} are allowed"
        )
    if not grammar.first.match(text):
        return f"{subject} must start with {grammar.first_words}, not {text[0]!r}"
    return f"{subject} must end with a letter or digit, not {text[-1]!r}"


def _named(character: str) -> str:
    """A character in quotes, with its number if it may look like one of ASCII's."""
    shown = repr(character)
    return shown if character.isascii() else f"{shown} (U+{ord(character):04X})"
