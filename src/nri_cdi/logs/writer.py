"""The thread that formats and writes what the program logs, and the queue before it.

To write a line can block: on a full pipe, on a journal that is being restarted. And to
make one takes longer than to answer for a container. So a call that logs puts a record
into a queue and returns. Should the reader stand still for so long that the queue is
full, new records are dropped and counted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from queue import Empty, SimpleQueue
from typing import Any

from nri_cdi.logs.formats import FACTS
from nri_cdi.logs.outputs import Output
from nri_cdi.logs.repeats import Repeated, Repeats

# At 300 bytes a record, 3 MB.
QUEUE_LIMIT = 10_000

# How late a line may be. The thread that writes takes turns with the event loop, so it
# is not to run in the midst of a pod's start: the lines of one request would hold up
# the next.
DELAY_S = 0.05

# How long the last lines may take when the process ends.
STOPPING_S = 1.0

_STOOD_STILL = "the log was not read for too long"

_LOGGER = "nri_cdi.logs"


class QueuedHandler(logging.Handler):
    """Puts records into a queue and returns."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: SimpleQueue[Any] = SimpleQueue()
        self.dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        # Called with the handler's lock, so the number is right for all threads.
        if self.queue.qsize() >= QUEUE_LIMIT:
            self.dropped += 1
            return
        self.queue.put_nowait(record)


class LineWriter:
    """A thread that writes the records of a handler, those of a moment at a time."""

    def __init__(
        self,
        handler: QueuedHandler,
        output: Output,
        formatter: logging.Formatter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``formatter`` may be replaced at any time. ``clock`` never goes back."""
        self.formatter = formatter
        self._handler = handler
        self._output = output
        self._clock = clock
        self._repeats = Repeats()
        self._dropped = 0
        self._lost = 0
        self._why_lost = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, and end; give up on a reader that stands still."""
        self._stopping.set()
        self._handler.queue.put(None)
        self._thread.join(STOPPING_S)

    def _run(self) -> None:
        queue, running = self._handler.queue, True
        while running:
            try:
                record = queue.get(timeout=self._patience_s())
            except Empty:
                self._tell(self._repeats.due(self._clock()))
                continue
            self._stopping.wait(DELAY_S)
            running = self._write_batch(record)
        self._tell(self._repeats.rest(self._clock()))

    def _patience_s(self) -> float | None:
        due = self._repeats.next_due()
        return None if due is None else max(0.0, due - self._clock())

    def _write_batch(self, record: logging.LogRecord | None) -> bool:
        """Write a record and those behind it; whether none of them is the end."""
        waiting = self._handler.queue.qsize()
        while record is not None and waiting:
            self.write(record)
            record = self._handler.queue.get()
            waiting -= 1
        if record is not None:
            self.write(record)
        self._notice_dropped()
        self._tell(self._repeats.due(self._clock()))
        return record is not None

    def write(self, record: logging.LogRecord) -> None:
        """Write a record at once, unless it repeats too often. For one thread alone."""
        if record.levelno < logging.WARNING or self._admits(record):
            self._put_out(record)

    def _admits(self, record: logging.LogRecord) -> bool:
        return self._repeats.admits(
            record.name, record.levelno, _text(record), self._clock()
        )

    def _notice_dropped(self) -> None:
        """Count what the handler had no place for. It came after all of this batch."""
        dropped = self._handler.dropped
        if dropped != self._dropped:
            self._lost += dropped - self._dropped
            self._why_lost = _STOOD_STILL
            self._dropped = dropped
        self._tell_lost()

    def _tell(self, repeated: Iterable[Repeated]) -> None:
        for each in repeated:
            facts = {"repeated": each.count}
            self._put_out(_record(each.logger, each.level, each.text, facts))

    def _put_out(self, record: logging.LogRecord) -> None:
        self._tell_lost()
        self._try(record)

    def _tell_lost(self) -> None:
        if not self._lost:
            return
        lost, self._lost = self._lost, 0
        lines = "1 log line was" if lost == 1 else f"{lost} log lines were"
        text = f"{lines} lost: {self._why_lost}"
        if not self._try(_record(_LOGGER, logging.WARNING, text, {"lost": lost})):
            self._lost = lost

    def _try(self, record: logging.LogRecord) -> bool:
        """Write a record if that is possible, and count it as lost if not."""
        try:
            self._output.write(record.levelno, self._line(record))
        except OSError as error:
            self._lost += 1
            self._why_lost = (error.strerror or str(error)).lower()
            return False
        return True

    def _line(self, record: logging.LogRecord) -> str:
        try:
            return self.formatter.format(record)
        except Exception:  # noqa: BLE001
            # A mistake in one log call must not end the log.
            text = f"a log line could not be made: {record.msg!r}, line {record.lineno}"
            return self.formatter.format(_record(record.name, logging.ERROR, text, {}))


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001
        # As in `LineWriter._line`, which tells of it.
        return str(record.msg)


def _record(
    logger: str, level: int, text: str, facts: Mapping[str, Any]
) -> logging.LogRecord:
    record = logging.LogRecord(logger, level, __file__, 0, text, (), None)
    setattr(record, FACTS, facts)
    return record
