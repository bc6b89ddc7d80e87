"""The completion scripts, in the zsh and the fish that Debian ships.

bash has tests of its own, tests/e2e/test_bash_completion.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nri_cdi.cli.completion import EPILOG
from testbed.shells import DEADLINE_S, FISH, ZSH, Shell, Terminal

PROGRAM = Path(sys.executable).with_name("nri-cdi")

SHELLS = (ZSH, FISH)

INSTALLED = "installed"
SOURCED = "sourced"

LIST = "list --spec-dir evil specs"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the program in it, two spec directories, and some files."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/nri-cdi").symlink_to(PROGRAM)
    for path, kind, devices in (
        ("etc/v.json", "v.com/gpu", ("0", "a:b", "a:c")),
        ("extra/w.json", "w.com/net", ("0",)),
    ):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text(_spec(kind, devices))
    (tmp_path / "a dir").mkdir()
    (tmp_path / "pods").mkdir()
    (tmp_path / "pod.yaml").touch()
    return tmp_path


def _spec(kind: str, devices: tuple[str, ...]) -> str:
    edits = {"env": ["A=1"]}
    made = [{"name": name, "containerEdits": edits} for name in devices]
    return json.dumps({"cdiVersion": "1.1.0", "kind": kind, "devices": made})


def _advice(shell: Shell, *, installed: bool) -> str:
    """The command with which --help says that this shell gets its script."""
    (advice,) = (
        line.strip()
        for line in EPILOG.splitlines()
        if f"nri-cdi completion {shell.name}" in line
        and ("> /usr/share/" in line) is installed
    )
    return advice


def _installing(shell: Shell) -> str:
    """--help's command, in the folder of a machine where others have scripts, too."""
    advice = _advice(shell, installed=True)
    folder = Path(advice.partition("> ")[2]).parent
    return f"mkdir -p {folder}\n{advice}"


@pytest.fixture(params=SHELLS, ids=lambda shell: str(shell.name))
def shell(request: pytest.FixtureRequest) -> Shell:
    chosen: Shell = request.param
    return chosen


@pytest.fixture(params=[SOURCED, INSTALLED])
def terminal(
    request: pytest.FixtureRequest, shell: Shell, home: Path
) -> Iterator[Terminal]:
    """A shell that has the script in one of the two ways of --help."""
    if request.param == INSTALLED:
        with Terminal(shell, home, before=_installing(shell)) as terminal:
            yield terminal
    else:
        with Terminal(shell, home) as terminal:
            terminal.run(_advice(shell, installed=False))
            yield terminal


def test_the_tab_key_completes(terminal: Terminal) -> None:
    for typed, line in {
        # verbs, options, and values of options
        "nri-cdi sh\t": "nri-cdi show ",
        "nri-cdi show --out\t": "nri-cdi show --output ",
        "nri-cdi show -o j\t": "nri-cdi show -o json ",
        "nri-cdi show --output=j\t": "nri-cdi show --output=json ",
        "nri-cdi completion f\t": "nri-cdi completion fish ",
        # names of devices, as far as they are the same, in the directories given
        "nri-cdi show --spec-dir etc v\t": "nri-cdi show --spec-dir etc v.com/gpu=",
        "nri-cdi show --spec-dir=etc v.com/gpu=a\t": (
            "nri-cdi show --spec-dir=etc v.com/gpu=a:"
        ),
        "nri-cdi --spec-dir ~/etc show v.com/gpu=a:c\t": (
            "nri-cdi --spec-dir ~/etc show v.com/gpu=a:c "
        ),
        "nri-cdi show --spec-dir=etc v\ta\tc\t-o y\t": (
            "nri-cdi show --spec-dir=etc v.com/gpu=a:c -o yaml "
        ),
        "nri-cdi show --spec-dir=etc --spec-dir=extra w\t": (
            "nri-cdi show --spec-dir=etc --spec-dir=extra w.com/net=0 "
        ),
        "nri-cdi show --spec-dir=extra v\t": "nri-cdi show --spec-dir=extra v",
        # files and directories, where these are taken, and nowhere else
        "nri-cdi explain pod.\t": "nri-cdi explain pod.yaml ",
        "nri-cdi validate ex\tw\t": "nri-cdi validate extra/w.json ",
        "nri-cdi list --spec-dir ex\t": "nri-cdi list --spec-dir extra/",
        "nri-cdi list --spec-dir=ex\t": "nri-cdi list --spec-dir=extra/",
        "nri-cdi list --spec-dir a\t": "nri-cdi list --spec-dir a\\ dir/",
        "nri-cdi list --spec-dir po\t": "nri-cdi list --spec-dir pods/",
        "nri-cdi show po\t": "nri-cdi show po",
    }.items():
        assert terminal.line(typed) == line


def test_no_name_of_a_file_is_a_command(
    terminal: Terminal, shell: Shell, home: Path
) -> None:
    names = (
        "a$(touch pwned).json",
        "b=`touch pwned`.json",
        "c;d:e\\f.json",
        "*.json",
        "g\nh.json",
    )
    (home / "evil").mkdir()
    for name in names:
        (home / "evil" / name).write_text(_spec("v.com/gpu", ("0",)))
    # To fish a backquote is a letter.
    quote = {"zsh": "\\`", "fish": "`"}[shell.name]
    for before, typed, word in (
        (LIST, "evil/a", r"evil/a\$\(touch\ pwned\).json "),
        (LIST, '"evil/a', r'"evil/a\$(touch pwned).json" '),
        (LIST, "evil/b=", rf"evil/b={quote}touch\ pwned{quote}.json "),
        (LIST, "evil/c", r"evil/c\;d:e\\f.json "),
        ("validate", "evil/a", r"evil/a\$\(touch\ pwned\).json "),
        ("validate", "evil/b=", rf"evil/b={quote}touch\ pwned{quote}.json "),
        ("validate", "evil/c", r"evil/c\;d:e\\f.json "),
        (
            "list",
            "--config=evil/b=",
            rf"--config=evil/b={quote}touch\ pwned{quote}.json ",
        ),
    ):
        line = terminal.line(f"nri-cdi {before} {typed}\t")
        assert line == f"nri-cdi {before} {word}"
    assert not (home / "pwned").exists()


def test_the_tab_key_shows_what_there_is_to_choose_from(terminal: Terminal) -> None:
    terminal.type("nri-cdi show --spec-dir=etc v\t", "v.com/gpu=")
    # fish leaves out how they begin.
    names = (".com/gpu=0 ", ".com/gpu=a:b ", ".com/gpu=a:c ")
    terminal.type("\t", *names, "etc/v.json")


def test_what_is_completed_is_what_the_program_gets(terminal: Terminal) -> None:
    terminal.type(
        "nri-cdi show --spec-dir=etc v\ta\tc\t-o j\t\r", '"device": "v.com/gpu=a:c"'
    )


def test_a_shell_understands_its_script(shell: Shell, home: Path) -> None:
    script = home / "script"
    script.write_bytes(
        subprocess.check_output([PROGRAM, "completion", shell.name], text=False)
    )
    ran = subprocess.run(
        shell.command(shell.path(), "-n", str(script)),
        env=shell.environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
