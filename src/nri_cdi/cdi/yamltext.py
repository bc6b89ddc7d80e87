"""Plain values as YAML that every reader takes for the same.

YAML 1.1 and 1.2, Go's parsers and PyYAML, each take other words for numbers, booleans
or dates. A string that any of them might take for something else is quoted.

The text is made here and not by PyYAML, which takes many times as long.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from io import StringIO
from typing import Any

import yaml
from yaml.emitter import Emitter
from yaml.representer import SafeRepresenter
from yaml.resolver import Resolver

from nri_cdi.cdi.jsontext import UNSEEN, escaped
from nri_cdi.cdi.scalars import Scalar, resolve_plain

_TEXT_TAG = "tag:yaml.org,2002:str"

_STEP = "  "
_DASH = "- "

# Longer ones need an indicator of their own.
# Source: YAML 1.1, 9.2.3, "simple keys are limited to ... 1024 Unicode characters".
_MAX_KEY = 1024

# Most texts of a spec. None of these is anything but a word for any reader, unless it
# is one of the words that `resolve_plain` knows.
_SIMPLE = re.compile("[A-Za-z/](?:[A-Za-z0-9_./=,+-]|[: ](?=[A-Za-z0-9_./=,+-]))*")

_ANALYST: Any = Emitter(StringIO(), allow_unicode=True)
_RESOLVER: Any = Resolver()
_REPRESENTER: Any = SafeRepresenter()

_REMEMBERED = 4096
"""Texts that are not simple; a spec repeats many of them."""


def to_yaml(value: Any) -> str:
    """Dicts, lists, strings, numbers, booleans and None as a YAML document.

    Raises:
        UnicodeEncodeError: there is half a surrogate pair in it, which is no letter.
    """
    lines: list[str] = []
    _add(lines, value, "", "")
    text = "\n".join(lines) + "\n"
    text.encode()
    return text


def _add(lines: list[str], value: Any, start: str, indent: str) -> None:
    """Add the lines of a value.

    ``start`` is what the first one starts with, and ``indent`` all others.
    """
    if value and isinstance(value, dict):
        for key, item in value.items():
            _add_field(lines, scalar_text(key), item, start, indent)
            start = indent
    elif value and isinstance(value, list):
        for item in value:
            _add(lines, item, f"{start}{_DASH}", indent + _STEP)
            start = indent
    else:
        lines.append(start + _in_line(value))


def _add_field(lines: list[str], key: str, value: Any, start: str, indent: str) -> None:
    if len(key) >= _MAX_KEY:
        lines.append(f"{start}? {key}")
        _add(lines, value, f"{indent}: ", indent + _STEP)
    elif value and isinstance(value, dict):
        lines.append(f"{start}{key}:")
        _add(lines, value, indent + _STEP, indent + _STEP)
    elif value and isinstance(value, list):
        lines.append(f"{start}{key}:")
        _add(lines, value, indent, indent)
    else:
        lines.append(f"{start}{key}: {_in_line(value)}")


def _in_line(value: Any) -> str:
    if isinstance(value, dict):
        return "{}"
    return "[]" if isinstance(value, list) else scalar_text(value)


def scalar_text(value: Scalar) -> str:
    """A scalar as it stands in a YAML text, on one line."""
    if isinstance(value, str) and is_plain(value):
        return value
    if isinstance(value, float):
        text: str = _REPRESENTER.represent_float(value).value
        return text
    # All else is as in JSON, which is YAML, but for escapes that JSON does not have.
    text = escaped(json.dumps(value, ensure_ascii=False))
    return UNSEEN.sub(lambda found: f"\\U{ord(found[0]):08x}", text)


def is_plain(text: str) -> bool:
    """Whether every reader takes ``text``, without quotes, for this very string.

    People do, too: there is nothing in it that can't be seen.
    """
    if resolve_plain(text) != text:
        return False
    return bool(_SIMPLE.fullmatch(text)) or _is_plain(text)


@lru_cache(maxsize=_REMEMBERED)
def _is_plain(text: str) -> bool:
    analysis = _ANALYST.analyze_scalar(text)
    return (
        bool(analysis.allow_block_plain)
        and not UNSEEN.search(text)
        and _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)) == _TEXT_TAG
    )
