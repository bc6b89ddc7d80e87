"""The plugin: the installed program as a process."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("nri-cdi")
SERVING = "synchronized with"
"""What the log says once the plugin takes part in the creation of containers."""

RECOUNTED = "looked at all containers a second time"
"""What the log says once it has done so, of a runtime that has gaps."""

BUGS = re.compile(r"Traceback|with a bug|ended by a bug|the specs can't be read: ")
"""What the log says only if something in the plugin is wrong."""

POLL_S = 0.01
STOPPING_S = 10
SERVING_S = 60

PROJECT = Path(__file__).resolve().parent.parent


class PluginError(RuntimeError):
    """The plugin does not do what it should; the text has the end of its log."""


class Clock:
    """A wall clock; how far it is ahead of the machine's is in a file."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.set(0)

    def set(self, ahead_s: int) -> None:
        """It is so far ahead from now on."""
        new = self._file.with_suffix(".new")
        new.write_text(str(ahead_s))
        new.rename(self._file)

    @property
    def command(self) -> list[str]:
        """How a program that has this clock starts."""
        return [sys.executable, "-m", "soak.jumping", str(self._file)]


@dataclass(slots=True, kw_only=True)
class Usage:
    """What a process took when it began to serve, and when it was looked at last."""

    pid: int
    lived_s: float = 0.0
    memory_kib: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)


class PluginProcess:
    """A running ``nri-cdi run``; its log and its status socket are its own."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        status: Path,
        environment: Mapping[str, str],
    ) -> None:
        self.log = log
        self.status = status
        self._began = time.monotonic()
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=environment,
                cwd=PROJECT,
                start_new_session=True,
            )
        self.usage = Usage(pid=self.pid)
        self.synchronized_at = 0.0

    @property
    def pid(self) -> int:
        return self._process.pid

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")

    def synchronizations(self) -> int:
        """How often the runtime has told it of all containers."""
        return self.log_text().count(SERVING)

    def await_synchronization(self, count: int) -> float:
        """Wait until there were so many, and say when: on the monotonic clock.

        Raises: PluginError.
        """
        deadline = time.monotonic() + SERVING_S
        while self.synchronizations() < count:
            self.check()
            if time.monotonic() > deadline:
                raise self.error(f"not synchronized within {SERVING_S} s")
            time.sleep(POLL_S)
        self.synchronized_at = time.monotonic()
        return self.synchronized_at

    def await_recount(self) -> None:
        """Wait until it has looked again since it was synchronized last.

        Raises: PluginError.
        """
        deadline = time.monotonic() + SERVING_S
        while RECOUNTED not in self.log_text().rpartition(SERVING)[2]:
            self.check()
            if time.monotonic() > deadline:
                raise self.error(f"did not look again within {SERVING_S} s")
            time.sleep(POLL_S)

    def check(self) -> None:
        """Raises: PluginError, if it has ended by itself."""
        status = self._process.poll()
        if status is not None:
            raise self.error(f"ended by itself, with status {status}")

    def error(self, what: str) -> PluginError:
        tail = "\n".join(self.log_text().splitlines()[-20:])
        return PluginError(f"the plugin ({self.pid}) {what}:\n{tail}")

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self) -> None:
        """End it as a service manager does. Raises: PluginError, if that fails."""
        self.look()
        self.send(signal.SIGTERM)
        try:
            status = self._process.wait(STOPPING_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise self.error(f"did not stop within {STOPPING_S} s") from None
        if status != 0:
            raise self.error(f"stopped with status {status}")

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self._process.poll() is None:
            self.look()
            self._process.kill()
            self._process.wait()

    def look(self) -> None:
        """Note its memory and descriptors."""
        with suppress(FileNotFoundError, ProcessLookupError):
            self.usage.memory_kib.append(_resident_kib(self.pid))
            self.usage.descriptors.append(
                len(list(Path(f"/proc/{self.pid}/fd").iterdir()))
            )
            self.usage.lived_s = time.monotonic() - self._began


def _resident_kib(pid: int) -> int:
    """Source: proc_pid_status(5), VmRSS."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ProcessLookupError(f"process {pid} has ended")
