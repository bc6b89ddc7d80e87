"""The scripts, and that for bash in a bash on a terminal.

Those for zsh and fish are tried in tests/e2e/test_shells.py, as the test bed has to
fetch these shells.
"""

from __future__ import annotations

import os
import pty
import select
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nri_cdi.cli import main
from tests.unit.cli.speccing import write

DEADLINE_S = 20


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the command in it, two spec directories, and some files."""
    command = tmp_path / "bin" / "nri-cdi"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m nri_cdi "$@"\n')
    command.chmod(0o755)
    write(tmp_path / "etc/v.json", ["0", "a:b", "a:c"])
    write(tmp_path / "extra/w.json", ["0"], kind="w.com/net")
    (tmp_path / "a=b c").mkdir()
    return tmp_path


def environ(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "PATH": f"{home}/bin:{os.defpath}",
        "TERM": "dumb",
        "INPUTRC": os.devnull,
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }


@pytest.fixture(params=["bash", "zsh", "fish"])
def script(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> tuple[str, Path]:
    shell = str(request.param)
    assert main(["completion", shell]) == 0
    path = tmp_path / f"script.{shell}"
    path.write_text(capsys.readouterr().out)
    return shell, path


def test_a_script_says_how_to_install_it_and_asks_the_program(
    script: tuple[str, Path],
) -> None:
    shell, path = script
    text = path.read_text()
    assert f"nri-cdi completion {shell} > /usr/share/" in text
    assert " __complete -- " in text


@pytest.mark.parametrize("script", ["bash"], indirect=True)
def test_bash_understands_its_script(script: tuple[str, Path]) -> None:
    _, path = script
    ran = subprocess.run(["bash", "-n", path], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize("arguments", [[], ["ksh"], ["bash", "zsh"]])
def test_a_shell_without_a_script_is_bad_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["completion", *arguments])
    assert exited.value.code == 2


class Terminal:
    """A bash in which someone types."""

    def __init__(self, home: Path) -> None:
        self._fd, theirs = pty.openpty()
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**environ(home), "PS1": "$ "},
            cwd=home,
            start_new_session=True,
        )
        os.close(theirs)

    def close(self) -> None:
        self._bash.kill()
        self._bash.wait()
        os.close(self._fd)

    def type(self, keys: str, until: str) -> str:
        """Type, and wait for a text; gives all that was shown."""
        os.write(self._fd, keys.encode())
        shown = ""
        deadline = time.monotonic() + DEADLINE_S
        while until not in shown and time.monotonic() < deadline:
            if select.select([self._fd], [], [], 0.1)[0]:
                shown += os.read(self._fd, 65536).decode()
        return shown


@pytest.fixture
def terminal(home: Path) -> Iterator[Terminal]:
    made = Terminal(home)
    made.type("source <(nri-cdi completion bash); echo so''urced\n", "sourced\r\n")
    yield made
    made.close()


def test_the_tab_key_completes_names_that_bash_takes_apart(
    terminal: Terminal,
) -> None:
    """A device has "=" and ":" in it, which are among bash's COMP_WORDBREAKS."""
    shown = terminal.type("nri-cdi sh\t", "show ")
    shown += terminal.type("--spec-dir=et\t", "/")
    shown += terminal.type(" v\t", "gpu=")
    shown += terminal.type("a\t", ":")
    shown += terminal.type("c\t", " ")
    shown += terminal.type("-o y\t", "aml ")
    line = shown.replace("\x07", "").splitlines()[-1]
    assert line.endswith("nri-cdi show --spec-dir=etc/ v.com/gpu=a:c -o yaml ")


# Each is a command, a pattern or a quote to a shell.
EVIL = (
    "a$(touch pwned).json",
    "b=`touch pwned`.json",
    "c;touch pwned.json",
    "*.json",
    "d'e.json",
    'f"g.json',
    "h!i.json",
    "j\nk.json",
)


# What stands before a word, what is typed of it, and what it becomes.
CANDIDATE = "list --spec-dir evil specs"
FILE = "validate"
COMPLETED = [
    (CANDIDATE, "evil/a", r"evil/a\$\(touch\ pwned\).json "),
    (CANDIDATE, "evil/b", r"evil/b=\`touch\ pwned\`.json "),
    (CANDIDATE, "evil/b=", r"evil/b=\`touch\ pwned\`.json "),
    (CANDIDATE, "evil/c", r"evil/c\;touch\ pwned.json "),
    (CANDIDATE, r"evil/\*", r"evil/\*.json "),
    (CANDIDATE, "evil/d", r"evil/d\'e.json "),
    (CANDIDATE, "evil/j", "evil/j"),
    (CANDIDATE, '"evil/c', '"evil/c;touch pwned.json" '),
    # In a quote there is no way to write some of them.
    (CANDIDATE, '"evil/a', '"evil/a'),
    (CANDIDATE, "'evil/d", "'evil/d"),
    (FILE, "evil/a", r"evil/a\$\(touch\ pwned\).json "),
    (FILE, "evil/b=", r"evil/b=\`touch\ pwned\`.json "),
    (FILE, "--config=evil/b=", r"--config=evil/b=\`touch\ pwned\`.json "),
    (FILE, r"evil/\*", r"evil/\*.json "),
    (FILE, "evil/j", "evil/j"),
    (FILE, '"evil/a', r'"evil/a\$(touch pwned).json" '),
]

