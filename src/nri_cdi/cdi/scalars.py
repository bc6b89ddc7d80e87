"""YAML scalars, as the reference implementation's parser understands them.

It is go-yaml version 2 with the conversions of sigs.k8s.io/yaml. Both differ from what
PyYAML makes of the same text: ``08``, ``1e3``, ``0o10`` and ``y`` are not strings,
``1:30``, ``2001-01-01`` and ``=`` are.

Source: CDI spec.go:255-262 and the behaviour of its parser on each form of a scalar.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from decimal import Decimal

from nri_cdi.quoting import quoted

Scalar = str | int | float | bool | None

_TAG_PREFIX = "tag:yaml.org,2002:"
_BINARY_TAG = f"{_TAG_PREFIX}binary"

MIN_INT64 = -(2**63)
MAX_INT64 = 2**63 - 1
MAX_UINT64 = 2**64 - 1

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES"), True),
    **dict.fromkeys(("true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO"), False),
    **dict.fromkeys(("false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}

HINTS = frozenset("+-.0123456789") | frozenset(word[:1] for word in _WORDS)
"""What a plain scalar other than a string starts with; "" for the empty one."""

_INTEGER = re.compile(
    r"(?P<sign>[-+]?)"
    r"(?:0[bB](?P<two>[01]+)|0[oO](?P<o>[0-7]+)|0[xX](?P<sixteen>[0-9a-fA-F]+)"
    r"|(?P<zero>0[0-7]*)|(?P<ten>[1-9][0-9]*))"
)
_BASES = {"two": 2, "o": 8, "sixteen": 16, "zero": 8, "ten": 10}
_MAX_DECIMAL_DIGITS = len(str(MAX_UINT64))
# go-yaml reads what follows "0b" as a number of its own, which may have a sign.
_SIGN_AFTER_PREFIX = re.compile(r"0b([-+][01]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_POINT_FIRST = re.compile(r"\.[0-9]+(?:[eE][-+]?[0-9]+)?")

_FLOAT32_DIGITS = 9
"""Decimal digits that tell any two numbers of 32-bit floating point apart."""
_PLAIN_EXPONENTS = range(-4, 6)
"""Decimal exponents that Go's shortest ``%g`` writes without an ``e``."""


class ScalarError(ValueError):
    """A scalar that is not what its own tag says."""


def resolve_plain(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar without a tag."""
    if text[:1] not in HINTS:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] == ".":
        return _float(text) if _POINT_FIRST.fullmatch(text) else text
    if text[0] in "+-0123456789":
        return _number(text)
    return text


def resolve_tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with a tag; one that is not YAML's own keeps the text.

    Raises:
        ScalarError: the text is not of the tag's type.
    """
    if tag == _BINARY_TAG:
        return _binary(text)
    wanted = _RESOLVABLE.get(tag)
    if wanted is None:
        return text
    value = resolve_plain(text)
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise ScalarError(
            f"{quoted(text)} is tagged !!{tag.removeprefix(_TAG_PREFIX)}, "
            f"but it is {describe(value)}"
        )
    return value


_RESOLVABLE: dict[str, type] = {
    f"{_TAG_PREFIX}bool": bool,
    f"{_TAG_PREFIX}int": int,
    f"{_TAG_PREFIX}float": float,
    f"{_TAG_PREFIX}null": type(None),
}


def text_of(value: Scalar) -> str:
    """A scalar as the text that the reference puts into a field of type string."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and MIN_INT64 <= value <= MAX_UINT64:
        return str(value)
    return _float32_text(float(value))


def key_of(value: Scalar) -> str:
    """A scalar as the key of a mapping: as text, but for infinity and not-a-number."""
    text = text_of(value)
    if isinstance(value, float):
        return _FLOAT_KEYS.get(text, text)
    return text


_FLOAT_KEYS = {"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}


def describe(value: object) -> str:
    """What kind of value this is, in words, for messages."""
    return _DESCRIPTIONS[type(value)]


_DESCRIPTIONS: dict[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a mapping",
}


def _number(text: str) -> Scalar:
    digits = text.replace("_", "")
    match = _INTEGER.fullmatch(digits)
    if match:
        value = _integer(match)
        if value is not None:
            return value
    if _FLOAT.fullmatch(digits):
        number = _float(digits)
        return text if isinstance(number, str) else number
    match = _SIGN_AFTER_PREFIX.fullmatch(digits)
    if match:
        value = int(match[1], 2)
        return value if MIN_INT64 <= value <= MAX_INT64 else text
    return text


def _integer(match: re.Match[str]) -> int | None:
    """The integer that ``match`` of ``_INTEGER`` is; None if it has over 64 bits."""
    base = str(match.lastgroup)
    digits = match[base]
    if base == "ten" and len(digits) > _MAX_DECIMAL_DIGITS:
        return None
    value = int(digits, _BASES[base])
    if not match["sign"]:
        return value if value <= MAX_UINT64 else None
    value = -value if match["sign"] == "-" else value
    return value if MIN_INT64 <= value <= MAX_INT64 else None


def _float(text: str) -> float | str:
    """``text`` as a number; itself where it is too large for one."""
    value = float(text)
    return text if math.isinf(value) else value


def _binary(text: str) -> str:
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ScalarError(
            f"{quoted(text)} is tagged !!binary, but it is not base64"
        ) from error
    # Go keeps bytes that are not UTF-8 until its JSON encoder replaces them.
    return data.decode(errors="replace")


def _float32_text(value: float) -> str:
    """Go's ``strconv.FormatFloat(value, 'g', -1, 32)``."""
    value = _float32(value)
    if not math.isfinite(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    text = next(
        shortest
        for digits in range(_FLOAT32_DIGITS)
        if _float32(float(shortest := f"{value:.{digits}e}")) == value
    )
    exponent = int(text.partition("e")[2])
    return f"{Decimal(text):f}" if exponent in _PLAIN_EXPONENTS else text


def _float32(value: float) -> float:
    """``value`` rounded to 32 bits."""
    # Not "<f" or "=f", which raise OverflowError instead of giving infinity.
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded
