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

from nri_cdi.cdi.composing import Composed, compose, compose_all
from nri_cdi.cdi.events import MalformedError, malformed
from nri_cdi.cdi.quick import IrregularError, quick_json, quick_yaml
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.syntax import place_of
from nri_cdi.errors import Problem

_BYTE_ORDER_MARK = "\ufeff"
MAX_QUICK_JSON = 4 * 1024 * 1024
"""Characters of a JSON text that Python's parser may get. It keeps all other threads
from running until an object ends: for half a second, if all of this is one object."""

_LIKE_JSON = re.compile(r"[ \t\r\n]*\{")


def decode(data: bytes, what: str = "a spec") -> str:
    """The text of a file, without byte order marks; ``what`` is in it, in words.

    Raises:
        MalformedError: it is not UTF-8.
    """
    try:
        # libyaml would take away a second one itself, and not count it in places.
        return data.decode().lstrip(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        raise _not_utf_8(data, error.start, what) from error


def load(text: str) -> Composed:
    """The value of a text's first document; None where there is none.

    Raises:
        MalformedError: it is neither YAML nor JSON, or exceeds the limits.
    """
    with suppress(IrregularError):
        return _json(text)
    try:
        return Composed(value=quick_yaml(text), flaws=())
    except IrregularError:
        return compose(text)
    except yaml.YAMLError as error:
        raise malformed(text, error) from error


def load_all(text: str) -> tuple[Composed, ...]:
    """The values of all documents of a text, in order; an empty one is None.

    What the reference lets pass after a first document is an error here, unless it is
    another document. The limits are those of one document, for all of them together.

    Raises:
        MalformedError: a part of it is neither YAML nor JSON, or exceeds the limits.
    """
    with suppress(IrregularError):
        return (_json(text),)
    return compose_all(text)


def _json(text: str) -> Composed:
    """Raises: IrregularError, unless it is plain JSON, and not too much of it."""
    if len(text) > MAX_QUICK_JSON or not _LIKE_JSON.match(text):
        raise IrregularError
    return Composed(value=quick_json(text), flaws=())


def _not_utf_8(data: bytes, offset: int, what: str) -> MalformedError:
    before = data[:offset].decode().removeprefix(_BYTE_ORDER_MARK)
    line, column = place_of(before, len(before))
    message = (
        f"the byte 0x{data[offset]:02x} at offset {offset} is not UTF-8; "
        f"{what} must be UTF-8"
    )
    return MalformedError(
        Problem(rule=Rule.NOT_UTF_8, message=message, line=line, column=column)
    )
