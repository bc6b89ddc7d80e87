"""What may come next in a command."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from nri_cdi.cli import VERBS, main, make_parser
from nri_cdi.cli.completion.candidates import VALUES
from nri_cdi.cli.completion.commandline import actions, verb_parsers
from tests.unit.cli.speccing import write

# Arguments that nobody but the user knows a value of.
FREE = frozenset(
    {"CONTAINER", "ID", "KEY", "N", "NAMES", "NN", "PLUGIN", "RUNTIME", "SECONDS"}
)


@pytest.fixture(autouse=True)
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories below the present one, which is the home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "etc/v.json", ["0", "a:b"])
    write(tmp_path / "my specs/w.json", ["0"], kind="w.com/net")
    (tmp_path / "config.yaml").write_text(f"spec_dirs: [{tmp_path}/etc]\n")
    (tmp_path / "bad.yaml").write_text("spec_dirs: 3\n")


def complete(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(["__complete", "--", *words]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out.splitlines()


def values(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    return [line.partition("\t")[0] for line in complete(capsys, *words)]


E = ("--spec-dir", "etc")
DEVICES = ["v.com/gpu=0", "v.com/gpu=a:b"]
LISTINGS = ["devices", "specs", "vendors", "classes", "dirs"]
FORMATS = ["table", "json", "yaml"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sh"], ["show"]),
        (["x"], []),
        ([*E, "sh"], ["show"]),
        (["walk", ""], []),
        (["list", *E, ""], [*LISTINGS, *DEVICES]),
        (["list", *E, "dev"], ["devices"]),
        (["list", "devices", *E, ""], DEVICES),
        (["list", "v.com/gpu=0", *E, ""], DEVICES),
        (["list", "specs", *E, ""], ["etc/v.json"]),
        (["list", "vendors", *E, ""], ["v.com"]),
        (["list", "classes", *E, "x"], []),
        (["list", "dirs", *E, "--spec-dir", "no", ""], ["etc", "no"]),
        (["show", *E, ""], DEVICES),
        (["show", *E, "v.com/gpu=a"], ["v.com/gpu=a:b"]),
        (["show", *E, "v.com/gpu=0", "v.com/gpu=a:"], ["v.com/gpu=a:b"]),
        (["show", *E, "w"], []),
        (["show", "--spec-dir=etc", "v.com/gpu=0"], ["v.com/gpu=0"]),
        ([*E, "show", "v.com/gpu=0"], ["v.com/gpu=0"]),
        (["show", *E, "--spec-dir", "my specs", "w"], ["w.com/net=0"]),
        (["show", "--spec-dir", r"my\ specs", "w"], ["w.com/net=0"]),
        (["show", "--spec-dir", "'my specs'", "w"], ["w.com/net=0"]),
        (["show", "--spec-dir", "~/etc", "v.com/gpu=0"], ["v.com/gpu=0"]),
        (["show", "--spec-dir", "~nobody-here/etc", ""], []),
        (["show", "--config", "config.yaml", ""], DEVICES),
        (["show", "--config", "~/config.yaml", ""], DEVICES),
        (["show", "--config", "bad.yaml", ""], []),
        (["show", *E, "'v.com/gpu=0"], ["v.com/gpu=0"]),
        (["show", *E, "v.com/gpu=*"], []),
        (["show", *E, "--", "v.com/gpu=0"], ["v.com/gpu=0"]),
        (["show", *E, "--", "--"], []),
        (["show", "-o", ""], FORMATS),
        (["show", "-o", "j"], ["json"]),
        (["show", "--output=j"], ["--output=json"]),
        (["show", "--output=x"], []),
        (["show", "--colour=x"], []),
        (["show", "--colour", *E, "v.com/gpu=0"], ["v.com/gpu=0"]),
        (["show", "-ojson", *E, "v.com/gpu=0"], ["v.com/gpu=0"]),
        (["annotate", "--check", *E, "v.com/gpu=0"], ["v.com/gpu=0"]),
        (["show", "--s"], ["--spec-dir"]),
        (["--vers"], ["--version"]),
        (["--spec-dir", ""], [":directories"]),
        (["show", "--spec-dir=x"], [":directories"]),
        (["show", "--config", "x"], [":files"]),
        (["show", "--log-level", "w"], ["warning"]),
        (["run", "--name", ""], []),
        (["run", ""], []),
        (["annotate", "--key", ""], []),
        (["validate", ""], [":files"]),
        (["run", "--", ""], []),
        (["validate", "-", ""], [":files"]),
        (["convert", "--version", "1."], ["1.0.0", "1.1.0"]),
        (["lint", "--ignore", "too-many-p"], []),
        (["completion", "z"], ["zsh"]),
        (["completion", "zsh", ""], []),
        (["__complete", ""], []),
    ],
)
def test_candidates_fit_what_stands_before_them(
    words: list[str], expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert values(capsys, *words) == expected


def test_verbs_options_and_devices_are_described(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert complete(capsys, "an") == ["annotate\tthe annotation that asks for devices"]
    assert complete(capsys, "run", "--so") == ["--socket\tthe runtime's NRI socket"]
    assert complete(capsys, "show", *E, "v.com/gpu=0") == ["v.com/gpu=0\tetc/v.json"]


def test_without_words_the_verbs_come_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    verbs = [name for name, _, _ in VERBS]
    assert values(capsys) == verbs
    assert values(capsys, "") == verbs
    main(["__complete"])
    assert [line.split("\t")[0] for line in capsys.readouterr().out.split("\n")] == [
        *verbs,
        "",
    ]


def test_what_could_be_taken_for_two_lines_is_left_out_or_made_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    write(tmp_path / "odd\n/a\tb.json", ["0"])
    write(tmp_path / ("x" * 100) / "c.json", ["0"], kind="w.com/gpu")
    odd = ("--spec-dir", "odd\n", "--spec-dir", "x" * 100)
    assert values(capsys, "list", "specs", *odd, "") == [f"{'x' * 100}/c.json"]
    assert complete(capsys, "show", *odd, "") == [
        "v.com/gpu=0\todd /a b.json",
        f"w.com/gpu=0\t{'x' * 72}...",
    ]


def test_nobody_finds_the_verb_of_the_scripts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "__complete" not in capsys.readouterr().out


def arguments() -> Iterator[tuple[str, argparse.Action]]:
    """Every argument of every verb."""
    parser = make_parser([name for name, _, _ in VERBS])
    for verb, its_parser in verb_parsers(parser).items():
        for action in actions(its_parser):
            yield verb, action


def test_a_value_is_completed_or_known_to_be_the_users_own() -> None:
    """A new argument needs a decision: its metavar says what completes it."""
    unknown = {
        (verb, action.dest, action.metavar)
        for verb, action in arguments()
        if action.nargs != 0 and action.choices is None
        if action.metavar not in VALUES and action.metavar not in FREE
    }
    assert unknown == set()


def test_every_rule_of_values_is_in_use() -> None:
    assert set(VALUES) <= {action.metavar for _, action in arguments()}
