from __future__ import annotations

import fcntl
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.logs import logging_to_stderr, set_log_format, set_log_level
from nri_cdi.logs.formats import LINE_LIMIT, JsonFormatter, LineFormatter
from nri_cdi.logs.outputs import STDERR, DescriptorOutput, SyslogOutput
from nri_cdi.logs.repeats import (
    LOGGER_WRITTEN,
    SHOWN,
    TEXTS_LIMIT,
    WINDOW_S,
    WRITTEN,
    Repeats,
)
from nri_cdi.logs.writer import QUEUE_LIMIT, LineWriter, QueuedHandler

W = logging.WARNING
FACTS = {
    "namespace": "research",
    "pod": "train",
    "container": "main",
    "containerId": "2" * 64,
    "devices": ["nvidia.com/gpu=0", "nvidia.com/gpu=1"],
    "mode": "resolve",
    "ms": 0.12,
    "result": "injected",
}
PREFIX_LENGTH = len("<6>")
CLIPPED_LENGTH = len("… (100000 characters)".encode())


def record(
    level: int, text: str, *args: object, facts: Mapping[str, Any] | None = None
) -> logging.LogRecord:
    made = logging.LogRecord("nri_cdi", level, "file.py", 1, text, args, None)
    made.created, made.msecs = 1_700_000_000.25, 250.0
    if facts is not None:
        made.facts = facts
    return made


def failed(error: Exception) -> logging.LogRecord:
    """A record of level ERROR with an exception that was raised."""
    made = record(logging.ERROR, "failed")
    try:
        raise error
    except type(error) as caught:
        made.exc_info = (type(caught), caught, caught.__traceback__)
    return made


# Text


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
    assert formatter.format(record(level, "pod %s", "a", facts=FACTS)) == line


def test_a_terminal_gets_time_and_level() -> None:
    line = LineFormatter(journal=False).format(record(logging.INFO, "pod %s", "a"))
    assert line.endswith(",250 INFO pod a")
    assert line.startswith("2023-11-1")


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
        ("a\ud800b", r"a\ud800b"),
        ("größe ✓", "größe ✓"),
        ("x" * 9000, "x" * 8192 + "… (9000 characters)"),
        ("é" * 5000, "é" * 4096 + "… (5000 characters)"),
        ("a" + "é" * 5000, "a" + "é" * 4095 + "… (5001 characters)"),
    ],
)
def test_a_line_is_readable_and_not_too_long(text: str, shown: str) -> None:
    line = LineFormatter(journal=True).format(record(logging.INFO, "%s", text))
    assert line == f"<6>{shown}"


def test_an_exception_stays_on_its_line() -> None:
    line = LineFormatter(journal=True).format(failed(KeyError("main")))
    assert line.startswith(r"<3>failed\nTraceback (most recent call last):\n")
    assert line.endswith(r"\nKeyError: 'main'")
    assert "\n" not in line


def test_of_a_long_traceback_the_end_is_shown() -> None:
    line = LineFormatter(journal=True).format(failed(ValueError("x" * 9000 + "END")))
    assert line.startswith("<3>failed\\n(9")
    assert line.endswith("xEND")


# JSON


def test_an_event_is_an_object_with_its_facts() -> None:
    line = JsonFormatter(journal=False).format(
        record(logging.INFO, "pod %s", "a", facts=FACTS)
    )
    assert json.loads(line) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "info",
        "logger": "nri_cdi",
        "message": "pod a",
        **FACTS,
    }


def test_the_journal_gets_the_priority_of_an_object() -> None:
    line = JsonFormatter(journal=True).format(record(logging.ERROR, "a"))
    assert line.startswith('<3>{"time": ')


def test_facts_do_not_hide_what_a_line_is() -> None:
    forged = record(logging.INFO, "a", facts={"level": "error", "message": "b"})
    fields = json.loads(JsonFormatter(journal=False).format(forged))
    assert (fields["level"], fields["message"]) == ("info", "a")


def test_an_exception_is_a_field() -> None:
    fields = json.loads(JsonFormatter(journal=False).format(failed(KeyError("main"))))
    assert fields["message"] == "failed"
    assert fields["exception"].startswith("Traceback (most recent call last):\n")
    assert fields["exception"].endswith("\nKeyError: 'main'")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('a"b\\c\nd\0', 'a"b\\c\nd\0'),
        ("a\x7fb\x85c\u2028d\u202ee", "a\x7fb\x85c\u2028d\u202ee"),
        ("a\ud800b\udfff", "a\\ud800b\\udfff"),
        ("\U000e0001", "\U000e0001"),
        ("größe 😀", "größe 😀"),
    ],
)
def test_foreign_text_comes_out_as_it_was(text: str, shown: str) -> None:
    line = JsonFormatter(journal=False).format(record(logging.INFO, "%s", text))
    assert line.isprintable()
    assert json.loads(line)["message"] == shown


