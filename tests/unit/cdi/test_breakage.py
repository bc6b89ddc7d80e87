"""A valid spec that is broken in one place has one error: of that rule, at that place.

The place is a pointer, and the line and the column where its key, or the item of a
list, starts. What is missing stands where the mapping does that lacks it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nri_cdi.cdi.editrules import INT64, MAX_CLOS_ID, UINT32
from nri_cdi.cdi.plain import to_plain
from nri_cdi.cdi.pointers import at_index, at_key
from nri_cdi.cdi.reading import parse_spec
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.syntax import place_of
from nri_cdi.cdi.yamltext import to_yaml
from nri_cdi.errors import SpecError
from tests.unit.cdi.strategies import full_specs
from tests.unit.cdi.test_plain import SPEC

Place: TypeAlias = tuple[str | int, ...]
"""The keys and indices that lead to a value."""


class _Step:
    """A step that stands for several, or for the lack of a value."""


EVERY = _Step()
"""Each item of a list."""

ANOTHER = _Step()
"""One more item at the end of a list."""

MISSING = _Step()
"""Instead of a value: none, where there was one."""

Pattern: TypeAlias = tuple[str | _Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakage:
    """A value that breaks ``rule`` in each place that ``pattern`` leads to.

    It may be made of the value of the list or the mapping that it is put into. The
    error is at the place itself, or at what ``field`` names in it.
    """

    pattern: Pattern
    value: Any
    rule: Rule
    field: str = ""


def _breakages() -> Iterator[Breakage]:
    for pattern, values, rule in (*_of_specs(), *_of_edits()):
        for value in values:
            yield Breakage(pattern=pattern, value=value, rule=rule)
    for pattern in MAPPINGS:
        yield Breakage(
            pattern=(*pattern, "unknownField"), value=1, rule=Rule.UNKNOWN_FIELD
        )
    yield from _duplicates()


Row: TypeAlias = tuple[Pattern, tuple[Any, ...], Rule]

DEVICE: Pattern = ("devices", EVERY)
EDITS: tuple[Pattern, ...] = (("containerEdits",), (*DEVICE, "containerEdits"))
LISTS = ("deviceNodes", "netDevices", "hooks", "mounts")
MAPPINGS: tuple[Pattern, ...] = (
    (),
    DEVICE,
    *EDITS,
    *((*edits, name, EVERY) for edits in EDITS for name in LISTS),
    *((*edits, "intelRdt") for edits in EDITS),
)


def _of_specs() -> Iterator[Row]:
    yield ("cdiVersion",), (MISSING, None, "", "1.2.0", "V1.1.0"), Rule.UNKNOWN_VERSION
    yield ("cdiVersion",), ("1.0.0", "0.1.0", "v0.7.0"), Rule.VERSION_TOO_LOW
    yield ("kind",), (MISSING, "", "vendor", "a/b/c", "1/a", "a/b-"), Rule.INVALID_KIND
    yield ("devices",), (MISSING, None, []), Rule.NO_DEVICES
    yield ("cdiVersion",), ([], {}), Rule.WRONG_TYPE
    yield ("kind",), ([], {}), Rule.WRONG_TYPE
    yield ("devices",), ("x", {}, 1), Rule.WRONG_TYPE
    yield ("containerEdits",), ("x", [], True), Rule.WRONG_TYPE
    yield DEVICE, (None,), Rule.NULL_ITEM
    yield DEVICE, ("x", [], 1.5), Rule.WRONG_TYPE
    yield (*DEVICE, "name"), ([], {}), Rule.WRONG_TYPE
    yield (
        (*DEVICE, "name"),
        (MISSING, None, "", "-a", "a b", "a/b", "a:", "\0"),
        Rule.INVALID_DEVICE_NAME,
    )
    yield (*DEVICE, "containerEdits"), (MISSING, None, {}), Rule.EMPTY_EDITS
    yield (*DEVICE, "containerEdits"), ("x", [], 1), Rule.WRONG_TYPE
    for owner in ((), DEVICE):
        annotations: Pattern = (*owner, "annotations")
        yield annotations, ("x", [], 1), Rule.WRONG_TYPE
        yield (*annotations, "key"), ([], {}), Rule.WRONG_TYPE
        for key in ("", "bad key", "/a", "a/", "_/a", "x" * 64):
            yield (*annotations, key), ("x",), Rule.INVALID_ANNOTATION_KEY


def _of_edits() -> Iterator[Row]:
    for edits in EDITS:
        for name in ("env", "additionalGids", *LISTS):
            yield (*edits, name), ("x", {}, 1), Rule.WRONG_TYPE
            yield (*edits, name, EVERY), (None,), Rule.NULL_ITEM
            yield (*edits, name, EVERY), ([],), Rule.WRONG_TYPE
        yield (*edits, "env", EVERY), ("", "A", "=a", 1), Rule.INVALID_ENV
        yield (*edits, "env", EVERY), ("A=\0",), Rule.NUL_CHARACTER
        gid = (*edits, "additionalGids", EVERY)
        yield gid, (-1, UINT32.stop), Rule.OUT_OF_RANGE
        yield gid, ("5", 5.5, True), Rule.WRONG_TYPE
        yield from _of_nodes((*edits, "deviceNodes", EVERY))
        yield from _of_net_devices((*edits, "netDevices", EVERY))
        yield from _of_hooks((*edits, "hooks", EVERY))
        yield from _of_mounts((*edits, "mounts", EVERY))
        yield from _of_intel_rdt((*edits, "intelRdt"))


def _of_nodes(node: Pattern) -> Iterator[Row]:
    yield (*node, "path"), (MISSING, None, ""), Rule.EMPTY_PATH
    yield (*node, "path"), ("\0",), Rule.NUL_CHARACTER
    yield (*node, "hostPath"), ("/\0",), Rule.NUL_CHARACTER
    yield (*node, "type"), ("x", "C", "bc", " "), Rule.INVALID_DEVICE_TYPE
    yield (*node, "permissions"), ("x", "R", "nonenone"), Rule.INVALID_PERMISSIONS
    for name in ("path", "hostPath", "type", "permissions"):
        yield (*node, name), ([], {}), Rule.WRONG_TYPE
    for name in ("major", "minor"):
        yield (*node, name), (INT64.stop,), Rule.OUT_OF_RANGE
    for name in ("fileMode", "uid", "gid"):
        yield (*node, name), (-1, UINT32.stop), Rule.OUT_OF_RANGE
    for name in ("major", "minor", "fileMode", "uid", "gid"):
        yield (*node, name), ("1", 1.5, True, []), Rule.WRONG_TYPE


def _of_net_devices(net_device: Pattern) -> Iterator[Row]:
    for name in ("hostInterfaceName", "name"):
        yield (*net_device, name), (MISSING, None, ""), Rule.EMPTY_INTERFACE_NAME
        yield (*net_device, name), ("eth\0",), Rule.NUL_CHARACTER
        yield (*net_device, name), ([],), Rule.WRONG_TYPE


def _of_hooks(hook: Pattern) -> Iterator[Row]:
    yield (*hook, "hookName"), (MISSING, None, "", "stop"), Rule.INVALID_HOOK_NAME
    yield (*hook, "path"), (MISSING, None, ""), Rule.EMPTY_PATH
    yield (*hook, "path"), ("\0",), Rule.NUL_CHARACTER
    yield (*hook, "timeout"), (INT64.stop,), Rule.OUT_OF_RANGE
    yield (*hook, "timeout"), ("5s", 0.5, []), Rule.WRONG_TYPE
    for name in ("args", "env"):
        yield (*hook, name), ("x", {}), Rule.WRONG_TYPE
        yield (*hook, name, EVERY), (None,), Rule.NULL_ITEM
        yield (*hook, name, EVERY), ([],), Rule.WRONG_TYPE
        yield (*hook, name, EVERY), ("A=\0",), Rule.NUL_CHARACTER
    yield (*hook, "env", EVERY), ("A",), Rule.INVALID_ENV


def _of_mounts(mount: Pattern) -> Iterator[Row]:
    for name in ("hostPath", "containerPath"):
        yield (*mount, name), (MISSING, None, ""), Rule.EMPTY_PATH
        yield (*mount, name), ("\0",), Rule.NUL_CHARACTER
        yield (*mount, name), ([],), Rule.WRONG_TYPE
    yield (*mount, "type"), ("\0",), Rule.NUL_CHARACTER
    yield (*mount, "type"), ([],), Rule.WRONG_TYPE
    yield (*mount, "options"), ("ro", {}), Rule.WRONG_TYPE
    yield (*mount, "options", EVERY), (None,), Rule.NULL_ITEM
    yield (*mount, "options", EVERY), ("\0",), Rule.NUL_CHARACTER


def _of_intel_rdt(rdt: Pattern) -> Iterator[Row]:
    yield rdt, ("x", [], 1), Rule.WRONG_TYPE
    bad_names = (".", "..", "a/b", "a\n", "\0", "x" * (MAX_CLOS_ID + 1))
    yield (*rdt, "closID"), bad_names, Rule.INVALID_CLOS_ID
    for name in ("closID", "l3CacheSchema", "memBwSchema"):
        yield (*rdt, name), ([], {}), Rule.WRONG_TYPE
    yield (*rdt, "schemata"), ("x", {}), Rule.WRONG_TYPE
    yield (*rdt, "schemata", EVERY), (None,), Rule.NULL_ITEM
    yield (*rdt, "enableMonitoring"), ("true", 1, []), Rule.WRONG_TYPE
    for name in ("enableCMT", "enableMBM"):
        yield (*rdt, name), (True,), Rule.REMOVED_FIELD


def _duplicates() -> Iterator[Breakage]:
    yield Breakage(
        pattern=("devices", ANOTHER),
        value=lambda devices: {**devices[0], "containerEdits": {"intelRdt": {}}},
        rule=Rule.DUPLICATE_DEVICE,
        field="name",
    )
    for edits in EDITS:
        for name, other in (
            ("hostInterfaceName", "name"),
            ("name", "hostInterfaceName"),
        ):
            yield Breakage(
                pattern=(*edits, "netDevices", ANOTHER),
                value=_another_interface(name, other),
                rule=Rule.DUPLICATE_INTERFACE,
                field=name,
            )


def _another_interface(name: str, other: str) -> Callable[[Any], Any]:
    return lambda devices: {name: devices[0][name], other: "another"}


BREAKAGES = tuple(_breakages())

WHOLE = to_plain(SPEC)
for _edits in (WHOLE["containerEdits"], WHOLE["devices"][0]["containerEdits"]):
    _edits["intelRdt"]["schemata"] = ["L3:0=f", "L3:1=f"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A document that is broken, and the same with a mark where its error is."""

    value: Any
    marked: Any
    pointer: str


