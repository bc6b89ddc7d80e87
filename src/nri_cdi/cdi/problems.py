"""Lists of problems: how they are put together, how many, and in what order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from nri_cdi.cdi.pointers import at_index, join
from nri_cdi.cdi.rules import Rule
from nri_cdi.errors import Problem

if TYPE_CHECKING:
    from nri_cdi.cdi.syntax import Position

MAX_PROBLEMS = 1000
"""Problems that are looked for in one document. A file that is not a spec at all may
have millions, and nobody reads more than these."""


_Item = TypeVar("_Item")
_AnyProblem = TypeVar("_AnyProblem", bound=Problem)


class ProblemLog(list[Problem]):
    """Problems in the order found; beyond one too many, further ones are dropped."""

    @property
    def is_full(self) -> bool:
        """Whether there are more problems than will be reported."""
        return len(self) > MAX_PROBLEMS

    def add(self, item: Problem) -> None:
        """Take note of a problem, if there is room."""
        if not self.is_full:
            self.append(item)


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sorted by place in the file, at most MAX_PROBLEMS, with a note if there are more.

    Problems without a line come last, in the order given.
    """
    ordered = sorted(problems, key=by_place)
    if len(ordered) <= MAX_PROBLEMS:
        return tuple(ordered)
    more = Problem(
        rule=Rule.TOO_MANY_PROBLEMS,
        message=f"there are over {MAX_PROBLEMS} problems; the others are left out",
    )
    return (*ordered[:MAX_PROBLEMS], more)


def by_place(item: Problem) -> tuple[bool, int, int]:
    """For sorting: in the order of the file; what has no line comes last."""
    return item.line is None, item.line or 0, item.column or 0


def placed(item: _AnyProblem, positions: Mapping[str, Position]) -> _AnyProblem:
    """``item`` with the line and column of its pointer, if it has none yet."""
    position = None if item.line is not None else positions.get(item.pointer)
    if position is None:
        return item
    return replace(item, line=position[0], column=position[1])


def problem(rule: Rule, pointer: str, message: str) -> Problem:
    """A problem without a position."""
    return Problem(rule=rule, message=message, pointer=pointer)


def each(
    field: str, items: Sequence[_Item], check: Callable[[_Item], list[Problem]]
) -> list[Problem]:
    """The problems that ``check`` finds in the items of a list, under its name."""
    found: list[Problem] = []
    for index, item in enumerate(items):
        problems = check(item)
        if problems:
            found += under(at_index(field, index), problems)
            if len(found) > MAX_PROBLEMS:
                break
    return found


def under(pointer: str, problems: Iterable[_AnyProblem]) -> list[_AnyProblem]:
    """``problems`` with ``pointer`` put in front of their places."""
    return [replace(item, pointer=join(pointer, item.pointer)) for item in problems]
