"""Debian's systemd-analyze, unpacked but not installed, and a root for it to look at.

It needs no systemd that runs. Always the same version says the same of a unit, whatever
the machine has.
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


class Analyzer:
    """Says of a unit what systemd would: it is installed below ``root``, a new folder.

    ``programs`` are paths of programs that the unit starts, which are made there.
    """

    def __init__(self, unit: Path, root: Path, programs: Sequence[str]) -> None:
        roots = [packages.fetch(*each).root for each in packages.SYSTEMD]
        self._program = roots[0] / "usr/bin/systemd-analyze"
        libraries = [path.parent for each in roots for path in each.rglob("lib*.so*")]
        self._libraries = ":".join(sorted({str(path) for path in libraries}))
        self._unit = unit.name
        self._root = root
        (root / UNIT_FOLDER).mkdir(parents=True)
        shutil.copy(unit, root / UNIT_FOLDER)
        shutil.copytree(roots[0] / SYSTEM_UNITS, root / SYSTEM_UNITS, symlinks=True)
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
            [self._program, *words],
            env={"LD_LIBRARY_PATH": self._libraries, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
