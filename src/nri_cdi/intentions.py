"""Annotations of a pod that were probably meant otherwise than they are read.

The plugin does what they say. Who writes them is told, before a container lacks a
device, or gets one that another was to have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType

from nri_cdi.cdi.names import is_qualified_name
from nri_cdi.cdi.unresolved import alternatives
from nri_cdi.manifests import TEMPLATES, Pod
from nri_cdi.quoting import quoted
from nri_cdi.requests import ALIASES, CDI_DIALECT, CONTAINER_KEY, PREFIX, Dialect
from nri_cdi.requests.aliases import CONTAINER_SCOPE, POD_SCOPES

_LIKE_CONTAINER_KEY = re.compile(
    rf"{re.escape(PREFIX)}(?:(?:init|ephemeral)[._-]?)?containers?[._-](.+)",
    re.IGNORECASE,
)
# What stands between blanks, commas, quotes and brackets, which no device's name has.
_WORDS = re.compile(r"[^\s,\"'\[\]]+")

# What device-injector reads besides CDI devices, with what it asks for.
# Source: NRI plugins/device-injector/device-injector.go.
_FOREIGN = MappingProxyType(
    {
        "devices.noderesource.dev": "device nodes",
        "devices.nri.io": "device nodes",
        "mounts.noderesource.dev": "mounts",
        "mounts.nri.io": "mounts",
        "network-devices.noderesource.dev": "network devices",
        "network-devices.nri.io": "network devices",
        "io-priority.noderesource.dev": "an I/O priority",
        "io-priority.nri.io": "an I/O priority",
        "scheduling-policy.noderesource.dev": "a scheduling policy",
        "scheduling-policy.nri.io": "a scheduling policy",
        "memory-policy.noderesource.dev": "a memory policy",
        "memory-policy.nri.io": "a memory policy",
        "sysctl.noderesource.dev": "sysctls",
    }
)

# Annotations of one sort that have a warning each: one may be misspelt, many are of
# another pod.
_WARNED = 10

# Two letters of the prefix may be wrong. Source: difflib, SequenceMatcher.ratio.
_ALIKE = 0.8


def doubts(pod: Pod, dialects: Sequence[Dialect] = (CDI_DIALECT,)) -> Iterator[str]:
    """A warning for each annotation that asks for less, or more, than it seems to.

    ``dialects`` are those that the plugin reads.
    """
    names = dict.fromkeys(container.name for container in pod.containers)
    spoken = [dialect for dialect in dialects if dialect is not CDI_DIALECT]
    on = {alias for dialect in spoken for alias in dialect.prefixes}
    yield from _unknown_containers(pod, CONTAINER_KEY, names)
    for key, value in sorted(pod.annotations.items()):
        if key.startswith(CONTAINER_KEY):
            continue
        if key.startswith(PREFIX):
            yield from _not_for_one_container(key, names)
        else:
            yield from _asks_in_vain(key, value, sorted(on))
    for dialect in spoken:
        yield from _not_counted(pod, dialect, names)
    for alias in ALIASES:
        misread = _misread if alias in on else _switched_off
        yield from misread(pod, alias, names)
    for prefix, what in _FOREIGN.items():
        yield from _for_another(pod, prefix, what)
    yield from _on_the_workload(pod, (PREFIX, *sorted(on)))


def _unknown_containers(
    pod: Pod, start: str, names: Mapping[str, None]
) -> Iterator[str]:
    """Warnings for keys that have another container's name behind ``start``."""
    unknown = [
        key
        for key in sorted(pod.annotations)
        if _has_name(key, start) and key.removeprefix(start) not in names
    ]
    yield from _some(
        unknown,
        lambda key: (
            f"annotation {quoted(key)} is for a container that the pod does not have"
            f"{alternatives(key.removeprefix(start), names, len(names))}"
        ),
        "are for containers that the pod does not have",
    )


def _not_for_one_container(key: str, names: Mapping[str, None]) -> Iterator[str]:
    match = _LIKE_CONTAINER_KEY.fullmatch(key)
    if match and match[1] in names:
        yield (
            f"annotation {quoted(key)} asks for every container of the pod: "
            f"for one alone it is {CONTAINER_KEY}{match[1]}"
        )


