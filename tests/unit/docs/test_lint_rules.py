"""The table in docs/lint.md is that of the code, and its examples are what it says."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from nri_cdi.cdi.lint import LintRule
from nri_cdi.cdi.rules import Rule
from nri_cdi.cli import main
from tests.unit.docs.pages import blocks, read, table

PAGE = read("docs/lint.md")

SPEC = """\
cdiVersion: 0.5.0
kind: vendor.com/gpu
devices:
- name: "0"
  containerEdits:
    hooks:
    - hookName: createContainer
      path: /bin/sh
- name: all
  containerEdits: {env: [GPU=all]}
"""


def test_the_page_has_the_rules_of_the_code() -> None:
    assert table(PAGE, "rule") == [
        [f"`{rule.id}`", str(rule.severity), rule.summary] for rule in LintRule
    ]


def test_every_rule_has_a_name_of_its_own() -> None:
    names = [rule.id for rule in LintRule]
    assert len(set(names)) == len(names)
    assert not set(names) & set(map(str, Rule))


def _sessions() -> Iterator[tuple[str, str]]:
    for block in blocks(PAGE, "text"):
        command, _, output = block.partition("\n")
        yield command, output


@pytest.mark.parametrize(("command", "output"), list(_sessions()))
def test_the_examples_print_what_the_page_says(
    command: str,
    output: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prompt, program, *arguments = shlex.split(command)
    assert (prompt, program) == ("$", "nri-cdi")
    (tmp_path / "vendor.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    assert main(["--spec-dir", str(tmp_path), *arguments]) == 1
    printed = capsys.readouterr()
    assert printed.out + printed.err == output


def test_the_library_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "vendor.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    [code] = blocks(PAGE, "python")
    exec(compile(code, "lint.md", "exec"), {})  # noqa: S102
    printed = capsys.readouterr().out
    assert printed.startswith(
        "warning hook-without-env devices[0].containerEdits.hooks"
    )
