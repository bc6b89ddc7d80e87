"""The plugin as a process of its own: what a node's service manager starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from testbed.containerd import Containerd

PROGRAM = Path(sys.executable).with_name("nri-cdi")
"""The installed program, beside the interpreter that runs the tests."""

SERVING = "synchronized"
"""The word of the line that says: from now on containers get their devices."""

SERVING_S = 20
STOPPING_S = 5
POLL_S = 0.01
AT_REST_S = 0.05
AT_REST_TRIES = 100

# What the log says once the status is served, which is before or after that.
STATUS = "status: served on"

# What the log says only when something in the plugin is wrong.
BUGS = ("Traceback", "with a bug in the plugin")


class PluginProcess:
    """``nri-cdi run`` with these arguments; a context manager that starts and ends it.

    ``environment`` is all of the process's environment. Its log goes to the file
    ``log``, which goes on across starts. ``program`` is the ``nri-cdi`` to run.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        program: Path = PROGRAM,
    ) -> None:
        self._program = program
        self._arguments = arguments
        self._log = log
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._seen = 0

    def __enter__(self) -> PluginProcess:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.kill()
        if kind is None:
            found = [bug for bug in BUGS if bug in self.log_text()]
            assert not found, f"the plugin's log has {found}:\n{self.log_text()}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the plugin is not started"
        return self._process.pid

    def start(self) -> None:
        """Start the process, without waiting for it to serve."""
        assert self._process is None, "the plugin is started already"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "run", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )

    def await_serving(self, *others: str) -> None:
        """Wait until it is synchronized with the runtime, once more than before.

        And for a line with each of the ``others``, which may come before it or after.
        """
        before, seen = self._seen, []
        for text in (SERVING, *others):
            self._seen = before
            self.await_line(text)
            seen.append(self._seen)
        self._seen = max(seen)

    def await_line(self, text: str) -> str:
        """The first line with ``text`` after the last one that was waited for."""
        deadline = time.monotonic() + SERVING_S
        while True:
            # Lines that are written meanwhile count, even if the process has ended.
            ended = self._process is not None and self._process.poll() is not None
            lines = self.log_text().splitlines(keepends=True)
            for number in range(self._seen, len(lines)):
                if text in lines[number] and lines[number].endswith("\n"):
                    self._seen = number + 1
                    return lines[number]
            assert not ended, f"the plugin has ended:\n{self.log_text()}"
            assert time.monotonic() < deadline, (
                f"no {text!r} in {SERVING_S} s:\n{self.log_text()}"
            )
            time.sleep(POLL_S)

    def log_text(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self, timeout_s: float = STOPPING_S) -> int:
        """Wait for its end, and return its exit status.

        Raises: subprocess.TimeoutExpired.
        """
        assert self._process is not None, "the plugin is not started"
        status = self._process.wait(timeout_s)
        self._process = None
        return status

    def stop(self) -> int:
        """Stop it with SIGTERM, and return its exit status."""
        self.send(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it with SIGKILL, if it runs."""
        if self._process is not None:
            self._process.kill()
            self.wait()


def descriptors(pid: int) -> list[str]:
    """What the open file descriptors of a process are, once they stay the same.

    A scan of the specs has some for a moment.
    """
    before: list[str] = []
    for _ in range(AT_REST_TRIES):
        now = _descriptors(pid)
        if now == before:
            return now
        before = now
        time.sleep(AT_REST_S)
    raise TimeoutError(f"the descriptors of {pid} change all the time: {before}")


def _descriptors(pid: int) -> list[str]:
    found = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.append(str(each.readlink()))
    return sorted(found)


def resident_kib(pid: int) -> int:
    """The resident memory of a process. Source: proc_pid_status(5), VmRSS."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ValueError(f"process {pid} has no memory: it has ended")


@contextmanager
def serving(
    containerd: Containerd, arguments: Sequence[str], log: Path, *others: str
) -> Iterator[PluginProcess]:
    """A plugin with these arguments, from when it is synchronized with the runtime.

    And from when its log has a line with each of the ``others``.
    """
    plugin = PluginProcess(arguments, log=log, environment=containerd.environment)
    with plugin:
        plugin.await_serving(*others)
        yield plugin


def write_config(
    path: Path, containerd: Containerd, spec_dir: Path, settings: Mapping[str, Any]
) -> list[str]:
    """Write a configuration with all that a plugin needs; the arguments to use it."""
    own = {"socket": str(containerd.nri_socket), "spec_dirs": [str(spec_dir)]}
    path.write_text(yaml.safe_dump({**own, **settings}))
    return ["--config", str(path)]
