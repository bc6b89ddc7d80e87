"""Limits of the node that bite, and what this process may not look at.

Source: inotify(7); proc_pid_fdinfo(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nri_cdi.doctor.facts import Facts
from nri_cdi.doctor.findings import Check, Finding
from nri_cdi.doctor.node import Node
from nri_cdi.quoting import printable, some

NEARLY = 0.9
"""The part of a limit from which on it is said: the plugin needs two instances, and a
kubelet or a log shipper that starts takes some more."""

_PROCESS = re.compile(r"/proc/[0-9]+(?=/)")

_FOLDER = "/proc/sys/fs/inotify"
_LINK = "anon_inode:inotify"
_ROOT = 0

MOST_DESCRIPTORS = 200_000
"""Descriptors that are looked at: about half a second."""


def check_limits(facts: Facts) -> Iterator[Finding]:
    """Which limits of root's are nearly reached, and what nobody could look at."""
    instances, watches = _in_use(facts)
    for used, name, check in (
        (instances, "max_user_instances", Check.INOTIFY_INSTANCES),
        (watches, "max_user_watches", Check.INOTIFY_WATCHES),
    ):
        limit = _limit(facts.node, name)
        if limit and used >= limit * NEARLY:
            yield check.found(
                f"fs.inotify.{name}",
                f"root's processes have {used} of {limit}; without, changes of specs "
                "are seen a second late",
                f"sysctl -w fs.inotify.{name}={limit * 2}",
            )
    refused = sorted({_whole(path) for path in facts.node.refused})
    if refused:
        yield Check.UNCHECKED.found(
            "node",
            f"it may not look at {some([printable(path) for path in refused])}",
            "run nri-cdi doctor as root, outside of containers",
        )


def _whole(path: str) -> str:
    """A path, or the process that it belongs to."""
    process = _PROCESS.match(path)
    return process[0] if process else path


def _in_use(facts: Facts) -> tuple[int, int]:
    """The inotify instances and watches of root, as far as they are seen."""
    instances = watches = looked_at = 0
    for process in facts.processes:
        if process.owner != _ROOT or looked_at > MOST_DESCRIPTORS:
            continue
        folder = f"/proc/{process.pid}"
        for name in facts.node.names(f"{folder}/fd"):
            looked_at += 1
            if facts.node.link(f"{folder}/fd/{name}") == _LINK:
                instances += 1
                lines = facts.node.text(f"{folder}/fdinfo/{name}").splitlines()
                watches += sum(line.startswith("inotify ") for line in lines)
    return instances, watches


def _limit(node: Node, name: str) -> int:
    text = node.text(f"{_FOLDER}/{name}").strip()
    return int(text) if text.isdigit() else 0
