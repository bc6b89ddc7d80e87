"""Plain values as YAML that every reader takes for the same.

YAML 1.1 and 1.2, Go's parsers and PyYAML, each take other words for numbers, booleans
or dates. A string that any of them might take for something else is quoted.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from io import StringIO
from typing import Any

import yaml
from yaml.emitter import Emitter
from yaml.resolver import Resolver

from nri_cdi.cdi.jsontext import escaped
from nri_cdi.cdi.scalars import Scalar, resolve_plain

_BaseDumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

# No line is folded, so that a diff shows values and not how they were wrapped.
_WIDTH = 1 << 30

_TEXT_TAG = "tag:yaml.org,2002:str"

# Most texts of a spec. None of these is anything but a word for any reader, unless it
# is one of the words that `resolve_plain` knows.
_SIMPLE = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*")

_ANALYST: Any = Emitter(StringIO(), allow_unicode=True)
_RESOLVER: Any = Resolver()

_REMEMBERED = 4096
"""Texts that are not simple; a spec repeats many of them."""


class _Dumper(_BaseDumper):  # type: ignore[misc,valid-type]  # C or Python, as there is
    """Writes strings with quotes where a plain one would be read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        # An anchor for values that happen to be one object says nothing.
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None if is_plain(text) else '"'
    node: yaml.ScalarNode = dumper.represent_scalar(_TEXT_TAG, text, style=style)
    return node


_Dumper.add_representer(str, _represent_text)


def to_yaml(value: Any) -> str:
    """Dicts, lists, strings, numbers, booleans and None as a YAML document."""
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=_WIDTH,
    )
    return text


def scalar_text(value: Scalar) -> str:
    """A scalar as it stands in a YAML text, on one line."""
    if isinstance(value, str) and is_plain(value):
        return value
    # All else is as in JSON, which is YAML.
    return escaped(json.dumps(value, ensure_ascii=False))


def is_plain(text: str) -> bool:
    """Whether every reader takes ``text``, without quotes, for this very string."""
    if _SIMPLE.fullmatch(text):
        return resolve_plain(text) == text
    return _is_plain(text)


@lru_cache(maxsize=_REMEMBERED)
def _is_plain(text: str) -> bool:
    analysis = _ANALYST.analyze_scalar(text)
    return (
        bool(analysis.allow_block_plain)
        and resolve_plain(text) == text
        and _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)) == _TEXT_TAG
    )
