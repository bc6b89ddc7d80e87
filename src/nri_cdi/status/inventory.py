"""The devices of a node as they are shown, one after the other.

To find out what a runtime can't express takes 30 µs a device, so that is kept until the
specs, the runtime or the configuration change. Nothing else is: a search for cyclic
garbage goes through all that is kept, and to let go of a registry with many devices
takes long, and both hold up every thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from nri_cdi.adjustment import unsupported_edits
from nri_cdi.cdi.registry import RegisteredDevice, Registry
from nri_cdi.config import Config
from nri_cdi.errors import RequestError
from nri_cdi.nri.capabilities import RuntimeInfo
from nri_cdi.policy import matcher


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """A device, the file that defines it, and what the runtime can't express of it.

    ``path`` is empty for one that is held and in no spec any more.
    """

    name: str
    kind: str
    path: str
    exclusive: bool
    unsupported: tuple[str, ...] = ()


class Inventory:
    """Makes the rows of devices; for one thread at a time."""

    def __init__(self) -> None:
        self._key: object = None
        self._unsupported: Mapping[str, tuple[str, ...]] = {}

    def rows(
        self,
        config: Config,
        registry: Registry,
        runtime: RuntimeInfo | None,
        held: Collection[str],
    ) -> Iterator[DeviceRow]:
        """A row for every device: those that are held, the exclusive ones, the others.

        Within these they are in the order of the spec files.
        """
        self._look_at(config, registry, runtime)
        devices = registry.devices
        is_exclusive = _exclusive(config)
        for name, registered in devices.items():
            if name in held:
                yield self._row(name, registered, exclusive=is_exclusive(name))
        for name in held:
            if name not in devices:
                yield _lost(name, exclusive=is_exclusive(name))
        for name, registered in devices.items():
            if name not in held and is_exclusive(name):
                yield self._row(name, registered, exclusive=True)
        for name, registered in devices.items():
            if name not in held and not is_exclusive(name):
                yield self._row(name, registered, exclusive=False)

    def _look_at(
        self, config: Config, registry: Registry, runtime: RuntimeInfo | None
    ) -> None:
        # Other directories start again at the first generation.
        key = (config.spec_dirs, registry.generation, len(registry.devices), runtime)
        if key != self._key:
            self._unsupported = _all_unsupported(registry, runtime)
            self._key = key

    def _row(
        self, name: str, registered: RegisteredDevice, *, exclusive: bool
    ) -> DeviceRow:
        return DeviceRow(
            name=name,
            kind=registered.spec.kind,
            path=registered.path,
            exclusive=exclusive,
            unsupported=self._unsupported.get(name, ()),
        )


def _exclusive(config: Config) -> Callable[[str], bool]:
    if not config.exclusive:
        return lambda _name: False
    return matcher(config.exclusive)


def _lost(name: str, *, exclusive: bool) -> DeviceRow:
    kind = name.partition("=")[0]
    return DeviceRow(name=name, kind=kind, path="", exclusive=exclusive)


def _all_unsupported(
    registry: Registry, runtime: RuntimeInfo | None
) -> dict[str, tuple[str, ...]]:
    """What can't be expressed, of the devices that have such."""
    if runtime is None:
        return {}
    found = ((name, _unsupported(name, registry, runtime)) for name in registry.devices)
    return {name: texts for name, texts in found if texts}


def _unsupported(
    name: str, registry: Registry, runtime: RuntimeInfo
) -> tuple[str, ...]:
    try:
        found = unsupported_edits(registry.resolve([name]), runtime)
    except RequestError as error:
        return (str(error),)
    return tuple(map(str, found))
