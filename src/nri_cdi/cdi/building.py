"""From plain values to the values of ``model``: mappings, field by field.

What can't be converted is reported and replaced by an empty value, so that the places
of all that follows are right. The result is good only if nothing was reported.

Source: sigs.k8s.io/yaml and Go's encoding/json, which match the case of keys loosely.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, make_dataclass
from dataclasses import fields as dataclass_fields
from types import MappingProxyType
from typing import Any, TypeAlias

from nri_cdi.cdi.pointers import at_index, at_key
from nri_cdi.cdi.problems import ProblemLog
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.scalars import describe
from nri_cdi.cdi.version import LEGACY_RDT_VERSIONS
from nri_cdi.errors import Problem
from nri_cdi.folding import fold
from nri_cdi.quoting import MAX_QUOTED, quoted

Place: TypeAlias = "tuple[Place, str | int] | None"
"""Where a value is: the place around it, and its key or index; None is the root."""

Convert: TypeAlias = "Callable[[Builder, Any, Place], Any]"

Fields: TypeAlias = "Mapping[str, tuple[str, type | None, Convert]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A mapping of the spec: what it becomes, and how each of its fields does.

    ``fields`` has, by a field's name, its attribute, the type of a value that is taken
    as it is, and the converter of others. Fields in ``removed`` were some once; they
    and ``by_folded_name`` have folded names.
    """

    model: type
    draft: type
    fields: Fields
    names: frozenset[str]
    by_folded_name: Mapping[str, str]
    removed: Mapping[str, str]


def shape_of(
    model: type,
    fields: Fields,
    removed: Mapping[str, str] = MappingProxyType({}),
) -> Shape:
    return Shape(
        model=model,
        draft=_draft_of(model),
        fields=fields,
        names=frozenset(fields),
        by_folded_name={fold(name): name for name in fields},
        removed=removed,
    )


def _draft_of(model: type) -> type:
    """The same class, but not frozen, and with an empty text where ``model`` wants one.

    To make a draft and declare it frozen afterwards takes a third of the time of
    making a frozen value, which is nearly half of what building a large spec takes.
    """
    members = [
        (member.name, Any, _optional(member)) for member in dataclass_fields(model)
    ]
    return make_dataclass(f"{model.__name__}Draft", members, slots=True, kw_only=True)


def _optional(member: Field[Any]) -> Any:
    if member.default_factory is not MISSING:
        return field(default_factory=member.default_factory)
    return "" if member.default is MISSING else member.default


class Builder:
    """Makes the values of one document, and keeps what it finds wrong with them."""

    def __init__(self) -> None:
        self.problems = ProblemLog()
        self.warnings = ProblemLog()
        self._removed: list[tuple[Place, str]] = []
        # Equal ones become one: a large spec repeats most of them.
        self.words: dict[str, str] = {}
        self.lists: dict[tuple[str, ...], tuple[str, ...]] = {}

    def make(self, shape: Shape, value: Any, place: Place) -> Any:
        """The value of ``shape``; null makes an empty one."""
        attributes = {}
        if type(value) is dict:
            if not shape.names.issuperset(value):
                value = self._with_exact_names(shape, value, place)
            fields = shape.fields
            for name, item in value.items():
                attribute, plain, convert = fields[name]
                if type(item) is not plain:
                    item = convert(self, item, (place, name))
                attributes[attribute] = item
        elif value is not None:
            self.wrong_type("a mapping", value, place)
        made = shape.draft(**attributes)
        made.__class__ = shape.model
        return made

    def null_items(self, expected: str, items: list[Any], place: Place) -> None:
        """Report the items that are null, which no list of the spec may have."""
        for index, item in enumerate(items):
            if item is None:
                message = f"expected {expected}, got null"
                self._report(Rule.NULL_ITEM, message, (place, index))

    def wrong_type(
        self, expected: str, value: Any, place: Place, shown: str | None = None
    ) -> None:
        """Report a value that is not ``expected``; ``shown`` is what to call it."""
        got = shown or (repr(value) if type(value) is float else describe(value))
        self._report(Rule.WRONG_TYPE, f"expected {expected}, got {got}", place)

    def judge_removed(self, cdi_version: str) -> None:
        """Accept fields that ``cdi_version`` had, and refuse them in other versions."""
        log, hint = self.problems, "enableMonitoring took its place in 1.1.0"
        if cdi_version.removeprefix("v") in LEGACY_RDT_VERSIONS:
            log, hint = self.warnings, f"it has no effect; {hint}"
        for place, name in self._removed:
            message = f"{name} is not a field of the CDI spec any more; {hint}"
            log.add(_problem(Rule.REMOVED_FIELD, message, (place, name)))

    def _with_exact_names(
        self, shape: Shape, value: dict[str, Any], place: Place
    ) -> dict[str, Any]:
        """``value`` with its keys spelled as the fields are, less those it can't have.

        Of keys that are one field, the last in the order of code points counts: the
        reference decodes them in that order.
        """
        spellings: dict[str, list[str]] = {}
        for key in value:
            folded = fold(key)
            name = shape.by_folded_name.get(folded)
            if name is not None:
                spellings.setdefault(name, []).append(key)
            elif folded in shape.removed:
                self._removed_field(value[key], (place, shape.removed[folded]))
            else:
                self._unknown_field(shape, key, place)
        for name, keys in spellings.items():
            if len(keys) > 1:
                message = f"{name} is given {len(keys)} times; {max(keys)!r} counts"
                problem = _problem(Rule.REPEATED_FIELD, message, (place, name))
                self.warnings.add(problem)
        return {name: value[max(keys)] for name, keys in spellings.items()}

    def _removed_field(self, value: Any, place: tuple[Place, str]) -> None:
        if value is not None and type(value) is not bool:
            self.wrong_type("a boolean", value, place)
        self._removed.append(place)

    def _unknown_field(self, shape: Shape, key: str, place: Place) -> None:
        if self.problems.is_full:
            return
        import difflib  # few specs need it

        near = difflib.get_close_matches(key[:MAX_QUOTED], shape.fields)
        if near:
            hint = f"did you mean {' or '.join(near)}?"
        else:
            hint = f"expected one of {', '.join(shape.fields)}"
        message = f"unknown field {quoted(key)}; {hint}"
        self._report(Rule.UNKNOWN_FIELD, message, (place, key))

    def _report(self, rule: Rule, message: str, place: Place) -> None:
        self.problems.add(_problem(rule, message, place))


def _problem(rule: Rule, message: str, place: Place) -> Problem:
    return Problem(rule=rule, message=message, pointer=_pointer(place))


def _pointer(place: Place) -> str:
    if place is None:
        return ""
    outer, step = place
    at = _pointer(outer)
    return at_index(at, step) if isinstance(step, int) else at_key(at, step)
