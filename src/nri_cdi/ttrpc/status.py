"""The status of a call: a gRPC code and a text.

Source: ttrpc request.proto (Status); gRPC doc/statuscodes.md (the codes).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from nri_cdi.errors import LocalProtocolError, NriCdiError

MAX_MESSAGE = 64 * 1024
"""Bytes of UTF-8 that a status text may have on the wire; a longer one is clipped.

Far more than a person reads, and far below the 4 MiB at which an answer that is only
an error text would itself be refused.
"""

MAX_CODE = 2**31 - 1  # Status.code is an int32
MIN_CODE = -(2**31)

_CLIPPED = "…"


class Code(IntEnum):
    """The gRPC status codes. A peer may send others: they stay plain integers."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


@dataclass(frozen=True, slots=True)
class Status:
    """How a call failed; ``code`` is one of ``Code`` or another int32, never 0."""

    code: int
    message: str


class RpcError(NriCdiError):
    """A call failed: raised by a handler to answer so, and by a client that is told so.

    Raises:
        LocalProtocolError: ``code`` is 0, which would tell success, or no int32.
    """

    def __init__(self, code: int, message: str) -> None:
        check_error_code(code)
        self.code = code
        self.message = message
        super().__init__(f"status {_code_text(code)}: {message}")


def check_error_code(code: int) -> None:
    """Refuse a code that can't stand for a failure on the wire.

    Raises:
        LocalProtocolError: ``code`` is 0, which would tell success, or no int32.
    """
    if code == Code.OK or not MIN_CODE <= code <= MAX_CODE:
        raise LocalProtocolError(
            f"status code {code:d} of a failed call: must be an int32 other than 0"
        )


def clip(message: str) -> str:
    """``message`` as a status can carry it: at most MAX_MESSAGE bytes of UTF-8.

    Surrogates, which a path that isn't UTF-8 brings along, come out escaped.
    """
    encoded = message.encode("utf-8", "backslashreplace")
    if len(encoded) <= MAX_MESSAGE:
        return encoded.decode()
    kept = encoded[: MAX_MESSAGE - len(_CLIPPED.encode())]
    return kept.decode("utf-8", "ignore") + _CLIPPED


def _code_text(code: int) -> str:
    try:
        return f"{code:d} {Code(code).name}"
    except ValueError:
        return f"{code:d}"
