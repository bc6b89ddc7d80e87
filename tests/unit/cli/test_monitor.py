"""``nri-cdi monitor``."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from inotify_simple import INotify

from nri_cdi.cdi import following
from nri_cdi.cli import main
from tests.unit.cli.speccing import device, write

DEADLINE_S = 20


@pytest.fixture(autouse=True)
def cdi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with two devices in it, below the present one."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "cdi/v.json", ["0", "1"])
    return tmp_path / "cdi"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["monitor", "--spec-dir", "cdi", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_nothing_happens_and_it_ends_in_time(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(capsys, "--timeout", "0") == (0, "", "nri-cdi: following cdi\n")


def test_what_is_there_first_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--initial", "--timeout", "0")
    assert status == 0
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    assert re.fullmatch(
        rf"{moment}  added       v\.com/gpu=0 \(cdi/v\.json\)\n"
        rf"{moment}  added       v\.com/gpu=1 \(cdi/v\.json\)\n",
        out,
    )


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_each_event_is_an_object_on_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "--initial", "--timeout", "0", "-o", "json")
    first, second = objects(out)
    moment = datetime.fromisoformat(first.pop("time"))
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
    assert moment.utcoffset() == timedelta(0)
    assert first == {
        "event": "added",
        "device": "v.com/gpu=0",
        "spec": "cdi/v.json",
        "message": "added v.com/gpu=0 (cdi/v.json)",
    }
    assert second["device"] == "v.com/gpu=1"


def test_it_ends_after_so_many_lines(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--initial", "--count", "1")
    assert (status, out.count("\n")) == (0, 1)


def test_too_few_lines_in_time_are_a_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, _ = run(capsys, "--initial", "--count", "3", "--timeout", "0.01")
    assert (status, out.count("\n")) == (1, 2)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["v.com/gpu=1"], ["v.com/gpu=1"]),
        (["v.com/*=[1-9]", "w.com/*"], ["v.com/gpu=1"]),
        (["v.com/gpu=0", "*1"], ["v.com/gpu=0", "v.com/gpu=1"]),
        (["v.com/gpu=10"], []),
    ],
)
def test_only_events_of_the_devices_that_are_named(
    capsys: pytest.CaptureFixture[str], names: Sequence[str], expected: Sequence[str]
) -> None:
    _, out, _ = run(capsys, "--initial", "--timeout", "0", "-o", "json", *names)
    assert [event["device"] for event in objects(out)] == expected


def test_trouble_with_other_things_is_said_beside(
    cdi: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (cdi / "bad.json").write_text("5")
    status, out, err = run(capsys, "--initial", "--count", "1", "v.com/gpu=1")
    assert (status, out.count("\n")) == (0, 1)
    assert err == (
        "nri-cdi: following cdi\n"
        "nri-cdi: broken cdi/bad.json:1:1: expected a mapping, got an integer\n"
    )


def test_what_is_broken_from_the_beginning_is_said_once(
    cdi: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (cdi / "bad.json").write_text("5")
    words = "cdi/bad.json:1:1: expected a mapping, got an integer"
    assert run(capsys, "--timeout", "0") == (
        0,
        "",
        f"nri-cdi: not used: {words}\nnri-cdi: following cdi\n",
    )
    _, out, err = run(capsys, "--initial", "--timeout", "0")
    assert out.count(words) == 1
    assert err == "nri-cdi: following cdi\n"


def test_control_characters_do_no_harm(
    cdi: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (cdi / "v.json").rename(cdi / "\x1b[31m\n.json")
    _, out, _ = run(capsys, "--initial", "--timeout", "0")
    assert out.count("(cdi/\\x1b[31m\\n.json)\n") == 2


def test_a_name_of_bytes_is_told_to_programs(
    cdi: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = os.fsdecode(b"\xff.json")
    (cdi / "v.json").rename(cdi / name)
    _, out, _ = run(capsys, "--initial", "--count", "1", "-o", "json")
    assert out.isascii()
    assert objects(out)[0]["spec"] == f"cdi/{name}"


def refuse(*args: object, **kwargs: object) -> None:
    raise OSError(24, "Too many open files")


def test_that_it_looks_every_second_only_is_said(
    cdi: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(INotify, "__init__", refuse)
    monkeypatch.setattr(following, "POLL_S", 0.01)
    status, out, err = run(capsys, "--initial", "--timeout", "0.05")
    assert (status, out.count("\n")) == (0, 2)
    assert err == (
        "nri-cdi: following cdi\n"
        "nri-cdi: can't use inotify: too many open files, see "
        "fs.inotify.max_user_instances and RLIMIT_NOFILE; the directories are read "
        "every second instead\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gpu"], "argument NAME: 'gpu' is not a qualified device name"),
        (["--count", "0"], "argument --count: '0' is not a number from 1 on"),
        (["--count", "x"], "argument --count: 'x' is not a number from 1 on"),
        (["--timeout", "-1"], "argument --timeout: '-1' is not a number of seconds"),
        (["--timeout", "nan"], "argument --timeout: 'nan' is not a number of seconds"),
        (["--timeout", "inf"], "argument --timeout: 'inf' is not a number of seconds"),
        (["--timeout", "x"], "argument --timeout: 'x' is not a number of seconds"),
        (["-o", "yaml"], "invalid choice: 'yaml'"),
    ],
)
def test_bad_usage_is_told(
    capsys: pytest.CaptureFixture[str], arguments: Sequence[str], said: str
) -> None:
    with pytest.raises(SystemExit) as exited:
        run(capsys, *arguments)
    assert exited.value.code == 2
    assert said in capsys.readouterr().err


# As a process.


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command, once it follows the directory."""
    command = [sys.executable, "-m", "nri_cdi", "monitor", "--spec-dir", "cdi"]
    with subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        assert started.stderr is not None
        try:
            assert started.stderr.readline() == "nri-cdi: following cdi\n"
            yield started
        finally:
            started.kill()


def test_a_change_is_printed_at_once(cdi: Path) -> None:
    with process("-o", "json") as started:
        assert started.stdout is not None
        # At once: half a file would be an event of its own.
        write(cdi / "v.new", [device("0", {"env": ["A=2"]}), "1", "2"])
        (cdi / "v.new").rename(cdi / "v.json")
        changed, added = (json.loads(started.stdout.readline()) for _ in range(2))
        assert (changed["event"], changed["device"]) == ("changed", "v.com/gpu=0")
        assert (added["event"], added["device"]) == ("added", "v.com/gpu=2")


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_a_signal_ends_it_without_a_word(number: int, status: int) -> None:
    with process() as started:
        started.send_signal(number)
        assert started.communicate(timeout=DEADLINE_S) == ("", "")
        assert started.returncode == status


def test_it_ends_when_its_reader_does_though_nothing_happens() -> None:
    with process() as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.close()
        assert select.select([started.stderr], [], [], DEADLINE_S)[0]
        assert started.stderr.read() == ""
        assert started.wait(DEADLINE_S) == 0


def test_it_ends_when_its_reader_has_read_enough() -> None:
    command = f"{sys.executable} -m nri_cdi monitor --initial --spec-dir cdi | head -1"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, timeout=DEADLINE_S, check=True
    )
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b"nri-cdi: following cdi\n"
