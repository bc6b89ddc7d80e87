"""What is doubtful about devices that one container asks for together."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from nri_cdi.cdi.edits import Resolution
from nri_cdi.cdi.lint.findings import Finding, finding, limited
from nri_cdi.cdi.lint.host import Host
from nri_cdi.cdi.lint.overlaps import ALL, Label, Overlaps
from nri_cdi.cdi.lint.rules import LintRule, Severity
from nri_cdi.cdi.lint.specs import lint_edits
from nri_cdi.cdi.names import parse_qualified_name


def lint_request(resolution: Resolution) -> list[Finding]:
    """The edits of a request that meet, in the order in which they are applied.

    Findings have no place: their text names both places, each with its file.
    """
    found = _all_and_single(resolution.devices)
    overlaps = Overlaps()
    for part in resolution.parts:
        origin = part.origin
        met = overlaps.add(part.edits, _within(origin), part)
        found += [_with_origin(each, origin) for each in met]
    return list(limited(found))


def request_errors(resolution: Resolution, host: Host) -> list[Finding]:
    """Why a container that got these edits would not work on ``host``.

    Findings have no place, as those of `lint_request`.
    """
    of_parts = (
        _with_origin(each, part.origin)
        for part in resolution.parts
        for each in lint_edits(part.edits, host)
    )
    found = chain(of_parts, lint_request(resolution))
    return list(limited(one for one in found if one.severity is Severity.ERROR))


def _all_and_single(names: tuple[str, ...]) -> list[Finding]:
    found: list[Finding] = []
    for name in names:
        device = parse_qualified_name(name)
        if device.name != ALL:
            continue
        others = [
            other for other in names if other != name and _kind(other) == device.kind
        ]
        if others:
            message = f"{name} has the edits of {others[0]} too; ask for one of them"
            found.append(finding(LintRule.ALL_AND_SINGLE, "", message))
    return found


def _kind(name: str) -> str:
    return name.partition("=")[0]


def _within(origin: str) -> Label:
    return lambda pointer: f"{origin}: {pointer}"


def _with_origin(met: Finding, origin: str) -> Finding:
    message = f"{origin}: {met.pointer}: {met.message}"
    return replace(met, message=message, pointer="")
