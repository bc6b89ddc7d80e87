from __future__ import annotations

import errno
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Sequence
from io import BytesIO, StringIO
from pathlib import Path

import pytest

from nri_cdi import __version__
from nri_cdi.cli import VERBS, main, meant
from tests.unit.cli.speccing import write


def test_help_names_the_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["--help"])
    assert exited.value.code == 0
    assert "the NRI plugin, in the foreground" in capsys.readouterr().out


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["--version"])
    assert exited.value.code == 0
    assert capsys.readouterr().out == f"nri-cdi {__version__}\n"


def test_run_has_the_flags_that_scripts_rely_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["run", "--help"])
    assert exited.value.code == 0
    text = capsys.readouterr().out
    for flag in ("--socket PATH", "--name NAME", "--index NN", "--spec-dir DIR"):
        assert flag in text
    assert "--config FILE" in text


def test_without_a_verb_the_help_goes_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: nri-cdi ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["walk"], "invalid choice: 'walk'"),
        (["run", "--colour"], "unrecognized arguments: --colour"),
        (["run", "--sock", "/s"], "unrecognized arguments: --sock /s"),
        (["run", "--index"], "--index: expected one argument"),
        (["run", "--colour"], "usage: nri-cdi run "),
        (["run", "--spec-dir"], "usage: nri-cdi run "),
        (["--spec-dir"], "usage: nri-cdi [-h]"),
    ],
)
def test_bad_usage_exits_with_2(
    arguments: Sequence[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    assert exited.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["run", "--index", "5"],
            "nri-cdi: command line: --index: '5' is not an index: two digits, such as "
            "'10'\n",
        ),
        (
            ["--spec-dir", "a", "run", "--spec-dir", "/b", "--name", "a/b"],
            "nri-cdi: command line: --name: 'a/b' is not a plugin name: letters, "
            "digits and the characters _ . + -\n"
            "nri-cdi: command line: --spec-dir: 'a' is not an absolute path\n",
        ),
        (
            ["run", "--config", "/nowhere/c.yaml"],
            "nri-cdi: /nowhere/c.yaml: No such file or directory\n",
        ),
    ],
)
def test_bad_values_exit_with_2_and_say_which(
    arguments: Sequence[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert sorted(captured.err.splitlines()) == sorted(said.splitlines())
    assert captured.out == ""


def test_help_does_not_load_the_event_loop() -> None:
    """--help and the verbs to come pay only for what they use."""
    code = (
        "import sys\nfrom nri_cdi.cli import main\n"
        "try:\n    main(['run', '--help'])\nexcept SystemExit:\n    pass\n"
        "print('asyncio' in sys.modules, 'google.protobuf' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[-1] == "False False"


def test_the_module_is_the_command() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "nri_cdi", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == f"nri-cdi {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        ([], {}, []),
        (["list"], {}, ["list"]),
        ([], {"NRI_PLUGIN_SOCKET": "3"}, ["run"]),
        (["list"], {"NRI_PLUGIN_SOCKET": "3"}, ["list"]),
    ],
)
def test_a_runtime_launches_the_plugin_without_arguments(
    arguments: list[str], environ: dict[str, str], expected: list[str]
) -> None:
    assert meant(arguments, environ) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        ["--spec-dir", "a", "list", "dirs", "--spec-dir", "b", "-o", "json"],
        ["list", "--spec-dir", "a", "dirs", "--spec-dir=b", "-ojson"],
        ["list", "-o", "table", "--spec-dir", "a", "--spec-dir", "b", "dirs", "-ojson"],
    ],
)
def test_global_options_may_stand_on_both_sides_of_the_verb(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    rows = json.loads(capsys.readouterr().out)["dirs"]
    assert [row["path"] for row in rows] == ["a", "b"]


def test_an_error_is_one_message_and_a_problem(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["show", "a/b=c", "--spec-dir", "/nowhere"]) == 1
    assert capsys.readouterr() == (
        "",
        "nri-cdi: unresolvable CDI device: 'a/b=c' is in no spec, nor is its kind\n",
    )


def test_a_broken_configuration_is_bad_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a\x1b[2J\n.yaml"
    path.write_text("spec_dir: []")
    assert main(["list", "--config", str(path)]) == 2
    assert capsys.readouterr().err == (
        f"nri-cdi: {tmp_path}/a\\x1b[2J\\n.yaml:1:1: unknown setting 'spec_dir'; did "
        "you mean 'spec_dirs'?\n"
    )


class Pipe:
    """The end of a pipe that one writes to; nobody reads from the other."""

    def __init__(self) -> None:
        theirs, ours = os.pipe()
        os.close(theirs)
        self.stream = os.fdopen(ours, "w", buffering=1)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_reader_who_has_read_enough_is_no_error(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = {
        "stdout": ["completion", "bash"],
        "stderr": ["list", "--spec-dir", "/nowhere"],
    }
    stream = Pipe().stream
    monkeypatch.setattr(sys, name, stream)
    assert main(arguments[name]) == 141
    stream.close()  # what is in the buffer goes nowhere, without an error


def test_a_full_disk_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Path("/dev/full").open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert main(["completion", "bash"]) == 1
    assert capsys.readouterr().err == (
        "nri-cdi: the output can't be written: no space left on device\n"
    )


@pytest.fixture
def valid(tmp_path: Path) -> str:
    """A spec that nothing is to be said of."""
    write(tmp_path / "valid.json", ["0"])
    return str(tmp_path / "valid.json")


WITHOUT_SPECS = ("run", "--help", "--version", "completion", "__complete")
PRINTING: list[list[str]] = [
    ["--help"],
    ["--version"],
    ["list", "--help"],
    ["list", "dirs", "-o", "json"],
    ["list", "dirs"],
    ["show", "*"],
    ["validate", "valid.json"],
    ["lint", "--rules"],
    ["fmt", "valid.json"],
    ["convert", "valid.json"],
    ["monitor", "--initial", "--count", "1"],
    ["annotate", "v.com/gpu=0"],
    ["completion", "bash"],
]


@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_a_result_that_has_nowhere_to_go_is_a_problem(
    arguments: list[str], valid: str
) -> None:
    status, _, said = _ran(arguments, valid, "exec >&-")
    assert status == 1
    assert said.splitlines()[-1] == "nri-cdi: the output can't be written: it is closed"


@pytest.mark.parametrize("arguments", PRINTING[:4], ids=" ".join)
def test_a_result_on_a_full_disk_is_a_problem_without_a_buffer_too(
    arguments: list[str], valid: str
) -> None:
    said = _ran(arguments, valid, "export PYTHONUNBUFFERED=1; exec >/dev/full")
    assert said == (
        1,
        "",
        "nri-cdi: the output can't be written: no space left on device\n",
    )


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["list", "vendors", "--spec-dir", "/nowhere"], 0),
        (["validate", "valid.json"], 0),
        (["monitor", "--initial", "--count", "1"], 0),
        (["show", "no"], 1),
        (["list", "--colour"], 2),
        (["run", "--index", "x"], 2),
        ([], 2),
    ],
)
def test_what_can_not_be_said_changes_nothing(
    arguments: list[str], status: int, redirected: str, valid: str
) -> None:
    heard = _ran(arguments, valid)
    unheard = _ran(arguments, valid, f"exec {redirected}")
    assert heard[2]
    assert (unheard[0], unheard[2]) == (status, "")
    # A line of monitor starts with the time.
    assert unheard[1][19:] == heard[1][19:]


