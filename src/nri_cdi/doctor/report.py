"""The doctor's report: a node's facts and findings, and the same as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from nri_cdi.cdi.lint import Severity
from nri_cdi.doctor.checks import CHECKS
from nri_cdi.doctor.facts import Facts
from nri_cdi.doctor.findings import Finding
from nri_cdi.doctor.instances import Instance
from nri_cdi.doctor.runtimes import Docker, Runtime
from nri_cdi.doctor.settings import Settings
from nri_cdi.nri.capabilities import SUPPORT, Capabilities, RuntimeInfo

# By field of `nri_cdi.nri.capabilities.SUPPORT`: what it lets a device do.
WORDS = {
    "device_nodes": "device nodes",
    "mounts": "mounts",
    "hooks": "hooks",
    "rdt_class": "a class of Intel RDT",
    "device_rules": "less than read and write access",
    "net_devices": "network devices",
    "rdt": "all of Intel RDT",
    "container_user": "the container's user as the owner of nodes",
    "delegated_cdi": "devices that the runtime injects itself",
    "dedicated_rpcs": "an RPC for each event",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """Something that a runtime can or can't do for a device, and since when it can."""

    name: str
    possible: bool
    needs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found on a node; ``findings`` are in the order to mend them in."""

    facts: Facts
    findings: tuple[Finding, ...]

    @property
    def is_fine(self) -> bool:
        """Whether there is no error among the findings."""
        return all(each.severity is not Severity.ERROR for each in self.findings)

    @property
    def abilities(self) -> tuple[Ability, ...]:
        """What the plugin's runtime can do; nothing, where that isn't known."""
        info = self.facts.info
        return () if info is None else tuple(abilities(info))


def examine(facts: Facts) -> Report:
    """Look at a node."""
    findings = [found for check in CHECKS for found in check(facts)]
    order = list(Severity)
    findings.sort(key=lambda found: order.index(found.severity))
    return Report(facts=facts, findings=tuple(findings))


def abilities(info: RuntimeInfo) -> Iterator[Ability]:
    """What a runtime can do, in the order of `SUPPORT`."""
    capabilities = info.capabilities
    for field in fields(Capabilities):
        if field.name in SUPPORT:
            yield Ability(
                name=field.name,
                possible=getattr(capabilities, field.name),
                needs=str(SUPPORT[field.name]),
            )


def to_plain(report: Report) -> dict[str, Any]:
    """The report as programs get it."""
    facts = report.facts
    registry = facts.registry
    has_socket = facts.knows("socket") and facts.plugin.launcher_pid is None
    return {
        "ok": report.is_fine,
        "runtimes": [_runtime(facts, runtime) for runtime in facts.runtimes],
        "docker": [_docker(docker) for docker in facts.docker],
        "plugin": {
            "socket": facts.config.socket if has_socket else None,
            "configuration": facts.plugin.config_path,
            "injection": facts.injection or None,
            "answers": facts.plugin.snapshot is not None,
            "instances": [_instance(instance) for instance in facts.instances],
        },
        "specs": {
            "directories": list(facts.spec_dirs),
            "files": len(registry.specs),
            "broken": len(registry.errors),
            "devices": len(registry.devices),
        },
        "capabilities": {
            _camel(ability.name): ability.possible for ability in report.abilities
        },
        "findings": [
            {
                "rule": found.rule,
                "severity": str(found.severity),
                "subject": found.subject,
                "message": found.message,
                "remedy": found.remedy,
            }
            for found in report.findings
        ],
    }


def _runtime(facts: Facts, runtime: Runtime) -> dict[str, Any]:
    return {
        "name": runtime.name,
        "version": runtime.version,
        "program": runtime.program,
        "pid": runtime.pid,
        "serves": runtime is facts.own,
        **_settings(runtime.settings),
        "listens": runtime.listens,
    }


def _settings(settings: Settings) -> dict[str, Any]:
    nri, cdi = settings.nri, settings.cdi
    return {
        "files": list(settings.files),
        "nri": {
            "enabled": nri.enabled,
            "connections": nri.connections,
            "socket": nri.socket,
            "pluginDir": nri.plugin_dir,
            "pluginConfigDir": nri.plugin_config_dir,
            "registrationTimeout": nri.registration_timeout,
            "requestTimeout": nri.request_timeout,
            "defaultValidator": nri.validator.enabled,
            "requiredPlugins": list(nri.validator.required),
        },
        "cdi": {"enabled": cdi.enabled, "specDirs": list(cdi.spec_dirs)},
    }


def _docker(docker: Docker) -> dict[str, Any]:
    return {
        "version": docker.version,
        "pid": docker.process.pid,
        "nri": docker.nri,
        "injectsCdi": docker.injects_cdi,
    }


def _instance(instance: Instance) -> dict[str, Any]:
    return {
        "pid": instance.process.pid,
        "socket": instance.socket or None,
        "launched": instance.launched,
        "validator": instance.validator,
    }


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
