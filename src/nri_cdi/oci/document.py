"""An OCI spec's text: JSON to a value, and back.

Nothing is lost on the way: unknown keys stay, keys keep their order, and integers of
any size their value. Other numbers are 64-bit floats, as they are to Go, and come back
as the same float, be it in other digits. What JSON parsers don't agree about is
refused: keys given twice, NaN, infinity, numbers beyond a float.
"""

from __future__ import annotations

import json
from collections import Counter
from math import isinf
from typing import Any, NoReturn

from nri_cdi.errors import OciSpecError, Problem
from nri_cdi.oci.problems import UNNAMED, Rule, unsuitable, wrong_type
from nri_cdi.quoting import quoted

MAX_SPEC_SIZE = 16 * 1024 * 1024
"""Bytes: what containerd takes in one message. Usual specs have some ten thousand."""

MAX_DEPTH = 20
"""Objects and arrays within each other. A valid OCI spec has seven: the arguments of a
seccomp rule."""

MAX_INDENTED = 256 * 1024
"""Bytes of a compact text that is written indented. People read no more; and deep down
a byte becomes a line of 2 * MAX_DEPTH spaces."""


def parse_oci_spec(data: bytes, path: str) -> dict[str, Any]:
    """The OCI spec in a JSON text; ``path`` is where it came from.

    Raises: OciSpecError, if it is anything else than a JSON object.
    """
    if len(data) > MAX_SPEC_SIZE:
        message = f"there are over {MAX_SPEC_SIZE} bytes"
        raise unsuitable(path, Rule.FILE_TOO_LARGE, "", message)
    spec = _load(_decode(data, path), path)
    if not isinstance(spec, dict):
        raise wrong_type(path, "", dict, spec)
    if _is_too_deep(spec):
        raise _too_deep(path)
    return spec


def format_oci_spec(spec: dict[str, Any], path: str = UNNAMED) -> bytes:
    """A JSON text of an OCI spec, with a line feed at the end.

    It is indented, unless it would be large. ``path`` stands in messages.

    Raises: OciSpecError, if the text is more than `parse_oci_spec` takes.
    """
    data = _encode(spec, separators=(",", ":"))
    if len(data) > MAX_SPEC_SIZE:
        message = f"with the edits there would be over {MAX_SPEC_SIZE} bytes"
        raise unsuitable(path, Rule.FILE_TOO_LARGE, "", message)
    return data if len(data) > MAX_INDENTED else _encode(spec, indent=2)


def _encode(spec: dict[str, Any], **form: Any) -> bytes:
    text = json.dumps(spec, ensure_ascii=False, allow_nan=False, **form)
    try:
        return f"{text}\n".encode()
    except UnicodeEncodeError:
        # Half a surrogate pair is no character. An escape of it can be written.
        return f"{json.dumps(spec, allow_nan=False, **form)}\n".encode()


class _RefusedError(Exception):
    """A value that is JSON to Python alone."""

    def __init__(self, rule: Rule, message: str) -> None:
        self.rule = rule
        super().__init__(message)


def _decode(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = Problem(
            rule=Rule.NOT_UTF_8,
            message=f"the byte 0x{error.object[error.start]:02x} is not UTF-8",
            line=error.object.count(b"\n", 0, error.start) + 1,
        )
        raise OciSpecError(path, (problem,)) from error


def _load(text: str, path: str) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_float,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        problem = Problem(
            rule=Rule.SYNTAX,
            message=f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}",
            line=error.lineno,
            column=error.colno,
        )
        raise OciSpecError(path, (problem,)) from error
    except _RefusedError as error:
        raise unsuitable(path, error.rule, "", str(error)) from error
    except RecursionError as error:
        raise _too_deep(path) from error
    except ValueError as error:
        # Python takes integers of some thousand digits, as more of them take long.
        message = "an integer has too many digits"
        raise unsuitable(path, Rule.OUT_OF_RANGE, "", message) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        [(key, _)] = Counter(key for key, _ in pairs).most_common(1)
        message = f"the key {quoted(key)} is given twice in one object"
        raise _RefusedError(Rule.DUPLICATE_KEY, message)
    return made


def _float(digits: str) -> float:
    value = float(digits)
    if isinf(value):
        message = f"the number {quoted(digits)} is beyond a 64-bit float"
        raise _RefusedError(Rule.OUT_OF_RANGE, message)
    return value


def _constant(name: str) -> NoReturn:
    raise _RefusedError(Rule.SYNTAX, f"not JSON: {name} is no number there")


def _is_too_deep(value: Any) -> bool:
    """Whether there is anything deeper than MAX_DEPTH; looks at one level at a time."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _too_deep(path: str) -> OciSpecError:
    message = f"over {MAX_DEPTH} objects and arrays are nested in each other"
    return unsuitable(path, Rule.NESTING_TOO_DEEP, "", message)
