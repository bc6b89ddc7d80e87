"""Plain values as JSON that readers of YAML take for the same."""

from __future__ import annotations

import json
import re
from typing import Any

INDENT = 2

_NOT_IN_YAML = r"\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff"
"""Letters that YAML does not have, or that end a line there.

Source: YAML 1.1, 5.1 Character Set and 5.4 Line Break Characters.
"""

_FORMATS = (
    r"\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufff9-\ufffb"
    r"\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
"""Letters that format those around them, and could make a text look like another one.

They are listed, so that each release of Python writes the same.
Source: Unicode 15.1, general category Cf.
"""

UNSEEN = re.compile(f"[{_NOT_IN_YAML}{_FORMATS}]")
"""What a text only has in it as an escape, besides what JSON escapes anyway."""

_LAST_OF_FOUR_DIGITS = "\uffff"


def to_json(value: Any) -> str:
    """Dicts, lists, strings, numbers, booleans and None as JSON, a line each."""
    return escaped(json.dumps(value, indent=INDENT, ensure_ascii=False)) + "\n"


def escaped(text: str) -> str:
    """A JSON text with escapes for what is no letter in YAML, or can't be seen.

    What JSON has no single escape for stands as it is: a pair of escapes, for the two
    halves of a surrogate pair, is no letter in YAML, as which the reference reads JSON.
    """
    return UNSEEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    letter = found[0]
    return f"\\u{ord(letter):04x}" if letter <= _LAST_OF_FOUR_DIGITS else letter
