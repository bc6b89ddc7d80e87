"""Aliases: the annotations of other plugins, read as those plugins read them.

    nvidia.cdi.k8s.io/container.train: ...    container train
    nvidia.cdi.k8s.io/pod: ...                the other containers of the pod
    nvidia.cdi.k8s.io: ...                    the same, if there is no such key

Of all that are about a container only the narrowest one counts. Two names of one plugin
share this: the new one goes before the old one, but only of those equally narrow. What
else stands under the name of an alias is no request there, and none here.

Source: NRI plugins/device-injector (getAnnotation) and pkg/plugin/annotations.go
(GetEffectiveAnnotation); NVIDIA container toolkit,
cmd/nvidia-ctk-installer/container/runtime/nri/plugin.go (commas).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, partial
from types import MappingProxyType

from nri_cdi.errors import InvalidNameError
from nri_cdi.requests.dialect import CDI_DIALECT, Dialect
from nri_cdi.requests.names import Names, comma_list
from nri_cdi.requests.yamllist import yaml_list

CONTAINER_SCOPE = "/container."
"""Stands between an alias and the name of the one container that is meant."""

POD_SCOPES = ("/pod", "")
"""Stand behind an alias where every container of the pod is meant; first the narrower.
"""

# For each plugin, its names for one thing, the newer first, and how it takes values.
_PLUGINS: tuple[tuple[tuple[str, ...], Callable[[str], Names]], ...] = (
    (("cdi-devices.noderesource.dev", "cdi-devices.nri.io"), yaml_list),
    (("nvidia.cdi.k8s.io",), comma_list),
)


def dialects(aliases: Sequence[str]) -> tuple[Dialect, ...]:
    """The dialect of CDI, and those of ``aliases``, in the order of `ALIASES`.

    Raises: InvalidNameError, if one of them is not in there.
    """
    unknown = [alias for alias in aliases if alias not in ALIASES]
    if unknown:
        raise InvalidNameError(
            f"there is no alias {unknown[0]!r}; there are {', '.join(ALIASES)}"
        )
    spoken = [CDI_DIALECT]
    for names, read in _PLUGINS:
        chosen = tuple(name for name in names if name in aliases)
        spoken += [_dialect(chosen, read)] if chosen else []
    return tuple(spoken)


# A dialect is compared as itself, so there is one of each.
@cache
def _dialect(aliases: tuple[str, ...], read: Callable[[str], Names]) -> Dialect:
    return Dialect(
        prefixes=aliases,
        select=partial(_narrowest, aliases),
        names=lambda _key, value: read(value),
    )


def _narrowest(
    aliases: Sequence[str], keys: Collection[str], container: str
) -> Sequence[str]:
    for scope in (CONTAINER_SCOPE + container, *POD_SCOPES):
        for alias in aliases:
            if (key := alias + scope) in keys:
                return (key,)
    return ()


ALIASES: Mapping[str, Dialect] = MappingProxyType(
    {name: _dialect((name,), read) for names, read in _PLUGINS for name in names}
)
"""What a configuration can switch on: the dialect of each alias on its own, by name."""
