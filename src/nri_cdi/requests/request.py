"""The devices that a container requests, and where each of them is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from nri_cdi.quoting import MAX_LISTED, quoted

# Prefix, slash and name. Source: Kubernetes, "Annotations: syntax and character set".
MAX_KEY = 253 + 1 + 63
"""Characters of an annotation's key."""


class Place(StrEnum):
    """Where devices can be asked for."""

    ANNOTATION = "annotation"
    VARIABLE = "variable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What asks for a device; ``name`` is an annotation's key or a variable's name."""

    place: Place
    name: str

    def __str__(self) -> str:
        """The source in a message: ``annotation cdi.k8s.io/gpu``."""
        return f"{self.place} {_readable(self.name)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The devices that are requested for a container, each once; false if none are.

    ``sources`` has, for each device, all that ask for it.
    """

    devices: tuple[str, ...]
    sources: Mapping[str, tuple[Source, ...]] = field(hash=False)

    def __bool__(self) -> bool:
        return bool(self.devices)

    def without(self, devices: Iterable[str]) -> tuple[str, ...]:
        """The devices but for those that the container has already."""
        present = frozenset(devices)
        if present.isdisjoint(self.devices):
            return self.devices
        return tuple(device for device in self.devices if device not in present)

    def annotations(self, device: str) -> tuple[str, ...]:
        """The keys of the annotations that ask for a device of this request."""
        return self._names(device, Place.ANNOTATION)

    def variables(self, device: str) -> tuple[str, ...]:
        """The names of the variables that ask for a device of this request."""
        return self._names(device, Place.VARIABLE)

    def blame(self, devices: Iterable[str]) -> str:
        """Who asked for these devices of this request, at least one, in words.

        ``asked for by annotations a, b and variable C``: no more than some, and how
        many more there are.
        """
        found = {source for device in devices for source in self.sources[device]}
        # Annotations come before variables in the alphabet, too.
        ordered = sorted(found, key=lambda source: (source.place, source.name))
        shown = ordered[:MAX_LISTED]
        words = [
            _listed(place, [source.name for source in shown if source.place is place])
            for place in dict.fromkeys(source.place for source in shown)
        ]
        more = len(ordered) - len(shown)
        words += [f"{more} more"] if more else []
        return f"asked for by {' and '.join(words)}"

    def _names(self, device: str, place: Place) -> tuple[str, ...]:
        return tuple(
            source.name for source in self.sources[device] if source.place is place
        )


NO_REQUEST = Request(devices=(), sources=MappingProxyType({}))


def combined(*requests: Request) -> Request:
    """All devices of ``requests``, in their order, each once, with all its sources."""
    asking = [request for request in requests if request]
    if not asking:
        return NO_REQUEST
    if len(asking) == 1:
        return asking[0]
    sources: dict[str, tuple[Source, ...]] = {}
    for request in asking:
        for device, more in request.sources.items():
            sources[device] = tuple(dict.fromkeys((*sources.get(device, ()), *more)))
    return Request(devices=tuple(sources), sources=MappingProxyType(sources))


def _listed(place: Place, names: Sequence[str]) -> str:
    plural = "s" if len(names) > 1 else ""
    return f"{place}{plural} {', '.join(map(_readable, names))}"


def _readable(name: str) -> str:
    """A name as it is, unless it is none that Kubernetes lets through."""
    return name if len(name) <= MAX_KEY and name.isprintable() else quoted(name)
