"""The difference between two registries, for those who say or do each thing once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from nri_cdi.cdi.registry import RegisteredDevice, Registry
from nri_cdi.errors import Problem, SpecError

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The difference between two registries; false if they are one and the same.

    ``added``, ``removed`` and ``changed`` are the qualified names of devices, sorted:
    those that came to be resolvable, that ceased to be, and that have other edits or
    annotations than before, or come from another file.
    """

    before: Registry
    after: Registry
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.before is not self.after

    @property
    def has_news(self) -> bool:
        """Whether there is anything to tell.

        There is nothing where a file changed and was changed back meanwhile.
        """
        return bool(
            self.added
            or self.removed
            or self.changed
            or self.broken
            or self.mended
            or self.warnings
            or self.conflicts
            or self.settled
            or self.shadowed
            or self.dir_errors
            or self.listable
        )

    @property
    def broken(self) -> tuple[SpecError, ...]:
        """The files that do not load, and did before or failed in another way."""
        return tuple(_news(self.before.errors, self.after.errors).values())

    @property
    def mended(self) -> tuple[str, ...]:
        """The paths of files that did not load before, and now do or are gone."""
        return _gone(self.before.errors, self.after.errors)

    @property
    def warnings(self) -> Mapping[str, tuple[Problem, ...]]:
        """The warnings of files that have others than before, by path."""
        return _news(self.before.warnings, self.after.warnings)

    @property
    def conflicts(self) -> Mapping[str, tuple[str, ...]]:
        """The paths of the files in each conflict that is new or has others in it."""
        return _news(self.before.conflicts, self.after.conflicts)

    @property
    def settled(self) -> tuple[str, ...]:
        """The devices that files were in conflict about, and are not any more."""
        return _gone(self.before.conflicts, self.after.conflicts)

    @property
    def shadowed(self) -> Mapping[str, tuple[str, ...]]:
        """The paths that define a device in vain, where that is new or has others."""
        return _news(self.before.shadowed, self.after.shadowed)

    @property
    def dir_errors(self) -> Mapping[str, str]:
        """Why directories can't be listed that could before, or for another reason."""
        return _news(self.before.dir_errors, self.after.dir_errors)

    @property
    def listable(self) -> tuple[str, ...]:
        """The directories that could not be listed before, and now can or are gone."""
        return _gone(self.before.dir_errors, self.after.dir_errors)


def difference(before: Registry, after: Registry) -> Change:
    """The change between any two registries of one cache, be there others in between.

    A file that did not change is one object in both, so this takes as long as it does
    to go through the files, and through the devices of those that changed.
    """
    old, new = set(map(id, before.specs)), set(map(id, after.specs))
    return compare(
        before,
        after,
        (
            name
            for file in (*before.specs, *after.specs)
            if id(file) not in old or id(file) not in new
            for name in file.devices
        ),
    )


def compare(before: Registry, after: Registry, names: Iterable[str]) -> Change:
    """The change from one registry to the next.

    ``names`` are those that changed files define or defined. What a name resolves to
    hangs on the files that define it alone, so no other name needs to be looked at.
    """
    added, removed, changed = [], [], []
    for name in set(names):
        old, new = before.devices.get(name), after.devices.get(name)
        if old is new:
            continue
        if old is None:
            added.append(name)
        elif new is None:
            removed.append(name)
        elif not _same(old, new):
            changed.append(name)
    return Change(
        before=before,
        after=after,
        added=tuple(sorted(added)),
        removed=tuple(sorted(removed)),
        changed=tuple(sorted(changed)),
    )


def _same(old: RegisteredDevice, new: RegisteredDevice) -> bool:
    return (
        old.path == new.path
        and old.device == new.device
        and old.spec.container_edits == new.spec.container_edits
        and old.spec.annotations == new.spec.annotations
    )


def _news(
    before: Mapping[str, _Value], after: Mapping[str, _Value]
) -> dict[str, _Value]:
    return {key: value for key, value in after.items() if before.get(key) != value}


def _gone(before: Mapping[str, _Value], after: Mapping[str, _Value]) -> tuple[str, ...]:
    return tuple(key for key in before if key not in after)
