"""What has been read of a container's request so far: devices and problems."""

from __future__ import annotations

from types import MappingProxyType

from nri_cdi.errors import RequestError
from nri_cdi.requests.names import MAX_NAMES, Names
from nri_cdi.requests.request import MAX_KEY, NO_REQUEST, Place, Request, Source

# A message with more is of no more help: it becomes an event of the pod.
MAX_PROBLEMS = 8


class Reading:
    """The devices and the problems found so far, in one kind of place.

    ``error`` is raised with all problems: by `request`, or by `add` once there are over
    `MAX_NAMES` names.
    """

    def __init__(self, place: Place, error: type[RequestError]) -> None:
        self._place = place
        self._error_type = error
        self._sources: dict[str, tuple[Source, ...]] = {}
        self._problems: list[str] = []
        self._names = 0

    def add(self, where: str, names: Names) -> None:
        """Take the names that the annotation or variable ``where`` has."""
        self._names += len(names)
        if self._names > MAX_NAMES:
            self.note(
                where, f"with it the container requests more than {MAX_NAMES} names"
            )
            raise self._error()
        source = Source(place=self._place, name=where)
        for name in names:
            if isinstance(name, str):
                self._add_device(name, source)
            else:
                self.note(where, str(name))

    def note(self, where: str, problem: str) -> None:
        """Take what is wrong with the annotation or variable ``where``."""
        self._problems.append(f"{self._place} {where[:MAX_KEY]!r}: {problem}")

    def request(self) -> Request:
        """All devices, if there was no problem."""
        if self._problems:
            raise self._error()
        if not self._sources:
            return NO_REQUEST
        return Request(
            devices=tuple(self._sources), sources=MappingProxyType(self._sources)
        )

    def _add_device(self, device: str, source: Source) -> None:
        sources = self._sources.get(device, ())
        if source not in sources:
            self._sources[device] = (*sources, source)

    def _error(self) -> RequestError:
        shown = self._problems[:MAX_PROBLEMS]
        more = len(self._problems) - len(shown)
        return self._error_type(
            "; ".join(shown) + (f"; and {more} more" if more else "")
        )
