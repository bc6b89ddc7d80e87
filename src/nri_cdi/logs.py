"""Log lines that never hold up a container.

A write to stderr can block: on a full pipe, on a journal that is being restarted. So
records go into a queue, and a thread of their own formats and writes them. Should the
reader stand still for so long that the queue is full, new lines are dropped and
counted.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import Any

# At 300 bytes a line, 3 MB.
QUEUE_LIMIT = 10_000

# Characters of a line. Names in it come from pods and files.
LINE_LIMIT = 8192

# How late a line may be. The thread that writes takes turns with the event loop, so it
# is not to run in the midst of a pod's start: the lines of one request would hold up
# the next.
DELAY_S = 0.05

# sd-daemon(3): the priority of a line for the journal, by logging's level.
_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG_PRIORITY = 7

# How long the last lines may take when the process ends.
STOPPING_S = 1.0

STDERR = 2

_SYSLOG_SOCKET = "/dev/log"


class QueuedHandler(logging.Handler):
    """Puts records into a queue and returns."""

    def __init__(self, queue: SimpleQueue[Any]) -> None:
        super().__init__()
        self._queue = queue
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        if self._queue.qsize() >= QUEUE_LIMIT:
            self._dropped += 1
            return
        if self._dropped:
            record.msg = (
                f"({self._dropped} log lines were lost before this one) {record.msg}"
            )
            self._dropped = 0
        self._queue.put_nowait(record)


class LineWriter:
    """A thread that writes the records of a queue, those of a moment at a time."""

    def __init__(self, queue: SimpleQueue[Any], target: logging.Handler) -> None:
        self._queue = queue
        self._target = target
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, and end; give up on a reader that stands still."""
        self._stopping.set()
        self._queue.put(None)
        self._thread.join(STOPPING_S)

    def _run(self) -> None:
        while (record := self._queue.get()) is not None:
            self._stopping.wait(DELAY_S)
            self._target.emit(record)
            for _ in range(self._queue.qsize()):
                if (record := self._queue.get()) is None:
                    return
                self._target.emit(record)


class StderrHandler(logging.Handler):
    """Writes lines to a descriptor, past Python's buffered stream.

    The stream has a lock. A thread that is stuck in a write would keep it, and the end
    of the process would wait for it.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001
            # A mistake in one log call must not end the log.
            text = f"<3>a log line could not be made: {record.msg!r} {record.args!r}"
        line = memoryview(f"{text}\n".encode(errors="replace"))
        # Where stderr is closed there is nobody left to tell of it.
        with suppress(OSError):
            while line:
                line = line[os.write(self._descriptor, line) :]


class LineFormatter(logging.Formatter):
    """One line a record: its time, or its priority for the journal, and the text.

    Line breaks within a message become visible escapes, so that nobody can forge a line
    through a name that gets logged.
    """

    def __init__(self, *, journal: bool) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        if not self._journal:
            text = super().format(record)
        else:
            text = f"<{_priority(record.levelno)}>{record.getMessage()}"
            if record.exc_info:
                text += "\n" + self.formatException(record.exc_info)
        return _on_one_line(text)


def _on_one_line(text: str) -> str:
    """The text without line breaks and control characters, and not too long."""
    if not text.isprintable():
        text = "".join([c if c.isprintable() else repr(c)[1:-1] for c in text])
    if len(text) > LINE_LIMIT:
        text = f"{text[:LINE_LIMIT]}… ({len(text)} characters)"
    return text


@contextmanager
def logging_to_stderr(
    level: str, environ: Mapping[str, str], *, launched: bool = False
) -> Iterator[None]:
    """Log to stderr, or to syslog when a runtime has launched the process.

    A runtime gives a plugin that it launches /dev/null for stderr.
    Source: NRI pkg/adaptation/plugin.go, newLaunchedPlugin.
    """
    queue: SimpleQueue[Any] = SimpleQueue()
    target = _target(environ, launched=launched)
    writer = LineWriter(queue, target)
    handler = QueuedHandler(queue)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper())
    writer.start()
    try:
        yield
    finally:
        root.removeHandler(handler)
        writer.stop()
        target.close()


def _target(environ: Mapping[str, str], *, launched: bool) -> logging.Handler:
    if launched and os.path.exists(_SYSLOG_SOCKET):  # noqa: PTH110 (a constant, not a path to build on)
        return _syslog()
    handler = StderrHandler(STDERR)
    handler.setFormatter(LineFormatter(journal="JOURNAL_STREAM" in environ))
    return handler


def _syslog() -> logging.Handler:
    from logging.handlers import SysLogHandler  # with pickle and more: 1 MB

    handler = SysLogHandler(_SYSLOG_SOCKET, facility=SysLogHandler.LOG_DAEMON)
    handler.ident = f"nri-cdi[{os.getpid()}]: "
    handler.setFormatter(LineFormatter(journal=False))
    return handler


def _priority(level: int) -> int:
    for threshold, priority in _PRIORITIES:
        if level >= threshold:
            return priority
    return _DEBUG_PRIORITY
