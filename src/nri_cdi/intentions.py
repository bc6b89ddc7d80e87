"""Annotations of a pod that were probably meant otherwise than they are read.

The plugin does what they say. Who writes them is told, before a container lacks a
device, or gets one that another was to have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from nri_cdi.cdi.names import is_qualified_name
from nri_cdi.cdi.unresolved import alternatives
from nri_cdi.manifests import TEMPLATES, Pod
from nri_cdi.quoting import quoted
from nri_cdi.requests import CONTAINER_KEY, PREFIX

_LIKE_CONTAINER_KEY = re.compile(
    rf"{re.escape(PREFIX)}(?:(?:init|ephemeral)[._-]?)?containers?[._-](.+)",
    re.IGNORECASE,
)
# Annotations for unknown containers that have a warning each: one may be misspelt, many
# are of another pod.
_WARNED = 10

# Two letters of the prefix may be wrong. Source: difflib, SequenceMatcher.ratio.
_ALIKE = 0.8


def doubts(pod: Pod) -> Iterator[str]:
    """A warning for each annotation that asks for less, or more, than it seems to."""
    names = dict.fromkeys(container.name for container in pod.containers)
    yield from _unknown_containers(pod, names)
    for key, value in sorted(pod.annotations.items()):
        if key.startswith(CONTAINER_KEY):
            continue
        if key.startswith(PREFIX):
            yield from _not_for_one_container(key, names)
        elif _asks_in_vain(key, value):
            yield (
                f"annotation {quoted(key)} names devices, but asks for none: "
                f"its prefix is not {PREFIX}"
            )
    for key in sorted(pod.outer_annotations):
        if key.startswith(PREFIX) and key not in pod.annotations:
            there = ".".join((*TEMPLATES[pod.kind], "metadata.annotations"))
            yield (
                f"annotation {quoted(key)} is on the {pod.kind}, and not on its pods: "
                f"put it into {there}"
            )


def _unknown_containers(pod: Pod, names: Mapping[str, None]) -> Iterator[str]:
    asked_for = (
        key.removeprefix(CONTAINER_KEY)
        for key in sorted(pod.annotations)
        if key.startswith(CONTAINER_KEY)
    )
    # An empty name is an error, and the plugin says so.
    unknown = [name for name in asked_for if name and name not in names]
    for name in unknown[:_WARNED]:
        yield (
            f"annotation {quoted(CONTAINER_KEY + name)} is for a container that the "
            f"pod does not have{alternatives(name, names, len(names))}"
        )
    if len(unknown) > _WARNED:
        yield (
            f"{len(unknown) - _WARNED} more annotations are for containers that the "
            "pod does not have"
        )


def _not_for_one_container(key: str, names: Mapping[str, None]) -> Iterator[str]:
    match = _LIKE_CONTAINER_KEY.fullmatch(key)
    if match and match[1] in names:
        yield (
            f"annotation {quoted(key)} asks for every container of the pod: "
            f"for one alone it is {CONTAINER_KEY}{match[1]}"
        )


def _asks_in_vain(key: str, value: str) -> bool:
    prefix = key.partition("/")[0].lower()
    alike = get_close_matches(prefix, [PREFIX.removesuffix("/")], cutoff=_ALIKE)
    return bool(alike) and any(
        is_qualified_name(name.strip()) for name in value.split(",")
    )
