from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi._pb.nri.api_pb2 import LinuxDeviceCgroup, LinuxResources
from nri_cdi.nri.deviceaccess import (
    ALL_ACCESS,
    MKNOD,
    READ,
    READ_WRITE,
    WRITE,
    DeviceNumber,
    access_letters,
    correct_access,
    granted_access,
    parse_access,
)

NULL = ("c", 1, 3)


def rule(
    text: str, *, allow: bool, major: int | None = None, minor: int | None = None
) -> LinuxDeviceCgroup:
    """A rule from the way the kernel writes it, ``type access``."""
    type_, _, access = text.partition(" ")
    made = LinuxDeviceCgroup(allow=allow, type=type_, access=access)
    if major is not None:
        made.major.value = major
    if minor is not None:
        made.minor.value = minor
    return made


@pytest.mark.parametrize(
    ("letters", "access"),
    [
        ("", 0),
        ("none", 0),
        ("r", READ),
        ("w", WRITE),
        ("m", MKNOD),
        ("rw", READ_WRITE),
        ("mwr", ALL_ACCESS),
        ("rrw", READ_WRITE),
        ("x", 0),
    ],
)
def test_letters_name_an_access(letters: str, access: int) -> None:
    assert parse_access(letters) == access


def test_an_access_and_its_letters_are_the_same() -> None:
    for access in range(ALL_ACCESS + 1):
        assert parse_access(access_letters(access)) == access


@pytest.mark.parametrize(
    ("rules", "access"),
    [
        ([], 0),
        ([rule("c rw", allow=True, major=1, minor=3)], READ_WRITE),
        ([rule("b rw", allow=True, major=1, minor=3)], 0),
        ([rule("c rw", allow=True, major=2, minor=3)], 0),
        ([rule("c rw", allow=True, major=1, minor=4)], 0),
        ([rule("c rw", allow=True, major=1)], READ_WRITE),
        ([rule("c m", allow=True)], MKNOD),
        ([rule("c r", allow=True, major=-1, minor=-1)], READ),
        ([rule("a rwm", allow=True)], ALL_ACCESS),
        ([rule(" rwm", allow=True)], ALL_ACCESS),
        ([rule("a", allow=True)], ALL_ACCESS),
        ([rule("c", allow=True)], 0),
        ([rule("a rwm", allow=True), rule("a", allow=False)], 0),
        (
            [rule("a rwm", allow=False), rule("c rw", allow=True, major=1, minor=3)],
            READ_WRITE,
        ),
        ([rule("a rwm", allow=True), rule("c w", allow=False)], READ | MKNOD),
        ([rule("c w", allow=False), rule("a rwm", allow=True)], ALL_ACCESS),
    ],
)
def test_rules_count_in_order_for_the_devices_that_they_cover(
    rules: list[LinuxDeviceCgroup], access: int
) -> None:
    assert granted_access(rules, NULL) == access


@pytest.mark.parametrize(
    ("wanted", "automatic", "earlier", "rules"),
    [
        ("rwm", "rw", "", [(True, "m")]),
        ("rw", "rw", "", []),
        ("r", "rw", "", [(False, "w")]),
        ("rm", "rw", "", [(True, "m"), (False, "w")]),
        ("", "rwm", "", [(False, "rwm")]),
        ("", "rwm", "rw", [(False, "m")]),
        ("r", "rw", "rwm", []),
        ("rw", "", "", [(True, "rw")]),
    ],
)
def test_corrections_are_as_few_as_needed(
    wanted: str, automatic: str, earlier: str, rules: list[tuple[bool, str]]
) -> None:
    resources = LinuxResources()
    correct_access(
        resources,
        NULL,
        wanted=parse_access(wanted),
        automatic=parse_access(automatic),
        earlier=parse_access(earlier),
    )
    assert [(added.allow, added.access) for added in resources.devices] == rules
    assert {
        (added.type, added.major.value, added.minor.value)
        for added in resources.devices
    } <= {NULL}


accesses = st.integers(0, ALL_ACCESS)
numbers = st.tuples(st.sampled_from("bc"), st.integers(0, 2), st.integers(0, 2))


@given(number=numbers, wanted=accesses, automatic=accesses, earlier=accesses)
def test_corrected_access_is_what_is_wanted_and_what_was_there(
    number: DeviceNumber, wanted: int, automatic: int, earlier: int
) -> None:
    resources = LinuxResources()
    type_, major, minor = number
    for access in (earlier, automatic):
        added = resources.devices.add(
            allow=True, type=type_, access=access_letters(access)
        )
        added.major.value, added.minor.value = major, minor
    correct_access(
        resources, number, wanted=wanted, automatic=automatic, earlier=earlier
    )
    assert granted_access(resources.devices, number) == wanted | earlier


@given(number=numbers, wanted=accesses, automatic=accesses)
def test_corrections_touch_no_other_device(
    number: DeviceNumber, wanted: int, automatic: int
) -> None:
    resources = LinuxResources()
    correct_access(resources, number, wanted=wanted, automatic=automatic, earlier=0)
    others = set(itertools.product("bc", range(3), range(3))) - {number}
    assert not any(granted_access(resources.devices, other) for other in others)
