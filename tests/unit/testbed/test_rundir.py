from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.rundir import BASE, MARK, PREFIX, RunDir, sweep

SLEEP = ["/bin/sleep", "60"]
KILLED = -9
WAIT_S = 20
SHORT = 32

DIES_HARD = f"""
import os, subprocess, sys
from pathlib import Path
from testbed.rundir import MARK, RunDir
run = RunDir(Path(sys.argv[1]))
environment = {{MARK: str(run.path)}}
process = subprocess.Popen({SLEEP!r}, env=environment, stdout=subprocess.DEVNULL)
print(run.path, process.pid, flush=True)
os._exit(0)
"""

FORGETS = """
import sys
from pathlib import Path
from testbed.rundir import RunDir
base = Path(sys.argv[1])
run = RunDir(base)
print(len(list(base.iterdir())))
"""

FORKS = """
import os, sys
from pathlib import Path
from testbed.rundir import RunDir
run = RunDir(Path(sys.argv[1]))
child = os.fork()
if not child:
    sys.exit()
os.waitpid(child, 0)
print(run.path.exists())
"""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDir]:
    made = RunDir(tmp_path)
    yield made
    if made.path.exists():
        made.remove()


def test_a_folder_has_a_short_name_and_its_own_cgroup(run: RunDir) -> None:
    assert len(str(BASE / run.path.name)) < SHORT
    assert run.path.name.startswith(PREFIX)
    assert run.cgroup_parent == f"/{run.path.name}"
    assert run.path.stat().st_mode & 0o777 == 0o711


def test_removal_ends_what_bears_the_mark(run: RunDir) -> None:
    process = subprocess.Popen(SLEEP, env={MARK: str(run.path)})
    run.remove()
    assert process.wait(WAIT_S) == KILLED
    assert not run.path.exists()


def test_removal_ends_a_program_that_is_in_the_folder(run: RunDir) -> None:
    program = run.path / "program"
    program.write_text("#!/bin/sh\nread line\n")
    program.chmod(0o755)
    process = subprocess.Popen([program], stdin=subprocess.PIPE)
    with process:
        run.remove()
        assert process.wait(WAIT_S) == KILLED


def test_removal_spares_who_only_mentions_the_folder(run: RunDir) -> None:
    command = ["/bin/sh", "-c", "read line; exit 7", str(run.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        run.remove()
        process.communicate(b"\n", WAIT_S)
    assert process.returncode == 7


def test_what_is_forgotten_goes_with_its_owner(tmp_path: Path) -> None:
    assert output(FORGETS, tmp_path) == "1\n"
    assert list(tmp_path.iterdir()) == []


def test_the_end_of_a_fork_leaves_its_parents_run_alone(tmp_path: Path) -> None:
    assert output(FORKS, tmp_path) == "True\n"


def test_a_sweep_spares_a_run_whose_owner_lives(run: RunDir) -> None:
    assert sweep(run.path.parent) == []
    assert run.path.exists()


def test_a_sweep_removes_a_run_whose_owner_died(tmp_path: Path) -> None:
    path, pid = output(DIES_HARD, tmp_path).split()
    assert sweep(tmp_path) == [Path(path)]
    assert not Path(path).exists()
    assert SLEEP[0].encode() not in command_line(int(pid))


def output(script: str, base: Path) -> str:
    """What a Python program writes that is given a folder for its runs."""
    command = [sys.executable, "-c", script, str(base)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def command_line(pid: int) -> bytes:
    """The command line of a process; empty for one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
