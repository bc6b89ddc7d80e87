"""What a container engine of the test bed is asked for, whichever it is."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from testbed.capture import Capture

RUN_S = 30
"""The longest that any command of an engine's client may take."""

ENDS_AT_ONCE = ("/bin/true",)
"""The command of a container that is made for its OCI spec alone."""


class EngineError(RuntimeError):
    """An engine that does not do what it is asked for; the text says what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A container that the engine had its OCI runtime make.

    ``config`` is its OCI spec, as the runtime got it. ``error`` is what the engine said
    where the runtime, or the command in the container, failed; else it is empty.
    """

    id: str
    config: dict[str, Any]
    output: str
    error: str


class Engine(Protocol):
    """A container engine that injects CDI devices itself."""

    @property
    def cdi_spec_dir(self) -> Path:
        """The one folder that it reads CDI specs from."""

    def version(self) -> str:
        """The engine's own version, such as ``28.5.2+dfsg4``."""

    def run(self, *options: str, command: Sequence[str] = ENDS_AT_ONCE) -> Run:
        """Run a container of the image to its end.

        Raises: EngineError, where the engine refuses before its runtime is asked.
        """


def call(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """What a client's command prints.

    Raises: EngineError.
    """
    done = _finished(command, environment)
    if done.returncode:
        raise EngineError(done.stderr.strip())
    return done.stdout


def observed(
    capture: Capture, command: Sequence[str], environment: Mapping[str, str]
) -> Run:
    """Run a client's command that makes one container.

    Raises: EngineError, where no container was made.
    """
    capture.take()
    done = _finished(command, environment)
    taken = capture.take()
    if not taken:
        raise EngineError(done.stderr.strip())
    ((container_id, config),) = taken.items()
    error = done.stderr.strip() if done.returncode else ""
    return Run(id=container_id, config=config, output=done.stdout, error=error)


def _finished(
    command: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_S,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        words = " ".join(command)
        raise EngineError(f"not done within {RUN_S} s: {words}") from error
