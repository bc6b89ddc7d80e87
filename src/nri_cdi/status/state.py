"""The state that answers at a status address, if it is one.

Anybody on the node can listen at a port of the loopback before the plugin does, and a
plugin of another release may say less. What is read here has all that is relied on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, TypeAlias

from nri_cdi.address import Address
from nri_cdi.quoting import printable
from nri_cdi.status.client import TIMEOUT_S, StatusUnavailableError, fetch

PATH = "/status.json"

State: TypeAlias = "dict[str, Any]"
"""What `nri_cdi.status.snapshot` makes, as JSON has it."""

# Of what another program says, so much is repeated.
_SAID_LENGTH = 200


@dataclass(frozen=True, slots=True)
class _Each:
    """A mapping of any names to values of one shape."""

    shape: Any


@dataclass(frozen=True, slots=True)
class _Maybe:
    """A value of a mapping that need not be there."""

    shape: Any


_TEXT, _FLAG, _COUNT = str, bool, int
_NUMBER = (int, float)
_STAMP = (str, type(None))
_TEXTS = [_TEXT]

_CONTAINER: Mapping[str, Any] = MappingProxyType(
    {"namespace": _TEXT, "pod": _TEXT, "container": _TEXT, "containerId": _TEXT}
)

SHAPE: Mapping[str, Any] = MappingProxyType(
    {
        "version": _TEXT,
        "name": _TEXT,
        "index": _TEXT,
        "startedAt": _TEXT,
        "now": _TEXT,
        "ready": _FLAG,
        "reason": _TEXT,
        "runtime": {
            "connected": _FLAG,
            "synchronized": _FLAG,
            "name": _TEXT,
            "version": _TEXT,
            "nriVersion": _TEXT,
            "since": _STAMP,
            "synchronizedAt": _STAMP,
            "connections": _COUNT,
            "reason": _TEXT,
            "capabilities": _Each(_FLAG),
        },
        "configuration": {
            "path": _TEXT,
            "loadedAt": _STAMP,
            "error": _TEXT,
            "refusing": _FLAG,
            "injection": _TEXT,
            "policyDefault": _TEXT,
            "rules": _COUNT,
            "exclusive": _TEXTS,
            "aliases": _TEXTS,
            "environment": _Each(_TEXT),
            "validate": _TEXT,
            "validateError": _TEXT,
            "afterRestart": _Each(_TEXT),
        },
        "devices": [
            {
                "name": _TEXT,
                "kind": _TEXT,
                "path": _TEXT,
                "exclusive": _FLAG,
                "holders": [{**_CONTAINER, "as": _Maybe(_TEXT)}],
                "unsupported": _TEXTS,
                "delegated": _TEXTS,
            }
        ],
        "specs": {
            "files": _COUNT,
            "devices": _COUNT,
            "directories": [{"path": _TEXT, "error": _TEXT}],
            "errors": [{"path": _TEXT, "lines": _TEXTS}],
            "conflicts": [{"device": _TEXT, "paths": _TEXTS}],
        },
        "drifted": [{**_CONTAINER, "devices": _TEXTS, "lacks": _TEXTS}],
        "decisions": [
            {
                **_CONTAINER,
                "time": _TEXT,
                "result": _TEXT,
                "devices": _TEXTS,
                "mode": _TEXT,
                "rule": _TEXT,
                "reason": _TEXT,
                "ms": _NUMBER,
            }
        ],
        "counts": {
            "requests": _Each(_COUNT),
            "injectedByKind": _Each(_COUNT),
            "deniedByRule": _Each(_COUNT),
            "auditedByRule": _Each(_COUNT),
            "drifted": _COUNT,
        },
    }
)
"""What is relied on; there may be more of it."""


def fetch_state(address: Address, timeout_s: float = TIMEOUT_S) -> State:
    """The state of the plugin whose status is at ``address``.

    Raises: StatusUnavailableError.
    """
    status, body = fetch(address, PATH, timeout_s)
    if status != HTTPStatus.OK:
        said = printable(body[:_SAID_LENGTH].decode(errors="replace").strip())
        raise StatusUnavailableError(f"{address}: it answers {status}: {said}")
    try:
        state = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _stranger(address) from error
    if not fits(state, SHAPE):
        raise _stranger(address)
    found: State = state
    return found


def fits(value: object, shape: Any) -> bool:
    """Whether a value has the parts of a shape, each of its type."""
    if isinstance(shape, _Each):
        return isinstance(value, dict) and all(
            fits(each, shape.shape) for each in value.values()
        )
    if isinstance(shape, Mapping):
        return isinstance(value, dict) and all(
            fits(value[key], each) if key in value else isinstance(each, _Maybe)
            for key, each in shape.items()
        )
    if isinstance(shape, _Maybe):
        return fits(value, shape.shape)
    if isinstance(shape, list):
        [item] = shape
        return isinstance(value, list) and all(fits(each, item) for each in value)
    return isinstance(value, shape)


def _stranger(address: Address) -> StatusUnavailableError:
    return StatusUnavailableError(
        f"{address}: what answers there is no nri-cdi, or one of another release"
    )