MARK = "MARK_OF_THE_PLACE"


def _places(value: Any, pattern: Pattern) -> Iterator[Place]:
    """Every place in ``value`` that ``pattern`` leads to; its last step may be new."""
    step, *rest = pattern
    steps: Any = [step]
    if step is EVERY:
        steps = range(len(value))
    elif step is ANOTHER:
        steps = [len(value)]
    for each in steps:
        if not rest:
            yield (each,)
            continue
        if isinstance(value, list) or each in value:
            for inner in _places(value[each], tuple(rest)):
                yield (each, *inner)


def _holder(value: Any, place: Place) -> Any:
    """The list or the mapping that has the last step of ``place``."""
    for step in place[:-1]:
        value = value[step]
    return value


def _put(holder: Any, step: Any, value: Any) -> None:
    if value is MISSING:
        del holder[step]
    elif isinstance(holder, list):
        holder[step : step + 1] = [value]
    else:
        holder[step] = value


def _mark(value: Any, place: Place) -> None:
    """Put the mark where ``place`` starts: in place of its key, or of its item."""
    holder = _holder(value, place)
    if isinstance(holder, list):
        _put(holder, place[-1], MARK)
        return
    items = list(holder.items())
    holder.clear()
    holder.update((MARK if key == place[-1] else key, item) for key, item in items)