def test_what_is_too_long_is_clipped_and_stays_an_object() -> None:
    facts = {**FACTS, "devices": ["d" * 300] * 1000, "reason": "r" * 9000}
    line = JsonFormatter(journal=False).format(
        record(logging.INFO, "m" * 100_000, facts=facts)
    )
    fields = json.loads(line)
    assert len(line) <= LINE_LIMIT
    assert fields["message"] == "m" * 512 + "… (100000 characters)"
    assert fields["devices"] == ["d" * 300] * 8 + ["and 992 more"]
    assert fields["containerId"] == "2" * 64


LENGTHS = st.sampled_from([0, 1, 33, 200, 5000])
COUNTS = st.sampled_from([0, 1, 9, 1000])


@given(unit=st.text(max_size=3), length=LENGTHS, count=COUNTS)
def test_whatever_a_record_has_it_is_one_line_of_bounded_length(
    unit: str, length: int, count: int
) -> None:
    text = unit * length
    facts = {**dict.fromkeys(FACTS, text), "reason": text, "devices": [text] * count}
    made = record(logging.INFO, "%s", text, facts=facts)
    json_line = JsonFormatter(journal=True).format(made)
    assert {"message", *facts} < json.loads(json_line[PREFIX_LENGTH:]).keys()
    for line in (json_line, LineFormatter(journal=False).format(made)):
        assert line.isprintable()
        assert len(line.encode()) <= LINE_LIMIT + CLIPPED_LENGTH


@pytest.mark.parametrize("character", ["\U000e0001", "\ud800", "\0", "😀", '"'])
def test_the_longest_line_of_json_fits(character: str) -> None:
    text = character * 100_000
    facts = {**dict.fromkeys([*FACTS, "reason", "rule"], text), "devices": [text] * 99}
    line = JsonFormatter(journal=False).format(
        record(logging.INFO, "%s", text, facts=facts)
    )
    assert json.loads(line)["devices"][-1].endswith(" more")
    assert len(line.encode()) <= LINE_LIMIT


def test_facts_without_number_are_a_mistake() -> None:
    facts = {f"fact-{number}": "x" * 100 for number in range(1000)}
    with pytest.raises(ValueError, match="a record has 1004 facts, which is too many"):
        JsonFormatter(journal=False).format(record(logging.INFO, "a", facts=facts))


# What repeats


def admitted(repeats: Repeats, text: str, times: int, now: float = 0.0) -> int:
    return sum(repeats.admits("l", W, text, now) for _ in range(times))


def told(repeats: Repeats, now: float) -> list[str]:
    return [each.text for each in repeats.due(now)]


def test_a_fault_is_written_five_times_and_then_counted() -> None:
    repeats = Repeats()
    assert admitted(repeats, "full", 12) == WRITTEN
    assert told(repeats, WINDOW_S - 1) == []
    assert repeats.next_due() == WINDOW_S
    assert told(repeats, WINDOW_S) == ["7 more in the last minute: full"]
    assert repeats.next_due() is None
    assert told(repeats, 10 * WINDOW_S) == []
    assert admitted(repeats, "full", 12, WINDOW_S) == WRITTEN


def test_a_fault_that_never_stops_is_told_of_each_minute() -> None:
    repeats, lines = Repeats(), []
    for second in range(180):
        admitted(repeats, "full", 1, float(second))
        lines += told(repeats, float(second))
    assert lines == ["55 more in the last minute: full"] * 2


def test_windows_end_though_nobody_asks_meanwhile() -> None:
    repeats = Repeats()
    admitted(repeats, "full", 12)
    assert admitted(repeats, "full", 12, 2 * WINDOW_S) == WRITTEN
    assert told(repeats, 2 * WINDOW_S) == ["7 more in the last minute: full"]


def test_different_faults_are_counted_apart() -> None:
    repeats = Repeats()
    assert admitted(repeats, "pod a refused", 12) == WRITTEN
    assert admitted(repeats, "pod b refused", 12) == WRITTEN
    assert repeats.admits("other", W, "pod a refused", 0.0)


