"""The folder that one private runtime lives in, and what a runtime leaves outside it.

A runtime that is killed leaves shims, containers, mounts, cgroups and shim sockets
behind. All of them carry the folder's name or path, which is how they are found and
removed: at the end, and for folders whose owner died without an end, at the next start.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

BASE = Path("/tmp")
PREFIX = "nri-cdi-testbed-"
"""Short, as the path of a socket has at most 107 bytes (unix(7)), but nobody else's."""

UNBORN_PREFIX = "nri-cdi.testbed-"
"""How a folder is called until its owner holds its lock."""

TRAVERSABLE = 0o711
"""Processes in a user namespace must get through to their root file system."""

CGROUPS = Path("/sys/fs/cgroup")
SHIM_SOCKETS = Path("/run/containerd/s")
SHIM_SOCKET = re.compile(rf"{SHIM_SOCKETS}/\w+")
MOUNT_POINT_FIELD = 4  # proc_pid_mountinfo(5)

MARK = "NRI_CDI_TESTBED"
"""The environment variable that names the run to the processes started for it."""

CLEANING_S = 20
POLL_S = 0.02
EXECVE_S = 1


class RunDir:
    """A new folder below ``base`` that is locked as long as its owner lives."""

    def __init__(self, base: Path = BASE) -> None:
        unborn = Path(tempfile.mkdtemp(prefix=UNBORN_PREFIX, dir=base))
        self._lock = _try_lock(unborn)
        # The lock follows the renamed folder, so no sweep ever sees it unlocked.
        self.path = unborn.rename(base / unborn.name.replace(UNBORN_PREFIX, PREFIX, 1))
        self.path.chmod(TRAVERSABLE)
        # What its owner forgets or is interrupted in goes when the interpreter ends.
        self._clean = weakref.finalize(self, _clean_own, self.path, os.getpid())

    @property
    def cgroup_parent(self) -> str:
        """The cgroup, as a path within each hierarchy, for everything of this run."""
        return f"/{self.path.name}"

    def remove(self) -> None:
        """Remove the folder, and end and remove all that belongs to it."""
        self._clean()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def sweep(base: Path = BASE) -> list[Path]:
    """Clean up after runs whose owner is dead, and return their folders."""
    return [path for path in sorted(base.glob(f"{PREFIX}*")) if _swept(path)]


def clean(path: Path) -> None:
    """End every process of a run, then remove its mounts, cgroups, sockets and folder.

    Raises: TimeoutError, naming what refuses to go.
    """
    _until_none(_kill_processes, path)
    _until_none(_unmount, path)
    _until_none(_remove_cgroups, path)
    _remove_shim_sockets(path)
    shutil.rmtree(path)


def _clean_own(path: Path, owner: int) -> None:
    if os.getpid() == owner:  # a fork of the owner is none
        clean(path)


def _swept(path: Path) -> bool:
    try:
        status = path.lstat()
        # Others may write to /tmp; only a folder of our own user's says what to kill.
        if status.st_uid != os.geteuid() or not stat.S_ISDIR(status.st_mode):
            return False
        lock = _try_lock(path)
    except FileNotFoundError:  # another sweep was quicker
        return False
    if lock is None:
        return False
    if path.exists():
        clean(path)
    os.close(lock)
    return True


def _try_lock(folder: Path) -> int | None:
    """An open descriptor of the folder that holds its lock, unless another does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _until_none(step: Callable[[Path], Sequence[object]], path: Path) -> None:
    """Repeat a step until it finds nothing more to do."""
    deadline = time.monotonic() + CLEANING_S
    while left := step(path):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path}: still there after {CLEANING_S} s: {left}")
        time.sleep(POLL_S)


def _kill_processes(path: Path) -> list[int]:
    pids = [pid for pid in _pids() if _belongs(pid, path)]
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return pids


def _pids() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal()]


def _belongs(pid: int, path: Path) -> bool:
    """Whether a process is of the run: by its cgroup, environment or program.

    Containers have the cgroup; the runtime and its shims the variable; plugins that
    the runtime starts have neither, but are in the folder. Zombies have lost all of it.
    """
    try:
        proc = Path("/proc") / str(pid)
        argv = _argv(proc)
        environment = (proc / "environ").read_bytes().split(b"\0")
        cgroups = (proc / "cgroup").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    folder = f"{path}/".encode()
    if not argv[0]:
        return False
    return (
        any(word.startswith(folder) for word in argv[:2])  # a program, or "python3 it"
        or f"{MARK}={path}".encode() in environment
        or any(path.name in line.split("/") for line in cgroups.splitlines())
    )


def _argv(proc: Path) -> list[bytes]:
    """The words of a command line; one empty word for a zombie or a kernel thread.

    For a moment of its execve(2) a process has a program, and no words yet.
    """
    deadline = time.monotonic() + EXECVE_S
    while True:
        line = (proc / "cmdline").read_bytes()
        if line or time.monotonic() > deadline or not _has_program(proc):
            return line.split(b"\0")
        time.sleep(POLL_S)


def _has_program(proc: Path) -> bool:
    try:
        return bool((proc / "exe").readlink().name)
    except OSError:
        return False


def _unmount(path: Path) -> list[str]:
    points = _mount_points(path)
    for point in reversed(points):  # the inner ones first
        subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)
    return points


def _mount_points(path: Path) -> list[str]:
    """The mount points below the folder, in the order they were mounted in."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = (line.split(" ")[MOUNT_POINT_FIELD] for line in lines)
    return [point for point in points if point.startswith(f"{path}/")]


def _remove_cgroups(path: Path) -> list[Path]:
    """Remove the run's cgroup in version 2 and in every hierarchy of version 1."""
    tops = [CGROUPS / path.name, *CGROUPS.glob(f"*/{path.name}")]
    left = [top for top in tops if top.exists()]
    for top in left:
        for folder, _, _ in os.walk(top, topdown=False):
            with suppress(OSError):  # busy until its last process is reaped
                Path(folder).rmdir()
    return left


def _remove_shim_sockets(path: Path) -> None:
    """Remove the sockets of shims, which are all in one folder of the machine.

    Source: containerd, pkg/shim: the folder is a constant, whatever ``state`` is.
    """
    # 1.7 has nothing but the socket's path in "address"; 2.1, more in "bootstrap.json".
    bundles = path.glob("state/io.containerd.runtime.v2.task/*/*")
    for bundle in bundles:
        for name in ("address", "bootstrap.json"):
            with suppress(FileNotFoundError):
                for socket in SHIM_SOCKET.findall((bundle / name).read_text()):
                    Path(socket).unlink(missing_ok=True)
    if set(path.parent.glob(f"{PREFIX}*")) > {path}:
        return  # another run may be about to put a socket into it
    for folder in (SHIM_SOCKETS, SHIM_SOCKETS.parent):
        with suppress(OSError):  # not empty: a runtime of the machine has it
            folder.rmdir()
