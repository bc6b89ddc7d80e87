"""Plain values as JSON that readers of YAML take for the same."""

from __future__ import annotations

import json
import re
from typing import Any

INDENT = 2

# The reference reads JSON as YAML. There, these are not allowed, or end a line; and an
# escaped surrogate pair is no letter, so all others stand as they are.
# Source: YAML 1.1, 5.1 Character Set and 5.4 Line Break Characters.
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def to_json(value: Any) -> str:
    """Dicts, lists, strings, numbers, booleans and None as JSON, a line each."""
    return escaped(json.dumps(value, indent=INDENT, ensure_ascii=False)) + "\n"


def escaped(text: str) -> str:
    """A JSON text with escapes for the letters that are none in YAML."""
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
