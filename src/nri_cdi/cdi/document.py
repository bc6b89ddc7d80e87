"""A YAML or JSON text as plain values: the first step of reading a spec.

The content decides, not the file's name: text that starts like JSON goes to Python's
JSON parser first, which is many times faster, and to YAML if that refuses it. So the
extras that the reference takes within JSON load here too: comments, trailing commas,
text after the object.
"""

from __future__ import annotations

import re
from contextlib import suppress

import yaml

from nri_cdi.cdi.composing import Composed, compose
from nri_cdi.cdi.events import MalformedError, malformed
from nri_cdi.cdi.quick import IrregularError, quick_json, quick_yaml
from nri_cdi.cdi.rules import Rule
from nri_cdi.errors import Problem

_BYTE_ORDER_MARK = "\ufeff"
MAX_QUICK_JSON = 4 * 1024 * 1024
"""Characters of a JSON text that Python's parser may get. It keeps all other threads
from running until an object ends: for half a second, if all of this is one object."""

_LIKE_JSON = re.compile(r"[ \t\r\n]*\{")


def decode(data: bytes) -> str:
    """The text of a file, without its byte order mark.

    Raises:
        MalformedError: it is not UTF-8.
    """
    try:
        return data.decode().removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        raise MalformedError(
            Problem(
                rule=Rule.NOT_UTF_8,
                message=(
                    f"the byte 0x{data[error.start]:02x} at offset {error.start} "
                    "is not UTF-8; a spec must be UTF-8"
                ),
                line=data.count(b"\n", 0, error.start) + 1,
            )
        ) from error


def load(text: str) -> Composed:
    """The value of a text's first document; None where there is none.

    Raises:
        MalformedError: it is neither YAML nor JSON, or exceeds the limits.
    """
    if len(text) <= MAX_QUICK_JSON and _LIKE_JSON.match(text):
        with suppress(IrregularError):
            return Composed(value=quick_json(text), flaws=())
    try:
        return Composed(value=quick_yaml(text), flaws=())
    except IrregularError:
        return compose(text)
    except yaml.YAMLError as error:
        raise malformed(text, error) from error
