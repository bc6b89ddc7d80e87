"""What the command line and the process that runs it say to each other."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from nri_cdi.cli.output import Style, styled
from nri_cdi.errors import ConfigError, DocumentError, NriCdiError, Problem
from nri_cdi.quoting import printable

EXIT_OK = 0
EXIT_PROBLEMS = 1
EXIT_USAGE = 2


def launched(environ: Mapping[str, str]) -> bool:
    """Whether a runtime started this process as a plugin of its own.

    `nri_cdi.nri.launch` says the same, but to import it takes the event loop along.
    """
    return "NRI_PLUGIN_SOCKET" in environ


def say(message: str) -> None:
    """A line for the person who started the command; it names the program.

    It may have foreign text in it, which is made printable: nobody else can make a line
    that looks like ours.
    """
    write_message(f"nri-cdi: {printable(message)}\n")


def say_of(label: str, style: Style, message: str) -> None:
    """As `say`, with a label in front that stands out where there are colours."""
    label = styled(label, style, sys.stderr)
    write_message(f"nri-cdi: {label}: {printable(message)}\n")


def say_error(error: NriCdiError) -> None:
    """Say what is wrong; of a document every problem, a line each."""
    lines = error.lines() if isinstance(error, DocumentError) else [str(error)]
    for line in lines:
        say(line)


def say_unwritten(path: str, error: OSError) -> None:
    """Say why a file could not be written."""
    reason = error.strerror or "unknown error"
    say(f"{path}: it can't be written: {reason[:1].lower()}{reason[1:]}")


def misused(argument: str, message: str) -> ConfigError:
    """The error for what nobody can mean with an argument of the command line."""
    problem = Problem(rule="value", message=message, pointer=argument)
    return ConfigError("command line", [problem])


def write_message(text: str) -> None:
    """Write to standard error. What can't be written there can be told nowhere else.

    Raises: BrokenPipeError, as somebody has read enough.
    """
    if sys.stderr is None:  # a process may be started without it
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except BrokenPipeError:
        raise
    except OSError:
        # A disk may be full, and no result is to be lost for it.
        return


@contextmanager
def standard_output() -> Iterator[None]:
    """Have a standard output in which anything can be written, unless it is closed.

    What it has no letters for is escaped. If it is closed, to write there is an error
    as it is elsewhere, and not without effect as in Python.
    """
    if sys.stdout is not None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        yield
        return
    # The system refuses to write to what is open for reading.
    descriptor = os.open(os.devnull, os.O_RDONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as closed:
        sys.stdout = closed
        try:
            yield
        finally:
            sys.stdout = None


def heed_interrupts() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt; `nri_cdi.__main__` has held it back.

    Where it is ignored it stays so: a shell does that for what runs in background.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def drop_output() -> None:
    """Throw away what can't be written: Python would try once more at its end."""
    _drop(sys.stdout)
    drop_messages()


def drop_messages() -> None:
    """As `drop_output`, for standard error alone."""
    if sys.stderr is not None:
        _drop(sys.stderr)


def _drop(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
