"""Device nodes that can't be made, or not as they were meant."""

from __future__ import annotations

from nri_cdi.cdi.devnodes import FIFO, is_complete
from nri_cdi.cdi.editrules import NO_PERMISSIONS
from nri_cdi.cdi.lint.findings import Finding, finding
from nri_cdi.cdi.lint.paths import lint_container_path, lint_host_path
from nri_cdi.cdi.lint.rules import LintRule
from nri_cdi.cdi.model import DeviceNode

# Source: Linux, include/linux/kdev_t.h, MINORBITS; a device number has 32 bits.
MAJORS = range(1 << 12)
MINORS = range(1 << 20)

UNBUFFERED = "u"

_PERMISSION_BITS = 0o777
_MODE_BITS = 0o7777
_READABLE = 4
_OCTAL_DIGITS = frozenset("01234567")


def lint_node(node: DeviceNode) -> list[Finding]:
    """What is doubtful about a device node, whatever the host has."""
    return [
        *_paths(node),
        *_numbers(node),
        *_file_mode(node.file_mode),
        *_permissions(node.permissions),
    ]


def _paths(node: DeviceNode) -> list[Finding]:
    if node.host_path:
        return [
            *lint_container_path("path", node.path),
            *lint_host_path("hostPath", node.host_path),
        ]
    # Where the path is looked for on the host too, that weighs more.
    if is_complete(node):
        return lint_container_path("path", node.path)
    return lint_host_path("path", node.path) or lint_container_path("path", node.path)


def _numbers(node: DeviceNode) -> list[Finding]:
    found = [
        finding(
            LintRule.DEVICE_NUMBER,
            field,
            f"no device has the {field} {number}; it is from 0 to {valid[-1]}",
        )
        for field, number, valid in (
            ("major", node.major, MAJORS),
            ("minor", node.minor, MINORS),
        )
        if number not in valid
    ]
    # Source: CDI container-edits_unix.go, fillMissingInfo.
    if node.type == UNBUFFERED and not is_complete(node):
        message = "no node of a host is of type 'u'; write 'c', or give its major too"
        found.append(finding(LintRule.UNUSABLE_NODE_TYPE, "type", message))
    if node.minor and not node.major and node.type != FIFO:
        message = (
            f"minor {node.minor} has no effect without a major: both are taken from "
            "the host; give both or none"
        )
        found.append(finding(LintRule.IGNORED_MINOR, "minor", message))
    return found


def _file_mode(mode: int | None) -> list[Finding]:
    if mode is None:
        return []
    meant = _meant_in_octal(mode)
    if meant is not None:
        message = (
            f"{mode} is decimal, and 0{mode:o} in octal; "
            f"for the permissions 0{meant:o} write {meant} (in YAML also 0{meant:o})"
        )
        return [finding(LintRule.FILE_MODE_BASE, "fileMode", message)]
    if mode & ~_MODE_BITS:
        message = (
            f"{mode} (0{mode:o} in octal) has more than permission bits in it; "
            f"write {mode & _PERMISSION_BITS} (0{mode & _PERMISSION_BITS:o} in octal)"
        )
        return [finding(LintRule.FILE_MODE_BITS, "fileMode", message)]
    if not mode:
        message = "0 lets nobody but root open the node; 438 is 0666 in octal"
        return [finding(LintRule.FILE_MODE_BITS, "fileMode", message)]
    return []


def _meant_in_octal(mode: int) -> int | None:
    """What the digits of ``mode`` are in octal, if only that makes sense."""
    digits = str(mode)
    if not _OCTAL_DIGITS.issuperset(digits) or _is_usual(mode):
        return None
    read = int(digits, 8)
    return read if _is_usual(read) else None


def _is_usual(mode: int) -> bool:
    """Whether a node has such a mode: who is further away may do no more."""
    owner, group, other = mode >> 6 & 7, mode >> 3 & 7, mode & 7
    return (
        mode <= _PERMISSION_BITS
        and owner & _READABLE != 0
        and not group & ~owner
        and not other & ~group
    )


def _permissions(permissions: str) -> list[Finding]:
    if permissions != NO_PERMISSIONS:
        return []
    message = (
        "container-device-interface up to 1.1.0, which Docker, Podman and CRI-O "
        "have, refuses a file with 'none' in it"
    )
    return [finding(LintRule.PERMISSIONS_NONE, "permissions", message)]
