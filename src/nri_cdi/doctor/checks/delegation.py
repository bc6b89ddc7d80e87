"""Whether the runtime itself would inject the devices that the plugin delegates."""

from __future__ import annotations

from collections.abc import Iterator

from nri_cdi.doctor.checks.runtimes import restart
from nri_cdi.doctor.facts import Facts
from nri_cdi.doctor.findings import Check, Finding
from nri_cdi.doctor.runtimes import Runtime
from nri_cdi.nri.capabilities import SUPPORT

RESOLVE, DELEGATE = "resolve", "delegate"


def check_delegation(facts: Facts) -> Iterator[Finding]:
    """What stands in the way of delegated devices, where there may be any."""
    runtime, info = facts.own, facts.info
    injection = facts.injection
    if runtime is None or info is None or injection in ("", RESOLVE):
        return
    if not info.capabilities.delegated_cdi:
        if injection == DELEGATE:
            yield Check.DELEGATION_DROPPED.found(
                str(runtime),
                "injection: delegate, and it ignores the devices that plugins name; "
                f"that needs {SUPPORT['delegated_cdi']}",
                "set injection: auto",
            )
        return
    if injection != DELEGATE and not facts.unsupported:
        return  # nothing is delegated
    if runtime.settings.cdi.enabled is False:
        yield _cdi_off(runtime, facts)
    else:
        yield from _directories(facts, runtime)


def can_delegate(facts: Facts) -> bool:
    """Whether a device that is delegated arrives."""
    if facts.info is None or facts.injection == RESOLVE:
        return False
    # The settings of one that can't be seen are not known, and CDI is on by default.
    cdi = facts.own is None or facts.own.settings.cdi.enabled is not False
    return cdi and facts.info.capabilities.delegated_cdi


def _cdi_off(runtime: Runtime, facts: Facts) -> Finding:
    # CRI-O has no such switch.
    delegates = facts.injection == DELEGATE
    why = "injection: delegate" if delegates else "NRI can't express some devices"
    files = runtime.settings.files
    path = files[0] if files else "/etc/containerd/config.toml"
    return Check.CDI_OFF.found(
        str(runtime),
        f"{why}, and its enable_cdi is false: it fails those containers",
        f"set enable_cdi = true for the CRI plugin in {path}; {restart(runtime)}",
    )


def _directories(facts: Facts, runtime: Runtime) -> Iterator[Finding]:
    canonical = facts.node.canonical
    ours = facts.spec_dirs
    theirs = runtime.settings.cdi.spec_dirs
    if ours and list(map(canonical, ours)) != list(map(canonical, theirs)):
        yield Check.CDI_DIRS_DIFFER.found(
            str(runtime),
            f"it reads specs from {', '.join(theirs)}, and the plugin from "
            f"{', '.join(ours)}: devices that are delegated may be others, or none",
            f"set spec_dirs: [{', '.join(theirs)}], or cdi_spec_dirs of {runtime.name}",
        )
