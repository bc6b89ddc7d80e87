"""Debian's systemd, unpacked but not installed.

Always the same version says and does the same with a unit, whatever the machine has.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from testbed import packages

UNIT_FOLDER = Path("etc/systemd/system")
SYSTEM_UNITS = Path("lib/systemd/system")
"""Where Debian 12's package has the units that others refer to."""

EXECUTABLE = 0o755


class Systemd:
    """The programs of the package, as commands that find their libraries."""

    def __init__(self) -> None:
        roots = [packages.fetch(*each).root for each in packages.SYSTEMD]
        self.root = roots[0]
        libraries = [path.parent for each in roots for path in each.rglob("lib*.so*")]
        folders = ":".join(sorted({str(path) for path in libraries}))
        self.environment = {"LD_LIBRARY_PATH": folders, "LC_ALL": "C.UTF-8"}
        self.analyze = self.root / "usr/bin/systemd-analyze"
        self.systemctl = self.root / "bin/systemctl"
        self.manager = self.root / "lib/systemd/systemd"


class Analyzer:
    """Says of a unit what systemd would, though none runs.

    The unit is installed below ``root``, a new folder.

    ``programs`` are paths of programs that the unit starts, which are made there.
    """

    def __init__(self, unit: Path, root: Path, programs: Sequence[str]) -> None:
        self._systemd = Systemd()
        self._unit = unit.name
        self._root = root
        (root / UNIT_FOLDER).mkdir(parents=True)
        shutil.copy(unit, root / UNIT_FOLDER)
        others = self._systemd.root / SYSTEM_UNITS
        shutil.copytree(others, root / SYSTEM_UNITS, symlinks=True)
        for program in programs:
            path = root / program.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(EXECUTABLE)

    def verify(self) -> str:
        """What is wrong with the unit, in systemd's words; empty if nothing is."""
        done = self._call("verify", "--man=no", f"--root={self._root}", self._unit)
        return done.stdout + done.stderr

    def security(self, *options: str) -> subprocess.CompletedProcess[str]:
        """The unit's exposure, as a table or with ``options`` as something else."""
        common = ["--offline=true", "--no-pager", f"--root={self._root}"]
        return self._call("security", *common, *options, self._unit)

    def system_calls(self, *groups: str) -> set[str]:
        """The system calls of groups such as ``@system-service``."""
        listed = self._call("syscall-filter", "--no-pager", *groups).stdout.split("\n")
        names = {line.strip() for line in listed if line.startswith("    ")}
        return {
            call
            for name in names
            if not name.startswith("#")
            for call in (self.system_calls(name) if name[0] == "@" else {name})
        }

    def _call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._systemd.analyze, *words],
            env=self._systemd.environment,
            capture_output=True,
            text=True,
            check=False,
        )
