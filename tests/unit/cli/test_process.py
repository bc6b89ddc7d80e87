"""What the command line says to who started it."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nri_cdi.cli.output import Style
from nri_cdi.cli.process import (
    drop_messages,
    heed_interrupts,
    launched,
    say,
    say_error,
    say_of,
    standard_output,
)
from nri_cdi.errors import NriCdiError, Problem, ResolveError, SpecError


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("one", "nri-cdi: one\n"),
        ("one\nnri-cdi: forged", "nri-cdi: one\\nnri-cdi: forged\n"),
        ("a\x1b[2Jb\rc\x0bd", "nri-cdi: a\\x1b[2Jb\\rc\\x0bd\n"),
    ],
)
def test_messages_go_to_stderr_and_are_harmless(
    message: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    say(message)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", expected)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_label_stands_out_and_its_message_is_harmless(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    say_of("not used", Style.BAD, "a\x1b[2J: wrong")
    assert terminal.getvalue() == (
        "nri-cdi: \x1b[31mnot used\x1b[0m: a\\x1b[2J: wrong\n"
    )


def test_a_label_is_text_where_there_are_no_colours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say_of("not used", Style.BAD, "a: wrong")
    assert capsys.readouterr().err == "nri-cdi: not used: a: wrong\n"


def test_a_runtime_launches_with_a_socket() -> None:
    assert launched({"NRI_PLUGIN_SOCKET": "3"})
    assert not launched({"PATH": "/bin"})


ONE = Problem(rule="a", message="wrong", line=3, column=1)
TWO = Problem(rule="b", message="odd", pointer="kind\x1b")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            SpecError("a\nb", [ONE, TWO]),
            "nri-cdi: a\\nb:3:1: wrong\nnri-cdi: a\\nb: kind\\x1b: odd\n",
        ),
        (ResolveError("not\nhere"), "nri-cdi: not\\nhere\n"),
    ],
)
def test_an_error_has_a_line_for_each_problem(
    error: NriCdiError, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    say_error(error)
    assert capsys.readouterr() == ("", expected)


def test_where_standard_error_is_closed_messages_go_nowhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    say("one")
    drop_messages()
    monkeypatch.undo()
    assert capsys.readouterr() == ("", "")


def test_a_message_that_can_not_be_written_is_thrown_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        say("one")
        drop_messages()
        assert Path(f"/dev/fd/{full.fileno()}").samefile(os.devnull)


def test_that_nobody_reads_messages_any_more_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    theirs, ours = os.pipe()
    os.close(theirs)
    with os.fdopen(ours, "w") as pipe:
        monkeypatch.setattr(sys, "stderr", pipe)
        with pytest.raises(BrokenPipeError):
            say("one")
        drop_messages()


def test_letters_that_standard_output_does_not_have_are_escaped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(data, encoding="ascii"))
    with standard_output():
        print("é")
        sys.stdout.flush()
    assert data.getvalue() == b"\\xe9\n"


def test_any_other_standard_output_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = io.StringIO()
    monkeypatch.setattr(sys, "stdout", text)
    with standard_output():
        print("é")
    assert text.getvalue() == "é\n"


def test_a_closed_standard_output_refuses_what_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OSError, match="Bad file descriptor"), standard_output():
        print("one", flush=True)
    assert sys.stdout is None


@pytest.fixture
def interrupts() -> Iterator[None]:
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.mark.usefixtures("interrupts")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (signal.SIG_DFL, signal.default_int_handler),
        (signal.SIG_IGN, signal.SIG_IGN),
        (signal.default_int_handler, signal.default_int_handler),
    ],
)
def test_interrupts_are_heeded_unless_they_are_ignored(
    before: signal.Handlers, after: signal.Handlers
) -> None:
    signal.signal(signal.SIGINT, before)
    heed_interrupts()
    assert signal.getsignal(signal.SIGINT) is after
