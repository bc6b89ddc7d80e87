"""The processes of a node, as its /proc tells them.

Source: proc(5).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from nri_cdi.doctor.node import Node

# What the kernel writes behind the path of a program whose file is gone.
_GONE = " (deleted)"

_PID = re.compile(r"[0-9]{1,10}")

# The fields of /proc/PID/stat behind the name, which itself may have blanks in it.
_PARENT, _START = 1, 19

_ROOT = 0

_ARGUMENTS_LIMIT = 128 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process and its program; ``started_s`` is in seconds since the epoch.

    ``owner`` is the user who started it, None where that can't be told. It
    ``is_replaced`` if another file has taken the place of its program, and
    ``is_elsewhere`` if its root is not that of this node, as in a container.
    """

    pid: int
    parent: int
    program: str
    arguments: tuple[str, ...]
    started_s: float | None
    owner: int | None
    is_replaced: bool = False
    is_elsewhere: bool = False

    @property
    def name(self) -> str:
        """The name of the program's file."""
        return Path(self.program).name

    @property
    def is_trusted(self) -> bool:
        """Whether nobody but root, or who asks, can have started it.

        Anybody may have a program of any name, and neither a runtime nor a plugin.
        """
        return self.owner in (None, _ROOT, os.geteuid())

    @property
    def called(self) -> str:
        """The name that it was started by; programs with many of them heed it."""
        return Path(self.arguments[0]).name if self.arguments else ""


def processes(node: Node) -> tuple[Process, ...]:
    """All processes that have a program, by their numbers."""
    booted_s = _boot_time_s(node)
    names = filter(_PID.fullmatch, node.names("/proc"))
    pids = sorted(map(int, names))
    found = (_process(node, pid, booted_s) for pid in pids)
    return tuple(each for each in found if each is not None)


def _process(node: Node, pid: int, booted_s: float | None) -> Process | None:
    folder = f"/proc/{pid}"
    words = node.text(f"{folder}/cmdline", _ARGUMENTS_LIMIT).split("\0")
    arguments = tuple(words[:-1])
    program = node.link(f"{folder}/exe") or (arguments[0] if arguments else "")
    if not program:
        return None  # a thread of the kernel, or over
    fields = node.text(f"{folder}/stat").rpartition(")")[2].split()
    return Process(
        pid=pid,
        parent=int(fields[_PARENT]) if fields else 0,
        program=program.removesuffix(_GONE),
        arguments=arguments,
        started_s=_start_s(fields, booted_s),
        owner=_owner(node, folder),
        is_replaced=program.endswith(_GONE),
        is_elsewhere=_is_elsewhere(node, pid),
    )


def _owner(node: Node, folder: str) -> int | None:
    for line in node.text(f"{folder}/status").splitlines():
        name, _, users = line.partition(":")
        if name == "Uid":
            return int(users.split()[0])
    # A process that bars its debugging has this directory be root's: proc(5).
    status = node.status(folder)
    return None if status is None else status.st_uid


def _start_s(fields: list[str], booted_s: float | None) -> float | None:
    if booted_s is None or len(fields) <= _START:
        return None
    return booted_s + int(fields[_START]) / os.sysconf("SC_CLK_TCK")


def _boot_time_s(node: Node) -> float | None:
    for line in node.text("/proc/stat").splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    return None


def _is_elsewhere(node: Node, pid: int) -> bool:
    if not node.is_ours:
        return False
    try:
        there, here = Path(f"/proc/{pid}/root").stat(), Path("/").stat()
    except OSError:
        return False
    return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)
