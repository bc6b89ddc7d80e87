"""What a change of the specs means, thing by thing: a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nri_cdi.cdi.change import Change
from nri_cdi.cdi.registry import Registry
from nri_cdi.cli.checking import plain_problem
from nri_cdi.errors import Problem

_TROUBLE = frozenset({"broken", "conflict", "unlistable"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a device, or to a file or directory.

    ``message`` says in a line what the word ``event`` is about, ``device`` is a
    qualified name, and ``facts`` are what a program gets besides.
    """

    event: str
    message: str
    device: str | None = None
    facts: Mapping[str, Any]

    @property
    def is_trouble(self) -> bool:
        """Whether something can't be used that one might count on."""
        return self.event in _TROUBLE

    @property
    def sentence(self) -> str:
        """The message for those who don't see the word beside it."""
        return f"{self.event} {self.message}"

    def plain(self) -> dict[str, Any]:
        """The event as an object for programs."""
        device = {} if self.device is None else {"device": self.device}
        return {"event": self.event, **device, **self.facts, "message": self.sentence}


def events(change: Change) -> Iterator[Event]:
    """What happened: to files and directories first, as that is why devices change."""
    yield from _of_directories(change)
    yield from _of_files(change)
    yield from _of_names(change)
    yield from _of_devices(change)


def _of_directories(change: Change) -> Iterator[Event]:
    for path, reason in change.dir_errors.items():
        message = f"{path}: can't be listed: {reason}"
        yield Event(event="unlistable", message=message, facts={"path": path})
    for path in change.listable:
        message = f"{path}: can be listed again, or is gone"
        yield Event(event="listable", message=message, facts={"path": path})


def _of_files(change: Change) -> Iterator[Event]:
    for error in change.broken:
        yield _with_problems("broken", error.path, error.problems, error.lines()[0])
    loaded = {file.path for file in change.after.specs}
    for path in change.mended:
        if path in loaded:
            message = f"{path}: is fine again"
            yield Event(event="mended", message=message, facts={"path": path})
        else:
            message = f"{path}: was broken, and is gone"
            yield Event(event="gone", message=message, facts={"path": path})
    for path, problems in change.warnings.items():
        yield _with_problems("warned", path, problems, f"{path}: {problems[0]}")


def _with_problems(
    event: str, path: str, problems: tuple[Problem, ...], line: str
) -> Event:
    more = f" (and {len(problems) - 1} more)" if problems[1:] else ""
    facts = {"path": path, "problems": [plain_problem(problem) for problem in problems]}
    return Event(event=event, message=line + more, facts=facts)


def _of_names(change: Change) -> Iterator[Event]:
    for name, paths in change.conflicts.items():
        yield Event(
            event="conflict",
            message=f"{name}: nobody gets it, defined by {' and by '.join(paths)}",
            device=name,
            facts={"paths": list(paths)},
        )
    for name in change.settled:
        message = f"{name}: not in conflict any more"
        yield Event(event="settled", message=message, device=name, facts={})
    for name, paths in change.shadowed.items():
        winner = change.after.devices.get(name)
        spec = None if winner is None else winner.path
        by = spec or " and by ".join(change.after.conflicts[name])
        yield Event(
            event="shadowed",
            message=f"{name}: in vain in {' and in '.join(paths)}, defined by {by}",
            device=name,
            facts={"spec": spec, "paths": list(paths)},
        )


def _of_devices(change: Change) -> Iterator[Event]:
    for event, names, registry in (
        ("removed", change.removed, change.before),
        ("changed", change.changed, change.after),
        ("added", change.added, change.after),
    ):
        for name in names:
            yield _of_device(event, name, registry)


def _of_device(event: str, name: str, registry: Registry) -> Event:
    path = registry.devices[name].path
    message = f"{name} ({path})"
    return Event(event=event, message=message, device=name, facts={"spec": path})
