from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest

from nri_cdi import __version__
from nri_cdi.cli import main


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