def test_no_encoding_is_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "é.json"
    spec = {
        "cdiVersion": "0.6.0",
        "kind": "v.com/gpu",
        "annotations": {"a": "é😀"},
        "devices": [{"name": "0", "containerEdits": {"env": ["A=1"]}}],
    }
    path.write_text(json.dumps(spec))
    ascii_only = "export PYTHONIOENCODING=ascii"
    for arguments, expected in {
        ("list",): r"v.com/gpu=0  " + rf"{tmp_path}/\xe9.json  a=\xe9\U0001f600",
        ("monitor", "--initial", "--count", "1"): r"v.com/gpu=0 (",
        ("validate",): r"/\xe9.json: ok",
        ("list", "-o", "json"): r'"a": "\u00e9\ud83d\ude00"',
        ("list", "-o", "yaml"): r'"a": "\U000000e9\U0001f600"',
        ("__complete", "--", "--spec-dir", str(tmp_path), "list", "v"): "v.com/gpu=0",
    }.items():
        status, out, _ = _ran(list(arguments), str(path), ascii_only)
        assert status == 0
        assert expected in out


# What verbs can't do without.
NEEDED = {
    "show": ["*"],
    "convert": ["a"],
    "inject": ["--oci-spec", "a", "v.com/gpu=0"],
    "explain": ["a"],
    "annotate": ["v.com/gpu=0"],
    "completion": ["bash"],
}


