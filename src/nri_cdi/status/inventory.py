"""The devices of a node as they are shown, one after the other.

To find out what a runtime can't express takes 30 µs a device, so that is kept until the
specs, the runtime or the configuration change. Nothing else is: a search for cyclic
garbage goes through all that is kept, and to let go of a registry with many devices
takes long, and both hold up every thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nri_cdi.adjustment import unsupported_edits
from nri_cdi.cdi.registry import Registry
from nri_cdi.config import Config
from nri_cdi.holders import Holder
from nri_cdi.injection import Injection
from nri_cdi.nri.capabilities import RuntimeInfo
from nri_cdi.policy import matcher
from nri_cdi.status.occupancy import Held, Occupancy


class Lack(NamedTuple):
    """An edit that the runtime can't carry out: its field, and the reason in words."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """A device, the file that defines it, who has it, and how it can be given.

    ``path`` is empty for one that is held and in no spec any more. ``unsupported`` says
    what the runtime can't express of it. Where the device is delegated for that,
    ``delegated`` has the fields of its edits that are the reason.
    """

    name: str
    kind: str
    path: str
    exclusive: bool
    holders: tuple[Held, ...] = ()
    unsupported: tuple[str, ...] = ()
    delegated: tuple[str, ...] = ()


class Inventory:
    """Makes the rows of devices; for one thread at a time."""

    def __init__(self) -> None:
        self._key: object = None
        self._lacks: Mapping[str, tuple[Lack, ...]] = {}

    def rows(
        self,
        config: Config,
        registry: Registry,
        runtime: RuntimeInfo | None,
        holders: Sequence[Holder],
    ) -> Iterator[DeviceRow]:
        """A row for every device: those that are held, the exclusive ones, the others.

        Within these they are in the order of the spec files. One that is held under
        another name alone is not among the first.
        """
        self._look_at(config, registry, runtime)
        is_exclusive = _exclusive(config)
        occupancy = Occupancy(holders, registry, is_exclusive)
        lacks, delegates = self._lacks, _delegates(config, runtime)
        for name in _ordered(registry, occupancy, is_exclusive):
            registered = registry.devices.get(name)
            lacking = lacks.get(name, ())
            fields = tuple(dict.fromkeys(lack.field for lack in lacking))
            exclusive = is_exclusive(name)
            yield DeviceRow(
                name=name,
                kind=name.partition("=")[0],
                path="" if registered is None else registered.path,
                exclusive=exclusive,
                holders=occupancy.of(name, exclusive=exclusive),
                unsupported=tuple(lack.reason for lack in lacking),
                delegated=fields if delegates else (),
            )

    def _look_at(
        self, config: Config, registry: Registry, runtime: RuntimeInfo | None
    ) -> None:
        # Other directories start again at the first generation.
        key = (config.spec_dirs, registry.generation, len(registry.devices), runtime)
        if key != self._key:
            self._lacks = _all_lacks(registry, runtime)
            self._key = key


def _ordered(
    registry: Registry, occupancy: Occupancy, is_exclusive: Callable[[str], bool]
) -> Iterator[str]:
    devices, held = registry.devices, occupancy.names
    yield from (name for name in devices if name in held)
    yield from (name for name in held if name not in devices)
    for wanted in (True, False):
        for name in devices:
            if name not in held and is_exclusive(name) is wanted:
                yield name


def _exclusive(config: Config) -> Callable[[str], bool]:
    if not config.exclusive:
        return lambda _name: False
    return matcher(config.exclusive)


def _delegates(config: Config, runtime: RuntimeInfo | None) -> bool:
    """Whether the runtime gets the names of devices that can't be sent otherwise."""
    if runtime is None or config.injection == Injection.RESOLVE:
        return False
    return runtime.capabilities.delegated_cdi


def _all_lacks(
    registry: Registry, runtime: RuntimeInfo | None
) -> dict[str, tuple[Lack, ...]]:
    """What can't be expressed, of the devices that have such."""
    if runtime is None:
        return {}
    found = ((name, _lacks(name, registry, runtime)) for name in registry.devices)
    return {name: lacks for name, lacks in found if lacks}


def _lacks(name: str, registry: Registry, runtime: RuntimeInfo) -> tuple[Lack, ...]:
    resolution = registry.resolve([name])
    origins = [f"{part.origin}: " for part in resolution.parts]
    reasons = map(str, unsupported_edits(resolution, runtime))
    return tuple(Lack(_field(reason, origins), reason) for reason in reasons)


def _field(reason: str, origins: Sequence[str]) -> str:
    """The field of the edit that a reason is about; it stands behind the origin.

    Without its index: ``additionalGids[2]`` is one of the ``additionalGids``.
    """
    for origin in origins:
        reason = reason.removeprefix(origin)
    return reason.partition(":")[0].partition("[")[0]
