"""What the runtime's default validator makes of this plugin: fail open, or closed.

Source: NRI plugins/default-validator/default-validator.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from nri_cdi.doctor.facts import Facts
from nri_cdi.doctor.findings import Check, Finding
from nri_cdi.doctor.runtimes import Runtime
from nri_cdi.nri.capabilities import NRI_VERSIONS, NriVersion

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
        yield from _without_validator(facts, runtime)
    elif not validator.enabled:
        yield from _off(runtime)
    else:
        yield from _on(facts, runtime)


def _without_validator(facts: Facts, runtime: Runtime) -> Iterator[Finding]:
    since = _first_release(runtime)
    validate = _validating(facts)
    if validate:
        yield Check.VALIDATE_WITHOUT_EFFECT.found(
            str(runtime),
            f"validate: {validate}, and it asks no plugin to validate a container; "
            f"that came with {runtime.name} {since}",
            f"leave validate out, or update {runtime.name}",
        )
    yield Check.FAILS_OPEN.found(
        str(runtime),
        "while the plugin is away containers start without devices; this release "
        "can't be told otherwise",
        f"update {runtime.name} to {since}; until then start the plugin before it, as "
        "systemd/nri-cdi.service does",
    )


def _first_release(runtime: Runtime) -> str:
    """The release of a runtime that the validator came with."""
    releases = [each for each, nri in NRI_VERSIONS[runtime.name] if nri >= FIRST_NRI]
    return ".".join(map(str, min(releases)))


def _validating(facts: Facts) -> str:
    """What the plugin is to do, or one of its instances does, if that is to validate.

    Of several it is the one that would do nothing else.
    """
    of_instances = [each.validate for each in facts.instances if each.serves]
    found = {facts.validate, *of_instances} - {"", "false"}
    return min(found, default="")  # only, true


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
    is_known = facts.knows("name") and facts.knows("index")
    if required and is_known and not facts.serving:
        yield Check.REQUIRED_PLUGIN_AWAY.found(
            str(runtime),
            f"it requires {required[0]}, which isn't running: no container can start",
            "systemctl start nri-cdi",
        )
    if validator.rejects_hooks:
        yield from _hooks(facts, runtime)


def _hooks(facts: Facts, runtime: Runtime) -> Iterator[Finding]:
    if facts.injection in ("", "delegate"):
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
