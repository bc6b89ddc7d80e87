"""Which CDI devices a pod's annotations request for a container.

    annotations:
      cdi.k8s.io/gpu: vendor.com/gpu=0, vendor.com/gpu=1    every container of the pod
      cdi.k8s.io/pod: vendor.com/net=eth1                   every container of the pod
      cdi.k8s.io/container.train: vendor.com/gpu=2          container train, in addition

Keys count in sorted order, names in the order written, and each name once.

Source: CDI pkg/cdi/annotations.go (prefix, qualified names, commas); NRI
pkg/plugin/annotations.go (pod and container in keys).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from nri_cdi.cdi.annotations import ANNOTATION_PREFIX
from nri_cdi.cdi.names import parse_qualified_name
from nri_cdi.errors import AnnotationError, InvalidNameError

PREFIX = ANNOTATION_PREFIX
CONTAINER_KEY = f"{PREFIX}container."

# Names written for one container, repeated ones included. Far more than a node has
# devices, and few enough to resolve without delay.
MAX_NAMES = 1024

# A message with more is of no more help: it becomes an event of the pod.
MAX_PROBLEMS = 8

# Prefix, slash and name. Source: Kubernetes, "Annotations: syntax and character set".
_MAX_KEY = 253 + 1 + 63

# Requests that are kept, and how long the annotations of each may be: 2 MB at most.
_REMEMBERED = 512
_REMEMBERED_CHARACTERS = 4096

# A value may be a YAML block, with line ends.
_BLANKS = " \t\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The devices that are requested for a container, each once; false if none are.

    ``sources`` has, for each device, the keys of the annotations that name it.
    """

    devices: tuple[str, ...]
    sources: Mapping[str, tuple[str, ...]] = field(hash=False)

    def __bool__(self) -> bool:
        return bool(self.devices)

    def without(self, devices: Iterable[str]) -> tuple[str, ...]:
        """The devices but for those that the container has already."""
        present = frozenset(devices)
        if present.isdisjoint(self.devices):
            return self.devices
        return tuple(device for device in self.devices if device not in present)


NO_REQUEST = Request(devices=(), sources=MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way to request devices in annotations; all its keys start with ``prefix``.

    ``select`` picks, of a pod's sorted keys with that prefix, those that are about a
    container. ``names`` takes such a key and its value, and gives the names in it: in
    their order, at most `MAX_NAMES` and one, empty where one is missing, else as they
    are. It raises InvalidNameError if the key or the whole value makes no sense.
    """

    prefix: str
    select: Callable[[Sequence[str], str], Sequence[str]]
    names: Callable[[str, str], Sequence[str]]


def _select_in_addition(keys: Sequence[str], container: str) -> Sequence[str]:
    own = CONTAINER_KEY + container
    return [
        key
        for key in keys
        if not key.startswith(CONTAINER_KEY) or key in (CONTAINER_KEY, own)
    ]


def _comma_list(key: str, value: str) -> Sequence[str]:
    if key == PREFIX:
        raise InvalidNameError(f"it needs a name behind the slash: {PREFIX}<any name>")
    if key == CONTAINER_KEY:
        raise InvalidNameError(
            f"it needs a container's name: {CONTAINER_KEY}<container>"
        )
    if not value.strip(_BLANKS):
        raise InvalidNameError(
            "it is empty; it takes device names, comma separated: "
            "vendor/class=name, vendor/class=name"
        )
    return [name.strip(_BLANKS) for name in value.split(",", MAX_NAMES)]


CDI_DIALECT = Dialect(prefix=PREFIX, select=_select_in_addition, names=_comma_list)


def requested_devices(
    annotations: Mapping[str, str],
    container: str,
    dialects: Sequence[Dialect] = (CDI_DIALECT,),
) -> Request:
    """The devices that a pod's ``annotations`` request for the container of that name.

    Raises: AnnotationError, with everything that is wrong in the annotations about it.
    """
    prefixes = tuple([dialect.prefix for dialect in dialects])
    # Most pods of a node request nothing, and this line is all that happens for them.
    keys = [key for key in annotations if key.startswith(prefixes)]
    if not keys:
        return NO_REQUEST
    keys.sort()
    items = tuple([(key, annotations[key]) for key in keys])
    if sum([len(value) for _, value in items]) > _REMEMBERED_CHARACTERS:
        return _read(items, container, tuple(dialects))
    return _remember(items, container, tuple(dialects))


def _read(
    items: Sequence[tuple[str, str]], container: str, dialects: Sequence[Dialect]
) -> Request:
    values = dict(items)
    reading = _Reading()
    for dialect in dialects:
        own = [key for key in values if key.startswith(dialect.prefix)]
        for key in dialect.select(own, container):
            reading.add(dialect, key, values[key])
    return reading.request()


# The pods of a workload ask for the same in the same words.
_remember = lru_cache(maxsize=_REMEMBERED)(_read)


class _Reading:
    """The devices and the problems found so far."""

    def __init__(self) -> None:
        self._sources: dict[str, tuple[str, ...]] = {}
        self._problems: list[str] = []
        self._names = 0

    def add(self, dialect: Dialect, key: str, value: str) -> None:
        try:
            names = dialect.names(key, value)
        except InvalidNameError as error:
            self._note(key, str(error))
            return
        self._names += len(names)
        if self._names > MAX_NAMES:
            self._note(
                key, f"with it the container requests more than {MAX_NAMES} names"
            )
            raise self._error()
        for position, name in enumerate(names, 1):
            self._add_name(key, name, f"name {position} of {len(names)}")

    def request(self) -> Request:
        if self._problems:
            raise self._error()
        if not self._sources:
            return NO_REQUEST
        return Request(
            devices=tuple(self._sources), sources=MappingProxyType(self._sources)
        )

    def _add_name(self, key: str, name: str, position: str) -> None:
        if not name:
            self._note(key, f"{position} is empty: there is a comma too many")
            return
        try:
            device = str(parse_qualified_name(name))
        except InvalidNameError as error:
            self._note(key, str(error))
            return
        sources = self._sources.get(device, ())
        if key not in sources:
            self._sources[device] = (*sources, key)

    def _note(self, key: str, problem: str) -> None:
        self._problems.append(f"annotation {key[:_MAX_KEY]!r}: {problem}")

    def _error(self) -> AnnotationError:
        shown = self._problems[:MAX_PROBLEMS]
        more = len(self._problems) - len(shown)
        return AnnotationError(
            "; ".join(shown) + (f"; and {more} more" if more else "")
        )