def test_nothing_but_faults_is_held_back() -> None:
    repeats = Repeats()
    times = 2 * LOGGER_WRITTEN
    assert all(repeats.admits("l", logging.INFO, "x", 0.0) for _ in range(times))


def test_the_end_tells_what_was_held_back_until_then() -> None:
    repeats = Repeats()
    admitted(repeats, "full", 6)
    assert [each.text for each in repeats.rest(11.5)] == [
        "1 more in the last 12 s: full"
    ]
    assert repeats.rest(11.5) == []


def test_the_number_has_the_gravest_level_of_those_held_back() -> None:
    repeats = Repeats()
    admitted(repeats, "full", 6)
    repeats.admits("l", logging.ERROR, "full", 0.0)
    [line] = repeats.rest(0.0)
    assert (line.level, line.count, line.logger) == (logging.ERROR, 2, "l")


def test_faults_whose_texts_vary_are_held_back_as_a_whole() -> None:
    repeats = Repeats()
    written = [admitted(repeats, f"pod {number}", 1) for number in range(1000)]
    assert sum(written) == LOGGER_WRITTEN
    assert repeats.admits("other", W, "pod", 0.0)
    assert told(repeats, WINDOW_S) == [
        "400 more in the last minute: different warnings and errors of l"
    ]


def test_a_text_that_is_forgotten_for_others_is_told_of() -> None:
    repeats = Repeats()
    admitted(repeats, "first", 7)
    for number in range(TEXTS_LIMIT - 1):
        admitted(repeats, f"other {number}", 1)
    assert told(repeats, 1.0) == []
    admitted(repeats, "one more", 1)
    assert told(repeats, 1.0) == ["2 more in the last 1 s: first"]


def test_a_text_that_comes_again_is_not_forgotten() -> None:
    repeats = Repeats()
    for number in range(2 * TEXTS_LIMIT):
        admitted(repeats, "again", 1)
        admitted(repeats, f"other {number}", 1)
    assert told(repeats, WINDOW_S)[0] == "507 more in the last minute: again"


def test_of_a_long_fault_the_beginning_is_told() -> None:
    repeats = Repeats()
    admitted(repeats, "x" * 100_000, 6)
    assert told(repeats, WINDOW_S) == ["1 more in the last minute: " + "x" * SHOWN]


# The queue and the thread


class Log:
    """A queue and its thread; lines go to a descriptor, a pipe's unless replaced."""

    def __init__(self) -> None:
        self.reading, self.descriptor = os.pipe()
        self.handler = QueuedHandler()
        output = DescriptorOutput(self.descriptor)
        self.writer = LineWriter(self.handler, output, LineFormatter(journal=True))

    def put(self, level: int, text: str, *args: object) -> None:
        self.handler.emit(record(level, text, *args))

    def replace(self, descriptor: int) -> None:
        """Have what comes go to another file, under the same number."""
        os.dup2(descriptor, self.descriptor)

    def end(self) -> None:
        self.writer.stop()
        os.close(self.descriptor)

    def lines(self) -> list[str]:
        """End it, and read the pipe."""
        self.end()
        with os.fdopen(self.reading, encoding="utf-8") as stream:
            return stream.read().splitlines()


def test_a_full_queue_drops_lines_and_says_so_later() -> None:
    log = Log()
    for number in range(QUEUE_LIMIT + 3):
        log.put(logging.INFO, "%d", number)
    assert log.handler.queue.qsize() == QUEUE_LIMIT
    log.handler.queue.get()
    log.put(logging.INFO, "after")
    with os.fdopen(os.dup(log.reading), encoding="utf-8") as stream:
        log.writer.start()
        lines = [next(stream) for _ in range(QUEUE_LIMIT + 1)]
    assert lines[-2:] == [
        "<6>after\n",
        "<4>3 log lines were lost: the log was not read for too long\n",
    ]
    assert log.lines() == []


def test_what_repeats_is_told_at_the_end() -> None:
    log = Log()
    log.writer.start()
    for _ in range(7):
        log.put(logging.ERROR, "disk full")
    log.put(logging.INFO, "stopped")
    assert log.lines() == [
        *["<3>disk full"] * WRITTEN,
        "<6>stopped",
        "<3>2 more in the last 1 s: disk full",
    ]


