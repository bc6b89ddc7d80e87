"""What a private runtime could leave on the machine: nothing of it may stay."""

from __future__ import annotations

from pathlib import Path

from testbed.rundir import CGROUPS, MARK, SHIM_SOCKETS

MOUNT_POINT_FIELD = 4  # proc_pid_mountinfo(5)
SOCKET_PATH_FIELD = 7  # /proc/net/unix, proc_net(5)


class Leftovers:
    """Knows the folders of the runtimes that the session started."""

    def __init__(self) -> None:
        self._run_dirs: list[Path] = []
        self._sockets = _idle_shim_sockets()

    def watch(self, run_dir: Path) -> None:
        """Look for what belongs to this runtime, too."""
        self._run_dirs.append(run_dir)

    def find(self) -> list[str]:
        """All that is left of the runtimes, in words."""
        found = [each for run_dir in self._run_dirs for each in _of(run_dir)]
        new = _idle_shim_sockets() - self._sockets
        return found + [f"socket {path}" for path in sorted(new)]


def _of(run_dir: Path) -> list[str]:
    path = str(run_dir)
    found = [f"process {pid}" for pid in _processes(path)]
    found += [f"mount {point}" for point in _mounts() if path in point]
    found += [f"socket {socket}" for socket in _bound_sockets() if path in socket]
    found += [f"cgroup {each}" for each in CGROUPS.glob(f"**/{run_dir.name}")]
    return found + ([f"folder {path}"] if run_dir.exists() else [])


def _processes(run_dir: str) -> list[str]:
    """Processes that were started for a run, or whose arguments name it."""
    mark = f"{MARK}={run_dir}\0".encode()
    return [
        each.name
        for each in Path("/proc").iterdir()
        if each.name.isdigit()
        and (
            mark in _read(each / "environ")
            or f"{run_dir}/".encode() in _read(each / "cmdline")
        )
    ]


def _mounts() -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split(" ")[MOUNT_POINT_FIELD] for line in lines]


def _bound_sockets() -> set[str]:
    lines = (
        line.split() for line in _read(Path("/proc/net/unix")).decode().split("\n")
    )
    return {
        words[SOCKET_PATH_FIELD] for words in lines if len(words) > SOCKET_PATH_FIELD
    }


def _idle_shim_sockets() -> set[str]:
    """Sockets of shims that nobody serves; all runtimes share their folder."""
    present = {str(path) for path in SHIM_SOCKETS.glob("*")}
    return present - _bound_sockets()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the process has ended
        return b""
