"""Mounts that fail, or give something else than was meant.

Source: OCI runtime-spec, config.md, "Mounts"; runc, specconv and rootfs_linux.go.
"""

from __future__ import annotations

from nri_cdi.cdi.lint.findings import Finding, finding
from nri_cdi.cdi.lint.paths import clean, lint_container_path, lint_host_path
from nri_cdi.cdi.lint.rules import LintRule
from nri_cdi.cdi.model import Mount
from nri_cdi.cdi.pointers import at_index
from nri_cdi.quoting import quoted

BIND_OPTIONS = frozenset(("bind", "rbind"))
_NO_FILE_SYSTEMS = frozenset(("", "none", "bind", "rbind"))

# Every option that is no bind mount's own comes in two forms, of which one is said to
# be recursive. Source: OCI runtime-spec, config.md, "Linux mount options".
_PLAIN = (
    "async atime bind defaults diratime dirsync exec iversion lazytime loud mand "
    "noatime nodev nodiratime noexec noiversion nolazytime nomand norelatime "
    "nostrictatime nosuid nosymfollow dev suid symfollow relatime strictatime sync "
    "ro rw remount silent private shared slave unbindable idmap tmpcopyup"
)
_RECURSIVE = (
    "rbind ratime rdev rdiratime rexec ridmap rnoatime rnodev rnodiratime rnoexec "
    "rnorelatime rnostrictatime rnosuid rnosymfollow rprivate rrelatime rro rrw "
    "rshared rslave rstrictatime rsuid rsymfollow runbindable"
)
# Runtimes that know more: crun and Podman.
_OF_SOME = "copy-symlink z Z U O"
OPTIONS = frozenset(f"{_PLAIN} {_RECURSIVE} {_OF_SOME}".split())

_OPPOSITES = (
    ("ro", "rw"),
    ("exec", "noexec"),
    ("suid", "nosuid"),
    ("dev", "nodev"),
)


def is_bind(mount: Mount) -> bool:
    """Whether the mount shows a path of the host; the type doesn't count."""
    return not BIND_OPTIONS.isdisjoint(mount.options)


def lint_mount(mount: Mount) -> list[Finding]:
    """What is doubtful about a mount, whatever the host has."""
    found = lint_container_path("containerPath", mount.container_path)
    if clean(mount.container_path) == "/":
        message = "it hides all that the image has; mount on a directory below '/'"
        found.append(finding(LintRule.MOUNT_OVER_ROOT, "containerPath", message))
    if is_bind(mount):
        found += lint_host_path("hostPath", mount.host_path)
        found += _unknown_options(mount)
    elif mount.type in _NO_FILE_SYSTEMS:
        message = (
            "without 'bind' or 'rbind' in its options a mount fails with "
            "'no such device'"
        )
        found.append(finding(LintRule.MOUNT_WITHOUT_BIND, "", message))
    found += _contradictions(mount)
    return found


def _unknown_options(mount: Mount) -> list[Finding]:
    return [
        finding(
            LintRule.UNKNOWN_MOUNT_OPTION,
            at_index("options", index),
            f"{quoted(option)} is no option of a bind mount, and runc refuses it"
            f"{_hint(option)}",
        )
        for index, option in enumerate(mount.options)
        if option not in OPTIONS
    ]


def _hint(option: str) -> str:
    if "," in option:
        return "; each option is an item of the list"
    right = {"readonly": "ro", "read-only": "ro", "readwrite": "rw", "read-write": "rw"}
    return f"; write {right[option]!r}" if option in right else ""


def _contradictions(mount: Mount) -> list[Finding]:
    places = {option: index for index, option in enumerate(mount.options)}
    found: list[Finding] = []
    for pair in _OPPOSITES:
        if places.keys() >= set(pair):
            lost, kept = sorted(pair, key=lambda option: places[option])
            message = f"{lost!r} and {kept!r} exclude each other; {kept!r} counts"
            pointer = at_index("options", places[kept])
            found.append(finding(LintRule.CONTRADICTING_OPTIONS, pointer, message))
    return found
