"""Which CDI devices a container requests, and where it does so.

Its pod's annotations do, in the way of CDI and, where that is switched on, in the ways
of other plugins; and so does its own environment, in variables that an operator chose.
"""

from __future__ import annotations

from nri_cdi.requests.aliases import ALIASES, dialects
from nri_cdi.requests.annotations import requested_devices
from nri_cdi.requests.container import requested
from nri_cdi.requests.dialect import CDI_DIALECT, CONTAINER_KEY, PREFIX, Dialect
from nri_cdi.requests.environment import VariableError, requested_by_environment
from nri_cdi.requests.names import MAX_NAMES
from nri_cdi.requests.reading import MAX_PROBLEMS
from nri_cdi.requests.request import NO_REQUEST, Place, Request, Source, combined

__all__ = [
    "ALIASES",
    "CDI_DIALECT",
    "CONTAINER_KEY",
    "MAX_NAMES",
    "MAX_PROBLEMS",
    "NO_REQUEST",
    "PREFIX",
    "Dialect",
    "Place",
    "Request",
    "Source",
    "VariableError",
    "combined",
    "dialects",
    "requested",
    "requested_by_environment",
    "requested_devices",
]
