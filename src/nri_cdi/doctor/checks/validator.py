"""What the runtime's default validator makes of this plugin: fail open, or closed.

Source: NRI plugins/default-validator/default-validator.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from nri_cdi.doctor.facts import Facts
from nri_cdi.doctor.findings import Check, Finding
from nri_cdi.doctor.runtimes import Runtime
from nri_cdi.nri.capabilities import NriVersion

FIRST_NRI: NriVersion = (0, 10)
"""The first NRI that has the validator, and plugins that validate."""

_FAIL_CLOSED = "nri-cdi config fail-closed"


def check_validator(facts: Facts) -> Iterator[Finding]:
    """What happens while the plugin is away, and what is refused while it is there."""
    runtime, info = facts.own, facts.info
    if runtime is None or runtime.settings.nri.enabled is False:
        return
    validator = runtime.settings.nri.validator
    if info is not None and info.nri_version < FIRST_NRI:
        yield Check.FAILS_OPEN.found(
            str(runtime),
            "while the plugin is away containers start without devices; this release "
            "can't be told otherwise",
            _FAIL_CLOSED,
        )
    elif not validator.enabled:
        yield from _off(runtime)
    else:
        yield from _on(facts, runtime)


def _off(runtime: Runtime) -> Iterator[Finding]:
    required = runtime.settings.nri.validator.required
    if required:
        yield Check.REQUIRED_WITHOUT_VALIDATOR.found(
            str(runtime),
            f"it requires {', '.join(required)}, and its default validator is off",
            _FAIL_CLOSED,
        )
    yield Check.FAILS_OPEN.found(
        str(runtime),
        "while the plugin is away containers start without devices",
        _FAIL_CLOSED,
    )


def _on(facts: Facts, runtime: Runtime) -> Iterator[Finding]:
    validator = runtime.settings.nri.validator
    names = {facts.config.name, f"{facts.config.index}-{facts.config.name}"}
    required = sorted(names.intersection(validator.required))
    if required and not facts.serving:
        yield Check.REQUIRED_PLUGIN_AWAY.found(
            str(runtime),
            f"it requires {required[0]}, which isn't running: no container can start",
            "systemctl start nri-cdi",
        )
    if validator.rejects_hooks:
        yield from _hooks(facts, runtime)


def _hooks(facts: Facts, runtime: Runtime) -> Iterator[Finding]:
    if facts.config.injection == "delegate":
        return
    with_hooks = sorted(
        name
        for name, found in facts.registry.devices.items()
        if found.device.container_edits.hooks or found.spec.container_edits.hooks
    )
    if with_hooks:
        more = f" and {len(with_hooks) - 1} more" if len(with_hooks) > 1 else ""
        yield Check.HOOKS_REJECTED.found(
            f"{with_hooks[0]}{more}",
            f"it has hooks, and {runtime} refuses hooks from plugins",
            "set injection: delegate, or reject_oci_hook_adjustment = false",
        )
