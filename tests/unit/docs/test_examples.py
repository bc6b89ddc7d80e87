"""The examples of docs/writing-a-plugin.md run, and are on the page as they are."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from tests.unit.docs.pages import ROOT, blocks, read

EXAMPLES = sorted((ROOT / "docs/examples").glob("*.py"))
MOST_LINES = 25


def test_the_example_passes_its_own_test(tmp_path: Path) -> None:
    test = runpy.run_path(str(ROOT / "docs/examples/test_pod_name.py"))
    test["test_containers_get_the_name_of_their_pod"](tmp_path)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_page_shows_an_example_as_it_is(path: Path) -> None:
    assert path.read_text() in blocks(read("docs/writing-a-plugin.md"), "python")


def test_the_plugin_has_some_twenty_lines() -> None:
    lines = (ROOT / "docs/examples/pod_name.py").read_text().splitlines()
    assert len([line for line in lines if line]) <= MOST_LINES
