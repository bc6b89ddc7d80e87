from __future__ import annotations

import logging
import os
from queue import SimpleQueue
from typing import Any

import pytest

from nri_cdi.logs import (
    QUEUE_LIMIT,
    LineFormatter,
    LineWriter,
    QueuedHandler,
    StderrHandler,
    logging_to_stderr,
)


def record(level: int, text: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("nri_cdi", level, "file.py", 1, text, args, None)


@pytest.mark.parametrize(
    ("level", "line"),
    [
        (logging.DEBUG, "<7>pod a"),
        (logging.INFO, "<6>pod a"),
        (logging.WARNING, "<4>pod a"),
        (logging.ERROR, "<3>pod a"),
        (logging.CRITICAL, "<3>pod a"),
    ],
)
def test_the_journal_gets_the_priority_and_no_time(level: int, line: str) -> None:
    formatter = LineFormatter(journal=True)
    assert formatter.format(record(level, "pod %s", "a")) == line


def test_a_terminal_gets_time_and_level() -> None:
    line = LineFormatter(journal=False).format(record(logging.INFO, "pod %s", "a"))
    assert line.endswith(" INFO pod a")
    assert line[:2] == "20"


@pytest.mark.parametrize("journal", [False, True])
def test_nobody_can_forge_a_line(journal: bool) -> None:
    forged = record(logging.INFO, "pod %s", "a\n<0>all is lost\r\nINFO fine")
    line = LineFormatter(journal=journal).format(forged)
    assert line.endswith(r"pod a\n<0>all is lost\r\nINFO fine")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\0b", r"a\x00b"),
        ("\x1b]0;x\x07", r"\x1b]0;x\x07"),
        ("a\u2028b\u0085c", r"a\u2028b\x85c"),
        ("größe ✓", "größe ✓"),
        ("x" * 9000, "x" * 8189 + "… (9003 characters)"),
    ],
)
def test_a_line_is_readable_and_not_too_long(text: str, shown: str) -> None:
    line = LineFormatter(journal=True).format(record(logging.INFO, "%s", text))
    assert line == f"<6>{shown}"


def test_an_exception_stays_on_its_line() -> None:
    try:
        raise KeyError("main")
    except KeyError as error:
        failed = record(logging.ERROR, "failed")
        failed.exc_info = (type(error), error, error.__traceback__)
    line = LineFormatter(journal=True).format(failed)
    assert line.startswith(r"<3>failed\nTraceback (most recent call last):\n")
    assert line.endswith(r"\nKeyError: 'main'")
    assert "\n" not in line


def test_a_full_queue_drops_lines_and_says_so_later() -> None:
    queue: SimpleQueue[Any] = SimpleQueue()
    handler = QueuedHandler(queue)
    for number in range(QUEUE_LIMIT + 3):
        handler.emit(record(logging.INFO, "line %d", number))
    assert queue.qsize() == QUEUE_LIMIT
    queue.get()
    handler.emit(record(logging.INFO, "line %d", 7))
    last = [queue.get() for _ in range(QUEUE_LIMIT)][-1]
    assert last.getMessage() == "(3 log lines were lost before this one) line 7"


def test_lines_reach_stderr_before_the_context_ends(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with logging_to_stderr("info", {"JOURNAL_STREAM": "1:2"}):
        logging.getLogger("nri_cdi.test").info("hello %s", "world")
        logging.getLogger("nri_cdi.test").debug("not this")
    assert capfd.readouterr().err == "<6>hello world\n"


def test_a_mistake_in_one_line_does_not_end_the_log() -> None:
    reading, writing = os.pipe()
    target = StderrHandler(writing)
    target.setFormatter(LineFormatter(journal=True))
    target.emit(record(logging.INFO, "%d", "one"))
    target.emit(record(logging.INFO, "two"))
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        assert stream.read() == (
            b"<3>a log line could not be made: '%d' ('one',)\n<6>two\n"
        )


def test_a_reader_that_stands_still_holds_nobody_up() -> None:
    """A full pipe blocks the thread that writes, and no other."""
    reading, writing = os.pipe()
    queue: SimpleQueue[Any] = SimpleQueue()
    handler = QueuedHandler(queue)
    target = StderrHandler(writing)
    target.setFormatter(LineFormatter(journal=True))
    writer = LineWriter(queue, target)
    writer.start()
    for _ in range(2000):  # 200 KB, and a pipe holds 64
        handler.emit(record(logging.INFO, "x" * 97))
    writer.stop()  # gives up
    with os.fdopen(reading, "rb") as stream:
        lines = [stream.readline() for _ in range(2000)]
    os.close(writing)
    assert lines == [b"<6>" + b"x" * 97 + b"\n"] * 2000
