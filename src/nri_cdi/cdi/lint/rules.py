"""The rules of lint: their identifiers, how bad it is, and what each finds.

This is the one table, and long for that: code, documentation and tests read it.
Identifiers are stable: scripts and ignore lists hold on to them.
"""

from __future__ import annotations

from enum import Enum, StrEnum


class Severity(StrEnum):
    """How bad a finding is; the worst comes first.

    An error does not work, on this host or on any. A warning is probably not what is
    meant. An info could be better.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    def is_at_least(self, other: Severity) -> bool:
        """Whether this is as bad as ``other``, or worse."""
        order = list(Severity)
        return order.index(self) <= order.index(other)


_ERROR, _WARNING, _INFO = Severity


class LintRule(Enum):
    """What is doubtful: the identifier, the severity, and one line about it."""

    id: str
    severity: Severity
    summary: str

    # The file.
    UNREAD_FILE = (
        "unread-file",
        _WARNING,
        "a file or directory that looks like specs, and that no runtime reads",
    )
    IGNORED_DOCUMENT = (
        "ignored-document",
        _WARNING,
        "text after the first document, which nobody reads",
    )
    CHANGED_TEXT = (
        "changed-text",
        _WARNING,
        "text that YAML reads as another one: `010` as `8`, `yes` as `true`",
    )
    NOT_JSON = (
        "not-json",
        _INFO,
        "a file called `.json` that only a YAML parser reads",
    )
    # The files of a node.
    CONFLICTING_DEVICE = (
        "conflicting-device",
        _ERROR,
        "a device that two files of one directory define, so that nobody gets it",
    )
    SHADOWED_DEVICE = (
        "shadowed-device",
        _INFO,
        "a device that a directory of higher priority defines too",
    )
    # The spec.
    VERSION_TOO_HIGH = (
        "version-too-high",
        _INFO,
        "a `cdiVersion` above what the spec needs, which older runtimes refuse",
    )
    VENDOR_NOT_DNS = (
        "vendor-not-dns",
        _WARNING,
        "a vendor that is not a DNS name in lower case",
    )
    NAME_TOO_LONG = (
        "name-too-long",
        _WARNING,
        "a vendor of over 253 characters, or a class of over 63",
    )
    NAME_LIKE_PERMISSIONS = (
        "name-like-permissions",
        _WARNING,
        "a device name that ends like permissions, as `0:rw`",
    )
    REQUEST_ANNOTATION = (
        "request-annotation",
        _WARNING,
        "a `cdi.k8s.io/` annotation, which asks for devices in a pod, in a spec",
    )
    # Paths.
    RELATIVE_HOST_PATH = (
        "relative-host-path",
        _ERROR,
        "a path on the host that does not start with `/`",
    )
    RELATIVE_CONTAINER_PATH = (
        "relative-container-path",
        _WARNING,
        "a path in the container that does not start with `/`",
    )
    UNCLEAN_PATH = (
        "unclean-path",
        _INFO,
        "a path in the container with `//`, `.`, `..` or a `/` at its end",
    )
    # Variables.
    VARIABLE_NAME = (
        "variable-name",
        _WARNING,
        "a variable whose name no shell takes, as in `export A=b`",
    )
    QUOTED_VALUE = (
        "quoted-value",
        _WARNING,
        'a variable whose value has quotes around it: `A="b"`',
    )
    UNEXPANDED_VARIABLE = (
        "unexpanded-variable",
        _WARNING,
        "`$NAME` or `${NAME}` in the value of a variable: nothing expands it",
    )
    REPLACED_SEARCH_PATH = (
        "replaced-search-path",
        _INFO,
        "`PATH`, `LD_LIBRARY_PATH` or `LD_PRELOAD`: replaces the image's own",
    )
    # Device nodes.
    FILE_MODE_BASE = (
        "file-mode-base",
        _WARNING,
        "a `fileMode` that was meant in octal, and is decimal: `666`",
    )
    FILE_MODE_BITS = (
        "file-mode-bits",
        _WARNING,
        "a `fileMode` with more than permission bits in it, or with none",
    )
    IGNORED_MINOR = (
        "ignored-minor",
        _WARNING,
        "a `minor` without a `major`: the host's numbers are taken",
    )
    DEVICE_NUMBER = (
        "device-number",
        _ERROR,
        "a `major` or `minor` that no Linux kernel can have",
    )
    UNUSABLE_NODE_TYPE = (
        "unusable-node-type",
        _ERROR,
        "type `u` without a `major`, which matches no node of a host",
    )
    PERMISSIONS_NONE = (
        "permissions-none",
        _WARNING,
        "permissions `none`: many runtimes refuse the whole file for it",
    )
    # Mounts.
    MOUNT_WITHOUT_BIND = (
        "mount-without-bind",
        _ERROR,
        "a mount of a host path without `bind` or `rbind` in its options",
    )
    UNKNOWN_MOUNT_OPTION = (
        "unknown-mount-option",
        _WARNING,
        "an option that bind mounts don't have, such as `readonly`",
    )
    CONTRADICTING_OPTIONS = (
        "contradicting-options",
        _WARNING,
        "options that exclude each other, as `ro` and `rw`",
    )
    MOUNT_OVER_ROOT = (
        "mount-over-root",
        _WARNING,
        "a mount on `/`, which hides all that the image has",
    )
    # Hooks.
    HOOK_WITHOUT_ENV = (
        "hook-without-env",
        _WARNING,
        "a `createContainer` hook without `env`: it inherits the image's `LD_PRELOAD`",
    )
    HOOK_TIMEOUT = (
        "hook-timeout",
        _ERROR,
        "a hook with a `timeout` of 0 or less",
    )
    HOOK_ARGUMENTS = (
        "hook-arguments",
        _WARNING,
        "a hook whose `args` start with an option: the first is the program's name",
    )
    DEPRECATED_HOOK = (
        "deprecated-hook",
        _INFO,
        "a `prestart` hook, which the OCI specification has deprecated",
    )
    # Interfaces.
    INTERFACE_NAME = (
        "interface-name",
        _ERROR,
        "an interface name of over 15 bytes, or with characters the kernel refuses",
    )
    LOOPBACK_INTERFACE = (
        "loopback-interface",
        _ERROR,
        "the interface `lo`, which can't be moved, and which every container has",
    )
    # The rest of the edits.
    EMPTY_RDT = (
        "empty-rdt",
        _WARNING,
        "an empty `intelRdt`, which takes away what the container has",
    )
    GROUP_ZERO = (
        "group-zero",
        _INFO,
        "group 0 in `additionalGids`, which is skipped",
    )
    # Edits that meet: within a spec, or in one request.
    NODE_OVERLAP = (
        "node-overlap",
        _WARNING,
        "two different device nodes at one path",
    )
    MOUNT_OVERLAP = (
        "mount-overlap",
        _WARNING,
        "two different mounts at one path",
    )
    VARIABLE_OVERLAP = (
        "variable-overlap",
        _WARNING,
        "one variable with two values",
    )
    INTERFACE_OVERLAP = (
        "interface-overlap",
        _ERROR,
        "one interface under two names, or two interfaces under one",
    )
    RDT_OVERLAP = (
        "rdt-overlap",
        _WARNING,
        "two different `intelRdt`, of which the last counts as a whole",
    )
    REPEATED_HOOK = (
        "repeated-hook",
        _INFO,
        "the same hook twice: it runs twice",
    )
    SHARED_EDIT = (
        "shared-edit",
        _INFO,
        "a node, mount or variable that two devices of one request have alike",
    )
    ALL_AND_SINGLE = (
        "all-and-single",
        _WARNING,
        "`all` beside single devices of its kind in one request",
    )
    # The host.
    NODE_MISSING = (
        "node-missing",
        _ERROR,
        "a device node that the host doesn't have, and that can't be made without",
    )
    NODE_UNKNOWN = (
        "node-unknown",
        _WARNING,
        "a device node with numbers of its own that the host doesn't have",
    )
    NODE_DRIFT = (
        "node-drift",
        _ERROR,
        "a device node whose type or numbers are others on the host",
    )
    MOUNT_SOURCE_MISSING = (
        "mount-source-missing",
        _ERROR,
        "a mount of something that the host doesn't have",
    )
    MOUNTED_DEVICE = (
        "mounted-device",
        _WARNING,
        "a mount of a device node, which nobody in the container may open",
    )
    HOOK_MISSING = (
        "hook-missing",
        _ERROR,
        "a hook that the host doesn't have",
    )
    HOOK_NOT_EXECUTABLE = (
        "hook-not-executable",
        _ERROR,
        "a hook that is no executable file",
    )
    HOOK_WRITABLE = (
        "hook-writable",
        _WARNING,
        "a hook that every user of the host may write, and that root runs",
    )
    INTERFACE_MISSING = (
        "interface-missing",
        _WARNING,
        "an interface that the host doesn't have now",
    )
    UNCHECKED_PATH = (
        "unchecked-path",
        _INFO,
        "a path on the host that can't be looked at, so that nothing is known of it",
    )

    def __init__(self, id_: str, severity: Severity, summary: str) -> None:
        self.id = id_
        self.severity = severity
        self.summary = summary
