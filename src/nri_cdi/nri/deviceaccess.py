"""What rules of the device cgroup let a container do, and the rules that change it.

Access is a set of letters (r read, w write, m mknod), kept as a bit mask. Rules count
in order: each gives or takes letters for the devices that it covers.

Source: OCI runtime specification, config-linux.md, "Allowed Device list"; NRI
pkg/runtime-tools/generate (the rule that comes with a device, and the order).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

from nri_cdi._pb.nri.api_pb2 import LinuxDeviceCgroup, LinuxResources

# The type (b or c), major and minor of a device.
DeviceNumber = tuple[str, int, int]

READ, WRITE, MKNOD = 1, 2, 4
READ_WRITE = READ | WRITE
ALL_ACCESS = READ | WRITE | MKNOD
_BITS: Mapping[str, int] = MappingProxyType({"r": READ, "w": WRITE, "m": MKNOD})
_LETTERS = tuple(
    "".join(letter for letter, bit in _BITS.items() if access & bit)
    for access in range(ALL_ACCESS + 1)
)

# The rule that the runtime itself adds for each device of an adjustment, whatever the
# device's file mode. Source: NRI pkg/api/device.go, AccessString.
AUTOMATIC_ACCESS: Mapping[str, int] = MappingProxyType(
    {"c": READ_WRITE, "b": ALL_ACCESS}
)

# Stand for both types. Source: OCI runtime specification: "type" defaults to "a".
_BOTH_TYPES = frozenset({"", "a"})


def parse_access(letters: str) -> int:
    """The access that letters name; other characters name none."""
    access = 0
    for letter in letters:
        access |= _BITS.get(letter, 0)
    return access


def access_letters(access: int) -> str:
    """The letters of an access, in the order ``rwm``."""
    return _LETTERS[access]


def granted_access(rules: Iterable[LinuxDeviceCgroup], number: DeviceNumber) -> int:
    """What ``rules``, in their order, let a container do with a device."""
    access = 0
    for rule in rules:
        if _covers(rule, number):
            letters = _letters(rule)
            access = access | letters if rule.allow else access & ~letters
    return access


def correct_access(
    resources: LinuxResources,
    number: DeviceNumber,
    *,
    wanted: int,
    automatic: int,
    earlier: int,
) -> None:
    """Add the rules that turn a device's ``automatic`` access into the ``wanted`` one.

    What ``earlier`` rules gave the container is not for a device to take away.
    """
    missing = wanted & ~automatic
    if missing:
        _add_rule(resources, number, missing, allow=True)
    surplus = automatic & ~wanted & ~earlier
    if surplus:
        _add_rule(resources, number, surplus, allow=False)


def _add_rule(
    resources: LinuxResources, number: DeviceNumber, access: int, *, allow: bool
) -> None:
    rule = resources.devices.add()
    rule.allow = allow
    rule.type, rule.major.value, rule.minor.value = number
    rule.access = access_letters(access)


def _covers(rule: LinuxDeviceCgroup, number: DeviceNumber) -> bool:
    type_, major, minor = number
    return (
        (rule.type == type_ or rule.type in _BOTH_TYPES)
        and (_is_any(rule, "major") or rule.major.value == major)
        and (_is_any(rule, "minor") or rule.minor.value == minor)
    )


def _letters(rule: LinuxDeviceCgroup) -> int:
    # The kernel reads no letters after an "a": such a rule is about all of them.
    return parse_access(rule.access) or (ALL_ACCESS if rule.type in _BOTH_TYPES else 0)


def _is_any(rule: LinuxDeviceCgroup, number: Literal["major", "minor"]) -> bool:
    # An absent number and a negative one both stand for all.
    return not rule.HasField(number) or getattr(rule, number).value < 0
