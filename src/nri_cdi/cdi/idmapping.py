"""The option that gives the files of a bind mount to the users of a user namespace.

Source: CDI pkg/cdi/oci.go, of its main branch.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nri_cdi.cdi.model import Mount

_BY_KIND: Mapping[str, str] = MappingProxyType({"bind": "idmap", "rbind": "ridmap"})


def id_mapping(mount: Mount) -> tuple[str, ...]:
    """The option to add for a container with a user namespace; none if it has one.

    The type ``bind`` counts, and over it the last such word among the options.
    """
    if not set(mount.options).isdisjoint(_BY_KIND.values()):
        return ()
    kinds = [mount.type, *mount.options] if mount.type == "bind" else mount.options
    return tuple(_BY_KIND[kind] for kind in kinds if kind in _BY_KIND)[-1:]