def test_what_repeats_is_told_though_nothing_else_is_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nri_cdi.logs.repeats.WINDOW_S", 0.1)
    log = Log()
    log.writer.start()
    for _ in range(7):
        log.put(logging.ERROR, "disk full")
    with os.fdopen(os.dup(log.reading), encoding="utf-8") as stream:
        lines = [next(stream) for _ in range(WRITTEN + 1)]
    assert lines[-1] == "<3>2 more in the last minute: disk full\n"
    assert log.lines() == []


def test_a_mistake_in_one_line_does_not_end_the_log() -> None:
    log = Log()
    log.writer.start()
    log.put(logging.INFO, "%d", "one")
    log.put(logging.ERROR, "%d", "one")
    log.put(logging.INFO, "two")
    assert log.lines() == [
        "<3>a log line could not be made: '%d', line 1",
        "<3>a log line could not be made: '%d', line 1",
        "<6>two",
    ]


def test_a_number_that_json_lacks_does_not_end_the_log() -> None:
    log = Log()
    log.writer.formatter = JsonFormatter(journal=False)
    log.writer.start()
    log.handler.emit(record(logging.INFO, "pod", facts={"ms": float("nan")}))
    [line] = log.lines()
    assert json.loads(line)["message"] == "a log line could not be made: 'pod', line 1"


def test_a_reader_that_stands_still_holds_nobody_up() -> None:
    """A full pipe blocks the thread that writes, and no other."""
    log = Log()
    log.writer.start()
    for _ in range(2000):  # 200 KB, and a pipe holds 64
        log.put(logging.INFO, "x" * 97)
    log.writer.stop()  # gives up
    with os.fdopen(log.reading, "rb") as stream:
        lines = [stream.readline() for _ in range(2000)]
    os.close(log.descriptor)
    assert lines == [b"<6>" + b"x" * 97 + b"\n"] * 2000


@contextmanager
def full_disk() -> Iterator[int]:
    with Path("/dev/full").open("wb") as file:
        yield file.fileno()


@contextmanager
def closed_pipe() -> Iterator[int]:
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [(full_disk, "no space left on device"), (closed_pipe, "broken pipe")],
)
def test_lines_that_could_not_be_written_are_told_of_later(
    broken: Callable[[], AbstractContextManager[int]], reason: str
) -> None:
    log = Log()
    good = os.dup(log.descriptor)
    with broken() as descriptor:
        log.replace(descriptor)
        for _ in range(3):
            log.writer.write(record(logging.INFO, "lost"))
    log.replace(good)
    os.close(good)
    log.writer.start()
    log.put(logging.INFO, "written")
    assert log.lines() == [f"<4>3 log lines were lost: {reason}", "<6>written"]


def test_one_lost_line_is_told_of_at_the_end() -> None:
    log = Log()
    good = os.dup(log.descriptor)
    with full_disk() as descriptor:
        log.replace(descriptor)
        log.writer.write(record(logging.INFO, "lost"))
    log.replace(good)
    os.close(good)
    log.writer.start()
    assert log.lines() == ["<4>1 log line was lost: no space left on device"]


# Where lines go


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nri_cdi.logs.outputs.PATIENCE_S", 0.01)


@pytest.mark.usefixtures("impatient")
def test_a_line_that_was_cut_short_is_ended_before_the_next() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    capacity = fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4 * 4096)
    output = DescriptorOutput(writing)
    output.write(logging.INFO, "a" * (capacity - 4096 - 1))
    with pytest.raises(BlockingIOError):
        output.write(logging.INFO, "b" * 8000)
    with pytest.raises(BlockingIOError):
        output.write(logging.INFO, "c")
    os.read(reading, capacity - 4096)
    output.write(logging.INFO, "d")
    output.write(logging.INFO, "e")
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        assert stream.read() == b"b" * 4096 + b"\nd\ne\n"


def test_a_descriptor_that_never_blocks_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    size = 1 << 20
    output = DescriptorOutput(writing)
    thread = threading.Thread(target=output.write, args=(logging.INFO, "a" * size))
    thread.start()
    with os.fdopen(reading, "rb") as stream:
        assert stream.read(size + 1) == b"a" * size + b"\n"
    thread.join()
    os.close(writing)


KINDS = pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])


@contextmanager
def syslog(path: Path, kind: socket.SocketKind) -> Iterator[Callable[[], bytes]]:
    """A syslog; what is given reads what a sender has sent."""
    with socket.socket(socket.AF_UNIX, kind) as listener:
        listener.bind(str(path))
        listener.settimeout(5)
        if kind is socket.SOCK_DGRAM:
            yield lambda: listener.recv(9000)
        else:
            listener.listen()
            with ExitStack() as stack:
                accepted = cache(lambda: stack.enter_context(listener.accept()[0]))
                yield lambda: accepted().recv(9000)
    path.unlink()


