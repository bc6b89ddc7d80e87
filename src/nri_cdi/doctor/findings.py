"""What the doctor finds: the checks, how bad each is, and what it means.

This is the one table: code, documentation and tests read it. Identifiers are stable.
What lint finds about the specs on this host keeps the identifiers of lint's own table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from nri_cdi.cdi.lint import Severity

_ERROR, _WARNING, _INFO = Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about this node; ``remedy`` is the line that mends it.

    ``rule`` is the identifier of a Check, or of a rule of lint.
    """

    rule: str
    severity: Severity
    subject: str
    message: str
    remedy: str


class Check(Enum):
    """What is looked for: the identifier, the severity, and one line about it."""

    id: str
    severity: Severity
    summary: str

    # The runtimes.
    NO_RUNTIME = ("no-runtime", _ERROR, "neither containerd nor CRI-O runs")
    RUNTIME_UNSEEN = (
        "runtime-unseen",
        _WARNING,
        "the plugin is connected to a runtime whose process can't be seen from here",
    )
    RUNTIME_TOO_OLD = (
        "runtime-too-old",
        _ERROR,
        "a runtime that has no NRI: containerd before 1.7, CRI-O before 1.26",
    )
    VERSION_UNKNOWN = (
        "version-unknown",
        _WARNING,
        "a runtime whose version can't be told, nor what it can express",
    )
    RUNTIME_REPLACED = (
        "runtime-replaced",
        _WARNING,
        "a runtime that was updated, and whose old program still runs",
    )
    RUNTIME_ELSEWHERE = (
        "runtime-elsewhere",
        _INFO,
        "a runtime within a container: it is not looked at",
    )
    RUNTIME_CONFIG = (
        "runtime-config",
        _ERROR,
        "a configuration that its runtime can't read: it won't start again",
    )
    RESTART_NEEDED = (
        "restart-needed",
        _WARNING,
        "a configuration that is newer than the runtime which has read it",
    )
    CRI_OFF = (
        "cri-off",
        _ERROR,
        "a containerd whose CRI plugin is disabled: Kubernetes can't use it",
    )
    OTHER_RUNTIME = (
        "other-runtime",
        _INFO,
        "a runtime that this plugin does not serve",
    )
    DOCKER = (
        "docker",
        _INFO,
        "Docker, which injects CDI devices by itself and takes none from a plugin",
    )
    # NRI.
    NRI_OFF = ("nri-off", _ERROR, "NRI is off in the runtime")
    NRI_UNKNOWN = (
        "nri-unknown",
        _WARNING,
        "whether NRI is on can't be told: neither a file nor a version says it",
    )
    CONNECTIONS_OFF = (
        "connections-off",
        _ERROR,
        "the runtime takes no plugins but those that it starts itself",
    )
    OTHER_SOCKET = (
        "other-socket",
        _ERROR,
        "the plugin's socket is not that of a running runtime",
    )
    SOCKET_DEAD = (
        "socket-dead",
        _ERROR,
        "nothing listens at the runtime's NRI socket",
    )
    PLUGIN_FILE_NAME = (
        "plugin-file-name",
        _ERROR,
        "a program in the plugin directory that keeps the runtime from starting",
    )
    # Fail closed.
    FAILS_OPEN = (
        "fails-open",
        _INFO,
        "containers start without devices while the plugin is away",
    )
    REQUIRED_PLUGIN_AWAY = (
        "required-plugin-away",
        _ERROR,
        "every container needs a plugin that isn't running",
    )
    REQUIRED_WITHOUT_VALIDATOR = (
        "required-without-validator",
        _WARNING,
        "required plugins while the default validator is off: they have no effect",
    )
    VALIDATE_WITHOUT_EFFECT = (
        "validate-without-effect",
        _WARNING,
        "`validate` with a runtime that asks no plugin to validate",
    )
    HOOKS_REJECTED = (
        "hooks-rejected",
        _ERROR,
        "devices with hooks, in a runtime that refuses hooks from plugins",
    )
    # CDI of the runtime, for delegation.
    DELEGATION_DROPPED = (
        "delegation-dropped",
        _ERROR,
        "`injection: delegate` with a runtime that ignores the devices",
    )
    CDI_OFF = (
        "cdi-off",
        _ERROR,
        "devices that are to be delegated, and CDI is off in the runtime",
    )
    CDI_DIRS_DIFFER = (
        "cdi-dirs-differ",
        _WARNING,
        "the runtime reads other spec directories than the plugin",
    )
    # The specs.
    SPEC_BROKEN = ("spec-broken", _ERROR, "a spec that is unreadable or not valid")
    SPEC_DIR_UNREADABLE = (
        "spec-dir-unreadable",
        _ERROR,
        "a spec directory that can't be listed",
    )
    NO_DEVICES = ("no-usable-device", _WARNING, "the spec directories have no devices")
    UNSUPPORTED_EDIT = (
        "unsupported-edit",
        _ERROR,
        "a device with an edit that this runtime can't carry out",
    )
    DELEGATED_EDIT = (
        "delegated-edit",
        _INFO,
        "a device that the runtime itself injects, as NRI can't express an edit",
    )
    # The plugin.
    CONFIG_INVALID = (
        "config-invalid",
        _ERROR,
        "a configuration with which the plugin won't start",
    )
    PLUGIN_AWAY = ("plugin-away", _ERROR, "the plugin isn't running")
    STATUS_UNREACHABLE = (
        "status-unreachable",
        _WARNING,
        "the plugin's status address gives no answer",
    )
    NOT_CONNECTED = (
        "not-connected",
        _ERROR,
        "the plugin runs, and is not synchronized with the runtime",
    )
    CONFIG_NOT_APPLIED = (
        "config-not-applied",
        _ERROR,
        "the plugin runs on with an older configuration, as the new one is wrong",
    )
    DRIFTED_CONTAINERS = (
        "drifted-containers",
        _WARNING,
        "containers without the devices that they ask for",
    )
    TWO_INSTANCES = (
        "two-instances",
        _WARNING,
        "two instances of the plugin at one socket, as in a rolling update",
    )
    LAUNCHED_AND_SERVICE = (
        "launched-and-service",
        _WARNING,
        "the plugin both as a service and in the runtime's plugin directory",
    )
    # The limits of the node.
    INOTIFY_INSTANCES = (
        "inotify-instances",
        _WARNING,
        "`fs.inotify.max_user_instances` is nearly used up",
    )
    INOTIFY_WATCHES = (
        "inotify-watches",
        _WARNING,
        "`fs.inotify.max_user_watches` is nearly used up",
    )
    UNCHECKED = (
        "unchecked",
        _WARNING,
        "what could not be looked at, as root could",
    )

    def __init__(self, id_: str, severity: Severity, summary: str) -> None:
        self.id = id_
        self.severity = severity
        self.summary = summary

    def found(self, subject: str, message: str, remedy: str = "") -> Finding:
        """The finding of this check."""
        return Finding(
            rule=self.id,
            severity=self.severity,
            subject=subject,
            message=message,
            remedy=remedy,
        )
