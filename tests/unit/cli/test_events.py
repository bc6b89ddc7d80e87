"""What each event of a change says, to people and to programs."""

from __future__ import annotations

from typing import Any

import pytest

from nri_cdi.cdi.change import difference
from nri_cdi.cdi.model import ContainerEdits, Device, Spec
from nri_cdi.cdi.registry import (
    BrokenFile,
    Registry,
    SpecFile,
    build_registry,
    register,
)
from nri_cdi.cli.events import events
from nri_cdi.errors import Problem, SpecError

FIRST = Problem(rule="syntax", message="bad", pointer="a", line=2, column=3)
SECOND = Problem(rule="no-devices", message="worse")
FIRST_PLAIN = {
    "rule": "syntax",
    "message": "bad",
    "line": 2,
    "column": 3,
    "pointer": "a",
}
SECOND_PLAIN = {
    "rule": "no-devices",
    "message": "worse",
    "line": None,
    "column": None,
    "pointer": "",
}


def spec(path: str, *warnings: Problem, priority: int = 0, env: str = "1") -> SpecFile:
    edits = ContainerEdits(env=(f"E={env}",))
    device = Device(name="a", container_edits=edits)
    made = Spec(cdi_version="0.3.0", kind="v.com/c", devices=(device,))
    return register(path, priority, made, warnings)


def broken(path: str, *problems: Problem) -> BrokenFile:
    return BrokenFile(path=path, priority=0, error=SpecError(path, problems))


NOTHING = build_registry(())
ONE = build_registry([spec("/x")])
TWO = build_registry([spec("/x"), spec("/y")])
UNLISTABLE = build_registry((), dir_errors={"/d": "permission denied"})
BROKEN = build_registry([broken("/x", FIRST, SECOND)])
NAME = "v.com/c=a"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            NOTHING,
            ONE,
            [
                {
                    "event": "added",
                    "device": NAME,
                    "spec": "/x",
                    "message": "added v.com/c=a (/x)",
                }
            ],
        ),
        (
            ONE,
            NOTHING,
            [
                {
                    "event": "removed",
                    "device": NAME,
                    "spec": "/x",
                    "message": "removed v.com/c=a (/x)",
                }
            ],
        ),
        (
            ONE,
            build_registry([spec("/y")]),
            [
                {
                    "event": "changed",
                    "device": NAME,
                    "spec": "/y",
                    "message": "changed v.com/c=a (/y)",
                }
            ],
        ),
        (
            NOTHING,
            TWO,
            [
                {
                    "event": "conflict",
                    "device": NAME,
                    "paths": ["/x", "/y"],
                    "message": "conflict v.com/c=a: nobody gets it, defined by /x "
                    "and by /y",
                }
            ],
        ),
        (
            TWO,
            NOTHING,
            [
                {
                    "event": "settled",
                    "device": NAME,
                    "message": "settled v.com/c=a: not in conflict any more",
                }
            ],
        ),
        (
            build_registry([spec("/top", priority=1)]),
            build_registry([spec("/top", priority=1), spec("/x")]),
            [
                {
                    "event": "shadowed",
                    "device": NAME,
                    "spec": "/top",
                    "paths": ["/x"],
                    "message": "shadowed v.com/c=a: in vain in /x, defined by /top",
                }
            ],
        ),
        (
            build_registry([spec("/t", priority=1), spec("/u", priority=1)]),
            build_registry(
                [spec("/t", priority=1), spec("/u", priority=1), spec("/x"), spec("/y")]
            ),
            [
                {
                    "event": "shadowed",
                    "device": NAME,
                    "spec": None,
                    "paths": ["/x", "/y"],
                    "message": "shadowed v.com/c=a: in vain in /x and in /y, "
                    "defined by /t and by /u",
                }
            ],
        ),
        (
            NOTHING,
            BROKEN,
            [
                {
                    "event": "broken",
                    "path": "/x",
                    "problems": [FIRST_PLAIN, SECOND_PLAIN],
                    "message": "broken /x:2:3: a: bad (and 1 more)",
                }
            ],
        ),
        (
            build_registry([broken("/x", SECOND), spec("/y")]),
            build_registry([spec("/x", priority=1), spec("/y", priority=1)]),
            [
                {
                    "event": "mended",
                    "path": "/x",
                    "message": "mended /x: is fine again",
                },
                {
                    "event": "conflict",
                    "device": NAME,
                    "paths": ["/x", "/y"],
                    "message": "conflict v.com/c=a: nobody gets it, defined by /x "
                    "and by /y",
                },
                {
                    "event": "removed",
                    "device": NAME,
                    "spec": "/y",
                    "message": "removed v.com/c=a (/y)",
                },
            ],
        ),
        (
            BROKEN,
            NOTHING,
            [
                {
                    "event": "gone",
                    "path": "/x",
                    "message": "gone /x: was broken, and is gone",
                }
            ],
        ),
        (
            ONE,
            build_registry([spec("/x", SECOND)]),
            [
                {
                    "event": "warned",
                    "path": "/x",
                    "problems": [SECOND_PLAIN],
                    "message": "warned /x: worse",
                }
            ],
        ),
        (
            NOTHING,
            UNLISTABLE,
            [
                {
                    "event": "unlistable",
                    "path": "/d",
                    "message": "unlistable /d: can't be listed: permission denied",
                }
            ],
        ),
        (
            UNLISTABLE,
            NOTHING,
            [
                {
                    "event": "listable",
                    "path": "/d",
                    "message": "listable /d: can be listed again, or is gone",
                }
            ],
        ),
        (ONE, build_registry([spec("/x")]), []),
    ],
)
def test_each_thing_that_happened_is_an_event(
    before: Registry, after: Registry, expected: list[dict[str, Any]]
) -> None:
    found = [event.plain() for event in events(difference(before, after))]
    assert found == expected


def test_whatever_is_news_is_an_event() -> None:
    registries = (NOTHING, ONE, TWO, UNLISTABLE, BROKEN)
    for before in registries:
        for after in registries:
            change = difference(before, after)
            assert bool(list(events(change))) is change.has_news


def test_only_what_cannot_be_used_is_trouble() -> None:
    change = difference(ONE, build_registry([*TWO.specs, broken("/z", FIRST)]))
    found = {event.event: event.is_trouble for event in events(change)}
    assert found == {"broken": True, "conflict": True, "removed": False}
