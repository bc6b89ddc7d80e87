"""The versions of runtimes, asked of their programs.

Anybody can call a program ``containerd``, and the doctor is root. So a program is run
only if nobody but root, or who runs the doctor, can have written it.
"""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

TIMEOUT_S = 5
"""A runtime tells its version within milliseconds."""

# The shell's own PATH is of no use to it, nor any other variable.
_ENVIRONMENT = {"LC_ALL": "C"}

_VERSION_WORD = 2
"""``containerd github.com/… 2.1.9``, ``crio version 1.34.0``, ``Docker version 28.5``:
the third word is the version in all three."""


def ask_version(program: str, name: str) -> str:
    """The version that a program tells when it is called ``name``; empty if none."""
    if not is_trusted(program):
        return ""
    try:
        done = subprocess.run(  # noqa: S603  # it is root's, as was looked at
            [name, "--version"],
            executable=program,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    return told_version(done.stdout.decode(errors="replace"))


def told_version(output: str) -> str:
    """The version in what a runtime prints; empty if there is none."""
    words = output.partition("\n")[0].split()
    return words[_VERSION_WORD].rstrip(",") if len(words) > _VERSION_WORD else ""


def is_trusted(program: str) -> bool:
    """Whether a program, and all directories above it, are root's or our own."""
    place = Path(os.path.realpath(program))
    try:
        statuses = [each.stat() for each in (place, *place.parents)]
    except OSError:
        return False
    return stat.S_ISREG(statuses[0].st_mode) and all(map(_is_ours_alone, statuses))


def _is_ours_alone(status: os.stat_result) -> bool:
    if status.st_uid not in (0, os.geteuid()):
        return False
    # In a sticky directory nobody can replace what is another's.
    is_sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    return bool(is_sticky) or not status.st_mode & (stat.S_IWOTH | stat.S_IWGRP)
