"""A dialect: one way to request devices in annotations; and CDI's own, always spoken.

    annotations:
      cdi.k8s.io/gpu: vendor.com/gpu=0, vendor.com/gpu=1    every container of the pod
      cdi.k8s.io/pod: vendor.com/net=eth1                   every container of the pod
      cdi.k8s.io/container.train: vendor.com/gpu=2          container train, in addition

Source: CDI pkg/cdi/annotations.go (prefix, qualified names, commas); NRI
pkg/plugin/annotations.go (pod and container in keys).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from nri_cdi.cdi.annotations import ANNOTATION_PREFIX
from nri_cdi.errors import InvalidNameError
from nri_cdi.requests.names import Names, comma_list

PREFIX = ANNOTATION_PREFIX
CONTAINER_KEY = f"{PREFIX}container."


# Each is compared as itself: they are parts of the keys of caches.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dialect:
    """One way to request devices; each of its keys starts with one of ``prefixes``.

    ``select`` picks, of a pod's sorted keys with these prefixes, those that are about a
    container. ``names`` takes such a key and its value, and gives the devices that it
    names. It raises InvalidNameError if the key or the whole value makes no sense.
    """

    prefixes: tuple[str, ...]
    select: Callable[[Collection[str], str], Sequence[str]]
    names: Callable[[str, str], Names]


def _select_in_addition(keys: Collection[str], container: str) -> Sequence[str]:
    own = CONTAINER_KEY + container
    return [
        key
        for key in keys
        if not key.startswith(CONTAINER_KEY) or key in (CONTAINER_KEY, own)
    ]


def _names(key: str, value: str) -> Names:
    if key == PREFIX:
        raise InvalidNameError(f"it needs a name behind the slash: {PREFIX}<any name>")
    if key == CONTAINER_KEY:
        raise InvalidNameError(
            f"it needs a container's name: {CONTAINER_KEY}<container>"
        )
    return comma_list(value)


CDI_DIALECT = Dialect(prefixes=(PREFIX,), select=_select_in_addition, names=_names)
