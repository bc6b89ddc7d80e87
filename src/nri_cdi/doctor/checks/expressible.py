"""Which devices have edits that the runtime can't carry out."""

from __future__ import annotations

from collections.abc import Iterator

from nri_cdi.doctor.checks.delegation import DELEGATE, can_delegate
from nri_cdi.doctor.facts import Facts
from nri_cdi.doctor.findings import Check, Finding
from nri_cdi.quoting import some


def check_expressible(facts: Facts) -> Iterator[Finding]:
    """The devices that containers on this runtime can't have, or not through NRI."""
    if facts.injection in ("", DELEGATE):
        return
    by_reason: dict[str, list[str]] = {}
    for name, reason in facts.unsupported:
        by_reason.setdefault(_without_device(reason, name), []).append(name)
    for reason, names in by_reason.items():
        yield _finding(facts, some(names), reason)


def _finding(facts: Facts, subject: str, reason: str) -> Finding:
    if can_delegate(facts):
        message = f"{reason}; so the runtime injects it by itself"
        return Check.DELEGATED_EDIT.found(subject, message)
    remedy = "update the runtime, or take the edit out of the spec"
    return Check.UNSUPPORTED_EDIT.found(subject, reason, remedy)


def _without_device(reason: str, name: str) -> str:
    """The reason, without the device, its file and the place in it."""
    head, _, rest = reason.partition("): ")
    if not head.startswith(f"device {name} ("):
        return reason
    return rest.partition(": ")[2] or rest
