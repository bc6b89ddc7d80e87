"""The log of the process: switched on for as long as it serves, and changed meanwhile.

What can be changed while it runs is found on the root logger, where logging keeps it.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nri_cdi.logs.formats import JsonFormatter, LineFormatter
from nri_cdi.logs.outputs import (
    STDERR,
    SYSLOG_SOCKET,
    DescriptorOutput,
    Output,
    SyslogOutput,
)
from nri_cdi.logs.writer import LineWriter, QueuedHandler

TEXT = "text"
JSON = "json"

_PROGRAM = "nri-cdi"


class _ProcessHandler(QueuedHandler):
    """The handler of the process, and what it takes to give it another format."""

    def __init__(self, output: Output, *, journal: bool, log_format: str) -> None:
        super().__init__()
        self._journal = journal
        self.writer = LineWriter(self, output, _formatter(log_format, journal=journal))

    def use(self, log_format: str) -> None:
        self.writer.formatter = _formatter(log_format, journal=self._journal)


@contextmanager
def logging_to_stderr(
    level: str,
    environ: Mapping[str, str],
    *,
    launched: bool = False,
    log_format: str = TEXT,
) -> Iterator[None]:
    """Log to stderr, or to syslog when a runtime has launched the process.

    A runtime gives a plugin that it launches /dev/null for stderr.
    Source: NRI pkg/adaptation/plugin.go, newLaunchedPlugin.
    """
    output: Output
    if launched and Path(SYSLOG_SOCKET).exists():
        output, journal = SyslogOutput(SYSLOG_SOCKET, _PROGRAM), False
    else:
        stderr = _stderr()
        output, journal = DescriptorOutput(stderr), _is_journal(stderr, environ)
    handler = _ProcessHandler(output, journal=journal, log_format=log_format)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    _leave_out_what_nobody_reads()
    set_log_level(level)
    handler.writer.start()
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        handler.writer.stop()
        output.close()


def _leave_out_what_nobody_reads() -> None:
    """No line says which thread, process, task or line of code it is from.

    To find that out takes as long as the rest of a record.
    Source: Python, Logging HOWTO, "Optimization".
    """
    logging._srcfile = None
    logging.logThreads = False
    logging.logProcesses = False
    logging.logMultiprocessing = False


def set_log_level(level: str) -> None:
    """From now on log what is at least of this level: ``debug`` to ``error``."""
    logging.getLogger().setLevel(level.upper())


def set_log_format(log_format: str) -> None:
    """From now on write lines as ``text`` or ``json``, if the process writes any."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _ProcessHandler):
            handler.use(log_format)


def _formatter(log_format: str, *, journal: bool) -> logging.Formatter:
    if log_format == JSON:
        return JsonFormatter(journal=journal)
    return LineFormatter(journal=journal)


def _stderr() -> int:
    """The descriptor for lines: stderr, or where that is closed, /dev/null.

    A closed one is filled, for the next file to be opened would take its number, be it
    the connection to the runtime, and lines would go there.
    """
    if sys.stderr is not None:
        return STDERR
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor < STDERR:
        descriptor = os.open(os.devnull, os.O_RDWR)
    return descriptor


def _is_journal(descriptor: int, environ: Mapping[str, str]) -> bool:
    """Whether lines go to the journal: the variable alone may be an ancestor's.

    Source: systemd.exec(5), $JOURNAL_STREAM.
    """
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
