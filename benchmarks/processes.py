"""The programs that are measured, each as a process at a stand-in's socket."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nri_cdi.nri import api
from testbed.standin import Connection, StandIn

PROGRAM = Path(sys.executable).with_name("nri-cdi")
"""The installed program, beside the interpreter that runs the benchmarks."""

ROOT = Path(__file__).resolve().parent.parent

ENVIRONMENT = {"PATH": os.defpath, "PYTHONPATH": str(ROOT)}
"""All that a process is told of: the measurements depend on nobody's shell."""

STOPPING_S = 5

STATUS_LINE = "VmRSS:"
BYTES_PER_KB = 1024  # proc_pid_status(5) says kB and counts 1024 bytes


class BenchmarkError(Exception):
    """What was to be measured did not happen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A plugin that is in use: its process, its connection, and its log.

    ``events`` is the mask of the events that it is told of.
    """

    pid: int
    connection: Connection
    log: Path
    events: int

    def resident_bytes(self) -> int:
        """The memory that the process has now. Source: proc_pid_status(5), VmRSS."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(STATUS_LINE):
                return int(line.split()[1]) * BYTES_PER_KB
        raise ProcessLookupError(f"process {self.pid} has ended")


def plugin_command(folder: Path, spec_dir: Path) -> list[str]:
    """The real plugin, for the socket of ``folder``; all else is at its defaults."""
    options = ["--socket", str(socket_path(folder)), "--spec-dir", str(spec_dir)]
    return [str(PROGRAM), "run", *options]


def answer_command(module: str, folder: Path, answer: bytes) -> list[str]:
    """A plugin of this package that gives this answer, for the socket of ``folder``."""
    path = folder / "answer"
    path.write_bytes(answer)
    return module_command(module, str(socket_path(folder)), str(path))


def module_command(module: str, *arguments: str) -> list[str]:
    """A program of this package."""
    return [sys.executable, "-m", f"benchmarks.{module}", *arguments]


def fresh_folder(parent: Path, name: str) -> Path:
    """A new folder for the files of one process, or for specs."""
    folder = parent / name
    folder.mkdir()
    return folder


def socket_path(folder: Path) -> Path:
    return folder / "nri.sock"


@contextmanager
def started(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process until the end of the ``with``; what it writes goes to ``log``."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=ENVIRONMENT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(STOPPING_S)


@contextmanager
def registering(
    command: Sequence[str], folder: Path
) -> Iterator[tuple[subprocess.Popen[bytes], Connection]]:
    """A plugin from its start on; its connection is there, and nothing is read yet.

    Raises: BenchmarkError if it doesn't connect.
    """
    log = folder / "log"
    with (
        StandIn(str(socket_path(folder))) as standin,
        started(command, log) as process,
        _accepted(standin, log) as connection,
    ):
        yield process, connection


def _accepted(standin: StandIn, log: Path) -> Connection:
    try:
        return standin.accept()
    except TimeoutError as error:
        raise BenchmarkError(
            f"the plugin does not connect:\n{log.read_text()}"
        ) from error


@contextmanager
def running(
    command: Sequence[str],
    folder: Path,
    configure: api.ConfigureRequest | None = None,
) -> Iterator[Running]:
    """A plugin that is registered and synchronized; ``configure`` is the runtime."""
    with registering(command, folder) as (process, connection):
        events = connection.start(configure).events
        yield Running(
            pid=process.pid,
            connection=connection,
            log=folder / "log",
            events=events,
        )