# At Ctrl-G bash shows the line between bars.
SHOW_LINE = r"""bind -x '"\C-g": printf "|%s|\n" "$READLINE_LINE"'; """


def test_no_name_of_a_file_is_a_command(terminal: Terminal, home: Path) -> None:
    for name in EVIL:
        write(home / "evil" / name, ["0"])
    terminal.type(SHOW_LINE + "echo bo''und\n", "bound\r")
    completed = []
    for before, typed, _ in COMPLETED:
        shown = terminal.type(f"nri-cdi {before} {typed}\t\x07", "|\r\n")
        word = shown.split("|")[-2].removeprefix(f"nri-cdi {before} ")
        completed.append((before, typed, word))
        terminal.type("\x15", "")  # Ctrl-U: the line goes
    assert completed == COMPLETED


BASH = r"""
source <(nri-cdi completion bash)
ask() {
    COMP_LINE=$1 COMP_POINT=$2
    shift 2
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _nri_cdi nri-cdi
    local IFS='|'
    echo "${COMPREPLY[*]}"
}
"""
SHOW = ("nri-cdi", "show", "--spec-dir")


def test_bash_gets_what_it_lacks_of_the_word(home: Path) -> None:
    """As bash calls it: COMP_WORDS has the pieces, and a reply replaces the last."""
    asked: list[tuple[str, tuple[str, ...], str]] = [
        ("show --spec-dir etc v.com/gpu=", ("etc", "v.com/gpu", "="), "0|a:b|a:c"),
        (
            "show --spec-dir etc v.com/gpu=a:",
            ("etc", "v.com/gpu", "=", "a", ":"),
            "b|c",
        ),
        # In an open quote nothing is taken apart.
        (
            'show --spec-dir etc "v.com/gpu=a:c',
            ("etc", '"v.com/gpu=a:c'),
            "v.com/gpu=a:c",
        ),
        ("show --spec-dir=e", ("=", "e"), "etc|extra"),
        ("show --spec-dir=a=b", ("=", "a", "=", "b"), r"b\ c/"),
        ("show --spec-dir a=b", ("a", "=", "b"), r"b\ c/"),
        ("show --spec-dir a=", ("a", "="), r"b\ c/"),
        (r"show --spec-dir a=b\ ", ("a", "=", r"b\ "), r"b\ c/"),
        (r"show --spec-dir a\=b\ ", (r"a\=b\ ",), "a=b c"),
        ("show --spec-dir=~/a=b", ("=", "~/a", "=", "b"), r"b\ c/"),
        ('show --spec-dir="a=b', ("=", '"a=b'), "a=b c"),
        ("show --spec-dir ~/et", ("~/et",), f"{home}/etc"),
        ("show --spec-dir etc x", ("etc", "x"), ""),
    ]
    calls = [
        shlex.join(["ask", f"nri-cdi {line}", str(8 + len(line)), *SHOW, *pieces])
        for line, pieces, _ in asked
    ]
    assert _ran(calls, home) == [expected for _, _, expected in asked]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        # The cursor is within a word: what is right of it doesn't count.
        ("ask 'nri-cdi shxyz' 10 nri-cdi shxyz", "show"),
        # Somebody wants to have words whole.
        (
            "COMP_WORDBREAKS=' '; "
            "ask 'nri-cdi list --spec-dir etc v.com/gpu=a' 40 "
            "nri-cdi list --spec-dir etc v.com/gpu=a",
            "v.com/gpu=a:b|v.com/gpu=a:c",
        ),
        # Nothing that bash would say, and no message of bash's.
        ("ask 'something else' 5 nri-cdi show", ""),
    ],
)
def test_bash_completes_in_other_places(call: str, expected: str, home: Path) -> None:
    assert _ran([call], home) == [expected]


def _ran(calls: list[str], home: Path) -> list[str]:
    ran = subprocess.run(
        ["bash", "--norc", "-c", BASH + "\n".join(calls)],
        capture_output=True,
        text=True,
        env=environ(home),
        cwd=home,
    )
    assert ran.stderr == ""
    return ran.stdout.splitlines()
