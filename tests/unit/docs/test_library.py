"""The examples of docs/library.md run, in order, and print what the page says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nri_cdi.cdi
from tests.unit.docs.pages import blocks, read

PAGE = read("docs/library.md")
EXAMPLES = 10

# Each in the namespace of its own that a script has, and all in one process.
RUNNER = """
import sys
for source in sys.stdin.read().split("\\0"):
    exec(compile(source, "example", "exec"), {"__name__": "__main__"})
    print("\\0", end="")
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder: Path = tmp_path_factory.mktemp("library")
    (folder / "specs").mkdir()
    [spec] = blocks(PAGE, "yaml")
    (folder / "specs/camera.yaml").write_text(spec)
    output = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUNNER],
        input="\0".join(blocks(PAGE, "python")),
        cwd=folder,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return output.split("\0")[:-1]


@pytest.mark.parametrize("number", range(EXAMPLES))
def test_an_example_prints_what_is_below_it(number: int, printed: list[str]) -> None:
    assert printed[number] == blocks(PAGE, "text")[number]


def test_there_are_ten() -> None:
    assert len(blocks(PAGE, "python")) == len(blocks(PAGE, "text")) == EXAMPLES


def test_all_that_is_imported_from_the_library_is_public() -> None:
    lines = [line for block in blocks(PAGE, "python") for line in block.splitlines()]
    homes = {line.split()[1] for line in lines if line.startswith("from ")}
    assert homes == {"nri_cdi.cdi", "nri_cdi.errors", "dataclasses", "pathlib"}
    assert "Cache" in nri_cdi.cdi.__all__