def _asks_in_vain(key: str, value: str, on: Sequence[str]) -> Iterator[str]:
    """A warning for a key that only looks like one of those that are read."""
    prefix = key.partition("/")[0]
    if prefix in ALIASES:
        return
    known = {PREFIX.removesuffix("/"): PREFIX, **{alias: alias for alias in on}}
    alike = get_close_matches(prefix.lower(), known, n=1, cutoff=_ALIKE)
    if alike and any(map(is_qualified_name, _WORDS.findall(value))):
        yield (
            f"annotation {quoted(key)} names devices, but asks for none: "
            f"its prefix is not {known[alike[0]]}"
        )


def _not_counted(
    pod: Pod, dialect: Dialect, names: Mapping[str, None]
) -> Iterator[str]:
    """Warnings for keys that are about containers, but go behind others for each."""
    keys = frozenset(key for key in pod.annotations if key.startswith(dialect.prefixes))
    counted = {key for name in names for key in dialect.select(keys, name)}
    scopes = (*POD_SCOPES, *(CONTAINER_SCOPE + name for name in names))
    about_some = {alias + scope for alias in dialect.prefixes for scope in scopes}
    yield from _some(
        sorted((keys & about_some) - counted),
        lambda key: (
            f"annotation {quoted(key)} does not count: "
            "for each container that it is about, another goes before it"
        ),
        "do not count, as others go before them",
    )


def _misread(pod: Pod, alias: str, names: Mapping[str, None]) -> Iterator[str]:
    """Warnings for keys of an alias that is on, but doesn't have such keys."""
    yield from _unknown_containers(pod, alias + CONTAINER_SCOPE, names)
    strange = [
        key
        for key in sorted(pod.annotations)
        if key.startswith(f"{alias}/") and not _has_scope(key, alias)
    ]
    yield from _some(
        strange,
        lambda key: (
            f"annotation {quoted(key)} asks for nothing: it must be "
            f"{alias}{CONTAINER_SCOPE}<container>, {alias}/pod or {alias}"
        ),
        f"that start with {alias} ask for nothing",
    )


def _switched_off(pod: Pod, alias: str, _names: Mapping[str, None]) -> Iterator[str]:
    """Warnings for keys of an alias that the plugin would read if it were told to."""
    yield from _some(
        [key for key in sorted(pod.annotations) if _has_scope(key, alias)],
        lambda key: (
            f"annotation {quoted(key)} asks for devices in the way of {alias}, "
            "which is off: see aliases in the configuration"
        ),
        f"ask for devices in the way of {alias}, which is off",
    )


def _for_another(pod: Pod, prefix: str, what: str) -> Iterator[str]:
    """Warnings for keys that only a plugin which this one may replace would read."""
    asks = f"another plugin (device-injector) for {what}"
    yield from _some(
        sorted(key for key in pod.annotations if _has_scope(key, prefix)),
        lambda key: (
            f"annotation {quoted(key)} asks {asks}; nri-cdi gives nothing for it"
        ),
        f"ask {asks}",
    )


def _has_scope(key: str, alias: str) -> bool:
    """Whether ``key`` is ``alias`` for one container or for all."""
    if _has_name(key, alias + CONTAINER_SCOPE):
        return True
    return key.removeprefix(alias) in POD_SCOPES and key.startswith(alias)


def _has_name(key: str, start: str) -> bool:
    # With CDI's prefix a key without one is an error, and the plugin says so.
    return key.startswith(start) and key != start


def _on_the_workload(pod: Pod, starts: tuple[str, ...]) -> Iterator[str]:
    """Warnings for annotations that the pods of a workload don't get."""
    for key in sorted(pod.outer_annotations):
        if key.startswith(starts) and key not in pod.annotations:
            there = ".".join((*TEMPLATES[pod.kind], "metadata.annotations"))
            yield (
                f"annotation {quoted(key)} is on the {pod.kind}, and not on its pods: "
                f"put it into {there}"
            )


def _some(
    keys: Sequence[str], warning: Callable[[str], str], what: str
) -> Iterable[str]:
    """The warnings for the first of ``keys``, and what the others do in short."""
    yield from map(warning, keys[:_WARNED])
    if len(keys) > _WARNED:
        yield f"{len(keys) - _WARNED} more annotations {what}"
