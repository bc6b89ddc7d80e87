"""All that a container requests, by its pod's annotations and by its environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from nri_cdi.requests.annotations import (
    REMEMBERED,
    REMEMBERED_CHARACTERS,
    requested_devices,
)
from nri_cdi.requests.dialect import Dialect
from nri_cdi.requests.environment import Variables, requested_by_environment
from nri_cdi.requests.request import Request, combined

# Devices of a request that is kept: what nearly all come to.
_FEW = 16


def requested(
    annotations: Mapping[str, str],
    container: str,
    env: Sequence[str],
    dialects: Sequence[Dialect],
    variables: Variables,
) -> Request:
    """The devices that a container requests; annotations' first, and each once.

    ``annotations`` are its pod's, and ``env`` is its own environment, which is not
    looked at if there are no ``variables``.

    Raises: RequestError, with everything that is wrong in the first that is.
    """
    by_annotations = requested_devices(annotations, container, dialects)
    if not variables:
        return by_annotations
    by_environment = requested_by_environment(env, variables)
    if not by_environment:
        return by_annotations
    names = by_annotations.devices + by_environment.devices
    if len(names) <= _FEW and sum(map(len, names)) <= REMEMBERED_CHARACTERS:
        return _remember(by_annotations, by_environment)
    return combined(by_annotations, by_environment)


_remember = lru_cache(maxsize=REMEMBERED)(combined)
