"""What docs/command-line.md says of verbs and of the forms of their output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.cli import VERBS, main
from tests.unit.docs.pages import blocks, read, table

PAGE = read("docs/command-line.md")
VALIDATE, LIST, MONITOR = map(json.loads, blocks(PAGE, "json"))

SPEC = """\
cdiVersion: 0.3.0
kind: vendor.com/gpu
devices:
- name: a
  containerEdits: {env: [A]}
"""


def _printed(
    arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> Any:
    assert main(arguments) == status
    return json.loads(capsys.readouterr().out)


def _shape(value: Any) -> Any:
    """The fields of a value, and of the items of its lists."""
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    return [_shape(item) for item in value[:1]] if isinstance(value, list) else None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "broken.yaml").write_text(SPEC)
    (tmp_path / "vendor.yaml").write_text(SPEC.replace("[A]", "[A=b]"))
    return tmp_path


def test_the_table_has_every_verb() -> None:
    assert [row[0].strip("`") for row in table(PAGE, "verb")] == [v[0] for v in VERBS]


def test_validate_prints_what_the_page_says(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(folder / "broken.yaml")
    printed = _printed(["validate", "-o", "json", path], 1, capsys)
    assert printed["files"][0].pop("path") == path
    VALIDATE["files"][0].pop("path")
    assert printed == VALIDATE


def test_list_prints_the_fields_of_the_page(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--spec-dir", str(folder), "list", "devices", "-o", "json"]
    assert _shape(_printed(arguments, 0, capsys)) == _shape(LIST)


def test_monitor_prints_the_fields_of_the_page(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.yaml").unlink()
    options = ["--initial", "--count", "1", "-o", "json"]
    arguments = ["--spec-dir", str(folder), "monitor", *options]
    assert _printed(arguments, 0, capsys).keys() == MONITOR.keys()