@KINDS
def test_syslog_gets_facility_priority_and_name(
    tmp_path: Path, kind: socket.SocketKind
) -> None:
    output = SyslogOutput(str(tmp_path / "log"), "nri-cdi")
    with syslog(tmp_path / "log", kind) as read:
        output.write(logging.WARNING, "pod a")
        assert read() == b"<28>nri-cdi[%d]: pod a\0" % os.getpid()
    output.close()


@KINDS
def test_syslog_may_be_away_and_come_back(
    tmp_path: Path, kind: socket.SocketKind
) -> None:
    output = SyslogOutput(str(tmp_path / "log"), "nri-cdi")
    with pytest.raises(FileNotFoundError):
        output.write(logging.INFO, "nobody")
    for text in ("first", "second"):
        with syslog(tmp_path / "log", kind) as read:
            output.write(logging.INFO, text)
            assert text.encode() in read()
    output.close()


# The log of the process


def journal(descriptor: int) -> dict[str, str]:
    """The environment of a service whose descriptor leads to the journal."""
    status = os.fstat(descriptor)
    return {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}


def test_lines_reach_stderr_before_the_context_ends(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with logging_to_stderr("info", journal(STDERR)):
        logging.getLogger("nri_cdi.test").info("hello %s", "world")
        logging.getLogger("nri_cdi.test").debug("not this")
    assert capfd.readouterr().err == "<6>hello world\n"


@pytest.mark.parametrize("stream", [None, "", "1:2", "8", "x:y"])
def test_a_stderr_that_is_not_the_journal_gets_no_priorities(
    capfd: pytest.CaptureFixture[str], stream: str | None
) -> None:
    environ = {} if stream is None else {"JOURNAL_STREAM": stream}
    with logging_to_stderr("info", environ):
        logging.getLogger("nri_cdi.test").info("hello")
    assert capfd.readouterr().err.endswith(" INFO hello\n")


def test_level_and_format_can_change_meanwhile(
    capfd: pytest.CaptureFixture[str],
) -> None:
    logger = logging.getLogger("nri_cdi.test")
    with logging_to_stderr("warning", journal(STDERR), log_format="json"):
        logger.info("no")
        logger.warning("yes", extra={"facts": {"pod": "a"}})
        written = ""
        while not written.endswith("\n"):
            written += capfd.readouterr().err
        set_log_level("debug")
        set_log_format("text")
        logger.debug("now")
    assert written.startswith("<4>{")
    assert json.loads(written.removeprefix("<4>"))["pod"] == "a"
    assert capfd.readouterr().err == "<7>now\n"


@pytest.mark.parametrize(
    ("log_format", "ending"), [("text", b" INFO hello\0"), ("json", b'"hello"}\0')]
)
def test_a_launched_process_logs_to_syslog(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    log_format: str,
    ending: bytes,
) -> None:
    path = tmp_path / "log"
    monkeypatch.setattr("nri_cdi.logs.process.SYSLOG_SOCKET", str(path))
    with syslog(path, socket.SOCK_DGRAM) as read:
        with logging_to_stderr("info", {}, launched=True, log_format=log_format):
            logging.getLogger("nri_cdi.test").info("hello")
        line = read()
    assert line.startswith(b"<30>nri-cdi[%d]: " % os.getpid())
    assert line.endswith(ending)
    assert capfd.readouterr().err == ""


def test_a_launched_process_without_syslog_logs_to_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("nri_cdi.logs.process.SYSLOG_SOCKET", str(tmp_path / "log"))
    with logging_to_stderr("info", {}, launched=True):
        logging.getLogger("nri_cdi.test").info("hello")
    assert capfd.readouterr().err.endswith(" INFO hello\n")


def test_a_process_whose_stderr_is_gone_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, writing = os.pipe()
    os.close(writing)
    monkeypatch.setattr("nri_cdi.logs.process.STDERR", writing)
    with logging_to_stderr("info", {"JOURNAL_STREAM": "1:2"}):
        logging.getLogger("nri_cdi.test").info("hello")
    with os.fdopen(reading, "rb") as stream:
        assert stream.read() == b""


def test_a_format_for_a_process_without_a_log_changes_nothing() -> None:
    before = list(logging.getLogger().handlers)
    set_log_format("json")
    assert logging.getLogger().handlers == before