@pytest.mark.parametrize("verb", [name for name, _, _ in VERBS])
@pytest.mark.parametrize("before", [True, False])
def test_every_verb_knows_the_log_levels(
    verb: str, before: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    level, command = ["--log-level", "loud"], [verb, *NEEDED.get(verb, [])]
    assert main([*level, *command] if before else [*command, *level]) == 2
    assert capsys.readouterr() == (
        "",
        "nri-cdi: command line: --log-level: 'loud' is not a log level: one of debug, "
        "info, warning, error\n",
    )


def test_a_level_that_there_is_is_taken() -> None:
    assert main(["--log-level", "debug", "list", "--spec-dir", "/nowhere"]) == 0


def test_bad_usage_can_not_speak_to_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["list", "--\x1b[2J\nforged"])
    assert capsys.readouterr().err.splitlines()[-1] == (
        r"nri-cdi list: error: unrecognized arguments: --\x1b[2J\nforged"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", ""],
        ["lint", ""],
        ["fmt", "--check", ""],
        ["convert", ""],
        ["explain", ""],
    ],
    ids=" ".join,
)
def test_what_is_left_of_an_unset_variable_is_no_file(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--spec-dir", str(tmp_path)]) == 2
    assert capsys.readouterr() == (
        "",
        "nri-cdi: command line: FILE: '' is not the name of a file\n",
    )


IMPATIENT = """import signal, sys
class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[0]:
            signal.raise_signal(signal.SIGINT)
{before}
from nri_cdi.__main__ import main
sys.meta_path.insert(0, Impatient())
sys.argv = sys.argv[1:]
sys.exit(main())
"""
IGNORED = "signal.signal(signal.SIGINT, signal.SIG_IGN)"


@pytest.mark.parametrize(
    ("module", "before", "status"),
    [
        ("nri_cdi.cli", "", -signal.SIGINT),
        ("nri_cdi.cli.listing", "", 130),
        ("nri_cdi.cli", IGNORED, 0),
        ("nri_cdi.cli.listing", IGNORED, 0),
    ],
)
def test_ctrl_c_ends_it_without_a_word_while_it_is_loaded(
    module: str, before: str, status: int
) -> None:
    code = IMPATIENT.format(before=before)
    ran = subprocess.run(
        [sys.executable, "-c", code, module, "list", "dirs", "-o", "json"],
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (status, "")


def _ran(arguments: list[str], valid: str, before: str = ":") -> tuple[int, str, str]:
    """The exit status of a process, and what it wrote."""
    script = f'{before}; exec "$@"'
    command = [sys.executable, "-m", "nri_cdi", *arguments]
    folder = Path(valid).parent
    spec_dir = [] if "--spec-dir" in arguments else ["--spec-dir", str(folder)]
    if arguments and arguments[0] not in WITHOUT_SPECS:
        command += spec_dir
    ran = subprocess.run(
        ["sh", "-c", script, "sh", *command],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return ran.returncode, ran.stdout, ran.stderr


class Interrupted:
    """Standard input, at which the user types Ctrl-C."""

    @property
    def buffer(self) -> BytesIO:
        raise KeyboardInterrupt


def test_ctrl_c_ends_it_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Interrupted())
    assert main(["validate", "-"]) == 130
    assert capsys.readouterr() == ("", "")


def test_an_error_of_the_system_that_nobody_expected_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Odd(StringIO):
        def flush(self) -> None:
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(sys, "stdout", Odd())
    with pytest.raises(OSError, match="Invalid argument"):
        main(["completion", "bash"])


@pytest.fixture
def listing(tmp_path: Path) -> list[str]:
    """A command with a long output, and a file whose name is an attack."""
    write(tmp_path / "a.json", [str(number) for number in range(3000)])
    (tmp_path / "b\x1b[2J\udcff.json").write_text("3")
    module = [sys.executable, "-m", "nri_cdi"]
    return [*module, "list", "--spec-dir", str(tmp_path)]


def test_head_may_have_its_line(listing: list[str]) -> None:
    with subprocess.Popen(
        listing, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().split() == [b"NAME", b"SPEC", b"ANNOTATIONS"]
        process.stdout.close()
        said = process.stderr.read().splitlines()
    assert process.returncode == 141
    assert [line.partition(b": ")[2][:8] for line in said] == [b"not used"]


def test_what_is_piped_is_plain(listing: list[str]) -> None:
    environ = {**os.environ, "TERM": "xterm"}
    ran = subprocess.run(listing, capture_output=True, env=environ, check=True)
    assert len(ran.stdout.splitlines()) == 3001
    assert b"\x1b" not in ran.stdout + ran.stderr
    assert rb"b\x1b[2J\udcff.json" in ran.stderr


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_a_terminal_has_colours_unless_it_wants_none(
    listing: list[str], no_color: str, coloured: bool
) -> None:
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "NO_COLOR": no_color}
    with subprocess.Popen(
        [*listing, "v.com/gpu=7"], stdout=theirs, stderr=subprocess.PIPE, env=environ
    ):
        os.close(theirs)
        shown = b""
        while data := _read(ours):
            shown += data
    os.close(ours)
    assert (b"\x1b[36mv.com/gpu=7\x1b[0m" in shown) is coloured
    assert (b"\x1b" in shown) is coloured


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # EIO: the other end is closed
        return b""


@pytest.mark.parametrize("verb", [name for name, _, _ in VERBS])
def test_every_verb_has_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main([verb, "--help"])
    assert exited.value.code == 0
    _, found, examples = capsys.readouterr().out.partition("\nexamples")
    assert found
    assert f"nri-cdi {verb}" in examples


def test_a_listing_takes_no_event_loop_and_no_protobuf(listing: list[str]) -> None:
    code = (
        "import sys\nfrom nri_cdi.cli import main\nmain(sys.argv[1:])\n"
        "unwanted = {'asyncio', 'difflib', 'google.protobuf', 'inotify_simple', "
        "'socket', 'subprocess'}\n"
        "print(sorted(unwanted & sys.modules.keys()))"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-c", code, *listing[3:]],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "devices", "-o", "json", "a*"],
        ["list", "-o", "json", "devices", "a*"],
        ["list", "devices", "a*", "--output=json"],
        ["list", "devices", "-ojson", "--", "a*"],
        ["list", "-o", "json", "--", "devices", "a*"],
    ],
)
def test_options_may_stand_anywhere(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "v.json", ["a1", "b1"], kind="a.com/x")
    write(tmp_path / "w.json", ["c1"], kind="b.com/x")
    assert main(["--spec-dir", str(tmp_path), *arguments]) == 0
    listed = json.loads(capsys.readouterr().out)["devices"]
    assert [device["name"] for device in listed] == ["a.com/x=a1", "a.com/x=b1"]


def test_what_stands_behind_two_dashes_is_no_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["validate", "-o", "json", "--", "-o"]) == 1
    assert json.loads(capsys.readouterr().out)["files"][0]["path"] == "-o"


def test_an_empty_value_is_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--spec-dir", "", "devices"]) == 2
    assert capsys.readouterr().err == (
        "nri-cdi: command line: --spec-dir: '' is not the name of a directory\n"
    )
