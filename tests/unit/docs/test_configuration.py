"""What docs/configuration.md says of files, variables, flags and errors."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from nri_cdi.cli import main
from nri_cdi.config import OPTIONS, Config, parse_config
from nri_cdi.config.overrides import environment_settings
from tests.unit.docs.pages import blocks, read, table
from tools.configdocs import replaced

PAGE = read("docs/configuration.md")

BROKEN = """\
log_level: debug
aliases: [nvidia.cdi.k8s]
policy:
  default: deny
  rules:
    - namespace: [a]
      devices: [nvidia.com/gpu]
      name: a
      action: allow
"""


def test_the_reference_is_that_of_the_code() -> None:
    """To write it anew: python -m tools.configdocs."""
    assert replaced(PAGE) == PAGE


def test_the_table_has_every_option() -> None:
    rows = table(PAGE, "key")
    assert [row[0] for row in rows] == [f"[`{o.key}`](#{o.key})" for o in OPTIONS]


@pytest.mark.parametrize("row", table(PAGE, "key"), ids=lambda row: row[0])
def test_a_default_can_be_set_as_it_stands(row: list[str]) -> None:
    key = row[0].partition("`")[2].partition("`")[0]
    assert parse_config(f"{key}: {row[3].strip('`')}", "row") == Config()


@pytest.mark.parametrize("text", blocks(PAGE, "yaml"))
def test_an_example_is_a_configuration(text: str) -> None:
    assert parse_config(text, "example") != Config()


def test_the_example_of_a_variable_sets_what_it_names() -> None:
    [code] = [c for c in PAGE.split("`") if c.startswith("NRI_CDI_EXCLUSIVE=")]
    name, _, value = shlex.split(code)[0].partition("=")
    assert environment_settings({name: value}) == {
        "exclusive": ("nvidia.com/gpu=*", "vendor.com/camera=*")
    }


def test_check_says_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [session] = blocks(PAGE, "text")
    command, _, output = session.partition("\n")
    prompt, program, *arguments = shlex.split(command)
    assert (prompt, program) == ("$", "nri-cdi")
    (tmp_path / "broken.yaml").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.out + printed.err == output
