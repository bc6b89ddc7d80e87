"""The real ``nri-cdi run``, as a child process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

COMMAND = Path(sys.executable).parent / "nri-cdi"
READY = "synchronized"
"""What the plugin logs once it takes part in the creation of containers."""

READY_S = 20
STOP_S = 10
POLL_S = 0.02


class PluginError(RuntimeError):
    """The plugin does not run; the text has its log."""


class Plugin:
    """A running plugin and the file that it logs to."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    def log_text(self) -> str:
        return self._log.read_text(errors="replace")

    def check(self) -> None:
        """Raises: PluginError, if it has ended."""
        status = self._process.poll()
        if status is not None:
            raise PluginError(f"nri-cdi ended with status {status}:\n{self.log_text()}")

    def wait_ready(self) -> None:
        """Wait until the runtime asks the plugin. Raises: PluginError."""
        deadline = time.monotonic() + READY_S
        while READY not in self.log_text():
            self.check()
            if time.monotonic() > deadline:
                raise PluginError(
                    f"nri-cdi is not ready after {READY_S} s:\n{self.log_text()}"
                )
            time.sleep(POLL_S)

    def stop(self) -> int:
        """Stop it as a service manager does; its exit status comes back."""
        self._process.terminate()
        try:
            return self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def command(nri_socket: Path, spec_dir: Path) -> list[str]:
    """The command line, as on a node but for its paths."""
    options = ["--socket", str(nri_socket), "--spec-dir", str(spec_dir)]
    return [str(COMMAND), "run", *options]


@contextmanager
def running(
    words: list[str], log: Path, environment: Mapping[str, str]
) -> Iterator[Plugin]:
    """The plugin, until the end of the ``with``.

    Raises: PluginError.
    """
    with log.open("wb") as file:
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=environment,
                cwd=log.parent,
                start_new_session=True,
            )
        except OSError as error:
            raise PluginError(f"can't start {words[0]}: {error.strerror}") from error
    plugin = Plugin(process, log)
    try:
        yield plugin
    finally:
        plugin.stop()
