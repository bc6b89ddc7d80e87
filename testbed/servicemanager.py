"""A real systemd that runs services beside a private containerd, in namespaces.

It is process 1 of a PID namespace of its own, and sees the machine's file system
read-only but for a folder: nothing of what it starts can change the machine. It knows
no units but those that it is given.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed.rundir import CGROUPS
from testbed.systemd import Systemd

TARGET = "trial.target"

# What has the manager start, and end, as the machine's own would be told to.
TARGET_UNIT = """\
[Unit]
DefaultDependencies=no
"""

# Within a cgroup of its own, so that it takes that for the top of all. Those of a
# hierarchy that takes nobody without being told more (cpuset) are not for it.
ENTER = """\
for cgroup in "$@"; do
    mkdir -p "$cgroup" && echo $$ > "$cgroup/cgroup.procs" || true
done 2>/dev/null
exec unshare --pid --fork --kill-child --mount --mount-proc --uts --ipc --cgroup \
    sh -euc "$BOOT" boot
"""

# Source: systemd's "The Container Interface".
BOOT = """\
mount --make-rprivate /
while umount --recursive --lazy /sys/fs/cgroup; do :; done 2>/dev/null
mount -t tmpfs -o mode=755 run /run
mount --bind "$FOLDER" "$FOLDER"
mount -o remount,bind,ro /
exec env --unset=BOOT "$MANAGER" --system --unit="$TARGET" --log-target=null \
    --show-status=no
"""

STARTING_S = 20
CALL_S = 60
POLL_S = 0.05


class ServiceManagerError(RuntimeError):
    """It doesn't start, or doesn't do what it is told; the text has what it said."""


class ServiceManager:
    """A systemd with these ``units``, their texts by path, for a ``with``.

    A drop-in's path is ``name.service.d/some.conf``. ``folder`` is new, and may be
    written to. What runs is in the cgroup ``cgroup_parent``, with which it is to be
    ended should this process die, and has the ``marks`` in its environment.
    """

    def __init__(
        self,
        folder: Path,
        units: Mapping[str, str],
        cgroup_parent: str,
        marks: Mapping[str, str],
    ) -> None:
        folder.mkdir()
        self._folder = folder
        self._systemd = Systemd()
        self._cgroups = _cgroups(cgroup_parent)
        self._marks = marks
        self._log = folder / "systemd.log"
        self._process: subprocess.Popen[bytes] | None = None
        for name, text in {**units, TARGET: TARGET_UNIT}.items():
            path = folder / "units" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def __enter__(self) -> ServiceManager:
        environment = {
            **self._systemd.environment,
            **self._marks,
            "BOOT": BOOT,
            "FOLDER": str(self._folder),
            "MANAGER": str(self._systemd.manager),
            "TARGET": TARGET,
            "container": "other",
            "SYSTEMD_UNIT_PATH": str(self._folder / "units"),
            # Nothing is made of what the machine has in /etc.
            "SYSTEMD_GENERATOR_PATH": "",
            "SYSTEMD_ENVIRONMENT_GENERATOR_PATH": "",
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["sh", "-euc", ENTER, "enter", *map(str, self._cgroups)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        try:
            self._await_target()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            # With process 1 of a namespace all of it ends. Source: pid_namespaces(7).
            self._process.kill()
            self._process.wait()
            self._process = None

    def systemctl(self, *words: str) -> str:
        """What systemctl prints. Raises: ServiceManagerError, if it fails."""
        done = self._call(words)
        if done.returncode != 0:
            raise ServiceManagerError(
                f"systemctl {' '.join(words)}: {done.stdout}{done.stderr}{self.log()}"
            )
        return done.stdout

    def shown(self, unit: str, name: str) -> str:
        """A property of a unit. Raises: ServiceManagerError."""
        return self.systemctl("show", "--property", name, "--value", unit).strip()

    def log(self) -> str:
        """What kept the manager from starting. It says nothing later."""
        return self._log.read_text(errors="replace")

    def _call(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        entered = ["nsenter", "--target", str(self._first()), "--mount", "--pid"]
        return subprocess.run(
            [*entered, str(self._systemd.systemctl), "--no-pager", *words],
            env=self._systemd.environment,
            capture_output=True,
            text=True,
            timeout=CALL_S,
            check=False,
        )

    def _first(self) -> int:
        """Process 1 of the namespace, as it is called outside.

        Raises: ServiceManagerError.
        """
        assert self._process is not None, "the service manager doesn't run"
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        text = children.read_text() if children.exists() else ""
        if not text:
            raise ServiceManagerError(f"systemd has ended:\n{self.log()}")
        return int(text.split()[0])

    def _await_target(self) -> None:
        deadline = time.monotonic() + STARTING_S
        while True:
            try:
                if self.shown(TARGET, "ActiveState") == "active":
                    return
            except ServiceManagerError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(POLL_S)


def _cgroups(parent: str) -> list[Path]:
    """A cgroup below ``parent`` in version 2, or in every hierarchy of version 1."""
    unified = (CGROUPS / "cgroup.procs").exists()
    tops = [CGROUPS] if unified else sorted(CGROUPS.iterdir())
    return [top / parent.lstrip("/") / "services" for top in tops if top.is_dir()]