def _pointer(place: Place) -> str:
    pointer = ""
    for step in place:
        at = at_index if isinstance(step, int) else at_key
        pointer = at(pointer, step)  # type: ignore[arg-type]  # by the step's type
    return pointer


def broken(plain: Any, breakage: Breakage, place: Place) -> Broken:
    """``plain`` with ``breakage`` in ``place``."""
    value = copy.deepcopy(plain)
    holder = _holder(value, place)
    new = breakage.value
    _put(holder, place[-1], new(holder) if callable(new) else new)
    error_at = (*place, breakage.field) if breakage.field else place
    marked = copy.deepcopy(value)
    if breakage.value is not MISSING:
        _mark(marked, error_at)
    elif len(place) > 1:
        _mark(marked, place[:-1])
    else:
        marked = MARK
    return Broken(value=value, marked=marked, pointer=_pointer(error_at))


def _json(value: Any) -> str:
    return json.dumps(value, indent=1)


def _minified_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _yaml_with_marks(value: Any) -> str:
    return f"---\r\n{to_yaml(value)}"


WRITERS: tuple[Callable[[Any], str], ...] = (
    to_yaml,
    _json,
    _minified_json,
    _yaml_with_marks,
)


def _check(case: Broken, rule: Rule, write: Callable[[Any], str]) -> None:
    text, marked = write(case.value), write(case.marked)
    with pytest.raises(SpecError) as caught:
        parse_spec(text.encode(), "f")
    found = [
        (problem.rule, problem.pointer, (problem.line, problem.column))
        for problem in caught.value.problems
    ]
    start = marked.index(MARK)
    # A string of JSON starts with its quote.
    start -= marked[start - 1] == '"'
    assert found == [(rule, case.pointer, place_of(marked, start))]


@pytest.mark.parametrize("share", range(len(WRITERS)))
def test_every_breakage_of_every_place_is_named(share: int) -> None:
    # Each in one kind of text, in turn: all in all would take seconds.
    write = WRITERS[share]
    for breakage in BREAKAGES[share :: len(WRITERS)]:
        places = list(_places(WHOLE, breakage.pattern))
        assert places, breakage
        for place in places:
            _check(broken(WHOLE, breakage, place), breakage.rule, write)


def test_every_field_is_broken() -> None:
    def fields(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from value
            value = [item for key, item in value.items() if key != "annotations"]
        if isinstance(value, list):
            for item in value:
                yield from fields(item)

    broken_fields = {breakage.pattern[-1] for breakage in BREAKAGES}
    assert set(fields(WHOLE)) <= broken_fields


@settings(
    max_examples=30,
    # The specs are large, for each is to have a place of every kind.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    full_specs.map(to_plain),
    st.sampled_from(BREAKAGES),
    st.sampled_from(WRITERS),
    st.data(),
)
def test_any_spec_that_is_broken_in_one_place_has_one_error_there(
    plain: Any,
    breakage: Breakage,
    write: Callable[[Any], str],
    data: st.DataObject,
) -> None:
    places = list(_places(plain, breakage.pattern))
    if places:
        place = data.draw(st.sampled_from(places))
        _check(broken(plain, breakage, place), breakage.rule, write)
