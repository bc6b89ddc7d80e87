"""What keeps the devices in the spec directories from containers on this host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from nri_cdi.cdi.lint import Finding as LintFinding
from nri_cdi.cdi.lint import LintRule
from nri_cdi.cdi.lint.onhost import lint_on_host
from nri_cdi.cdi.model import ContainerEdits
from nri_cdi.cdi.registry import Registry
from nri_cdi.doctor.facts import Facts
from nri_cdi.doctor.findings import Check, Finding
from nri_cdi.doctor.pasting import pasted
from nri_cdi.quoting import printable, some

MOST_OF_A_RULE = 5
"""Findings of one rule: a driver that isn't loaded has one for each of its nodes."""

# What mends what lint finds on the host; lint's own messages say what is wrong.
REMEDIES: Mapping[LintRule, str] = {
    LintRule.NODE_MISSING: "load the driver, or remove the device from the spec",
    LintRule.NODE_UNKNOWN: "load the driver, or remove the device from the spec",
    LintRule.NODE_DRIFT: "generate the spec again, or leave out type, major and minor",
    LintRule.MOUNT_SOURCE_MISSING: "install what it is, or generate the spec again",
    LintRule.MOUNTED_DEVICE: "list it in deviceNodes",
    LintRule.HOOK_MISSING: "install the program, or generate the spec again",
    LintRule.HOOK_NOT_EXECUTABLE: "chmod a+x the program",
    LintRule.HOOK_WRITABLE: "chmod o-w the program",
    LintRule.INTERFACE_MISSING: "bring the interface back, or change the spec",
    LintRule.UNCHECKED_PATH: "run nri-cdi doctor as root",
    LintRule.CONFLICTING_DEVICE: "keep the device in one of the files",
}
_BY_ID = {rule.id: remedy for rule, remedy in REMEDIES.items()}


def check_specs(facts: Facts) -> Iterator[Finding]:
    """What is wrong with spec files, directories, and what they need of the host."""
    registry = facts.registry
    for path, reason in registry.dir_errors.items():
        message = f"it can't be listed: {reason}"
        remedy = f"ls -ld {pasted(path)}"
        yield Check.SPEC_DIR_UNREADABLE.found(path, message, remedy)
    for path, error in registry.errors.items():
        first, *others = error.lines()
        more = f" (and {len(others)} more)" if others else ""
        text = first.removeprefix(printable(path)).lstrip(":")
        yield Check.SPEC_BROKEN.found(
            path, f"{text.strip()}{more}", f"nri-cdi validate {pasted(path)}"
        )
    yield from _conflicts(registry)
    if not registry.devices and facts.spec_dirs:
        yield Check.NO_DEVICES.found(
            ", ".join(facts.spec_dirs),
            "there is no device to ask for",
            "write a spec, or have the driver's tool write one",
        )
    yield from _limited(_on_host(facts))


def _conflicts(registry: Registry) -> Iterator[Finding]:
    for name, paths in registry.conflicts.items():
        rule = LintRule.CONFLICTING_DEVICE
        places = some([printable(path) for path in paths])
        yield Finding(
            rule=rule.id,
            severity=rule.severity,
            subject=name,
            message=f"nobody gets it: it is defined more than once, in {places}",
            remedy=REMEDIES[rule],
        )


def _on_host(facts: Facts) -> Iterator[Finding]:
    # Devices often share what they need: each is told once, with who needs it.
    users: dict[LintFinding, list[str]] = {}
    for subject, edits in _blocks(facts.registry):
        for found in lint_on_host(edits, facts.node.host):
            users.setdefault(replace(found, pointer=""), []).append(subject)
    for found, subjects in users.items():
        yield Finding(
            rule=str(found.rule),
            severity=found.severity,
            subject=some(list(dict.fromkeys(subjects))),
            message=found.message,
            remedy=_BY_ID.get(str(found.rule), ""),
        )


def _blocks(registry: Registry) -> Iterator[tuple[str, ContainerEdits]]:
    """The edits of all devices that can be had, and of the specs that they are in."""
    for file in registry.specs:
        own = [name for name in file.devices if name in registry.devices]
        own = [name for name in own if registry.devices[name].path == file.path]
        if own:
            yield f"{file.spec.kind} ({file.path})", file.spec.container_edits
        for name in own:
            yield name, registry.devices[name].device.container_edits


def _limited(findings: Iterator[Finding]) -> Iterator[Finding]:
    counts: Counter[str] = Counter()
    last: dict[str, Finding] = {}
    for found in findings:
        counts[found.rule] += 1
        if counts[found.rule] <= MOST_OF_A_RULE:
            yield found
        else:
            last[found.rule] = found
    for rule, found in last.items():
        more = counts[rule] - MOST_OF_A_RULE
        yield replace(
            found,
            subject="specs",
            message=f"{more} more of these",
            remedy="nri-cdi lint",
        )
