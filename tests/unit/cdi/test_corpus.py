"""Bad specs, each a file as it might be found, with exactly the errors that it has.

``corpus/<group>/<case>.yaml`` or ``.json`` is the file, and beside it, with ``.errors``
at the end, are the lines of its SpecError: ``line:column: place: message [rule]``.
``python -m tests.unit.cdi.test_corpus`` writes the lines anew, to be read one by one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nri_cdi.cdi.metadata import MAX_TOTAL
from nri_cdi.cdi.reading import MAX_FILE_SIZE, read_spec
from nri_cdi.cdi.rules import Rule
from nri_cdi.errors import SpecError

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(path for path in CORPUS.rglob("*") if path.is_file())
EXPECTED = {path for path in FILES if path.suffix == ".errors"}
CASES = [path for path in FILES if path not in EXPECTED]

OTHER_RULES = {
    # Of files that no repository can hold, or that are too large for one.
    Rule.UNREADABLE_FILE,
    Rule.NOT_A_REGULAR_FILE,
    Rule.FILE_TOO_LARGE,
    Rule.ANNOTATIONS_TOO_LARGE,
    Rule.TOO_MANY_PROBLEMS,
    # Warnings.
    Rule.REPEATED_FIELD,
    Rule.LOSSY_REWRITE,
}


def _errors_beside(case: Path) -> Path:
    return case.with_name(f"{case.name}.errors")


def _errors(case: Path) -> str:
    """What is wrong with a file, a line each."""
    with pytest.raises(SpecError) as caught:
        read_spec(str(case))
    lines = zip(caught.value.lines(), caught.value.problems, strict=True)
    return "".join(
        f"{line.removeprefix(f'{case}:').lstrip()} [{problem.rule}]\n"
        for line, problem in lines
    )


@pytest.mark.parametrize(
    "case", CASES, ids=[str(case.relative_to(CORPUS)) for case in CASES]
)
def test_a_bad_spec_has_exactly_its_errors(case: Path) -> None:
    assert _errors(case) == _errors_beside(case).read_text(encoding="utf-8")


def test_every_case_has_its_errors_and_nothing_else_is_there() -> None:
    assert {_errors_beside(case) for case in CASES} == EXPECTED
    assert {case.suffix for case in CASES} == {".yaml", ".json"}


def test_every_rule_is_broken_by_a_case() -> None:
    broken = {
        line.rpartition("[")[2].rstrip("]")
        for file in EXPECTED
        for line in file.read_text(encoding="utf-8").splitlines()
    }
    assert broken == set(Rule) - OTHER_RULES


def _sparse(size: int) -> Callable[[Path], object]:
    """A file of so many bytes, none of which is on the disk."""

    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(size)

    return make


def _text(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text, encoding="utf-8")


GIGABYTE = 1 << 30
GOOD = """\
cdiVersion: 1.1.0
kind: vendor.com/device
devices:
- name: dev0
  containerEdits:
    env: [A=b]
"""


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(
            _sparse(GIGABYTE),
            "the file has over 16777216 bytes [file-too-large]\n",
            id="a gigabyte",
        ),
        pytest.param(
            _sparse(MAX_FILE_SIZE + 1),
            "the file has over 16777216 bytes [file-too-large]\n",
            id="a byte too many",
        ),
        pytest.param(
            _sparse(MAX_FILE_SIZE),
            "1:1: the control character '\\x00' can't stand in a document [syntax]\n",
            id="as many bytes as allowed",
        ),
        pytest.param(
            os.mkfifo,
            "it is a FIFO, and must be a regular file [not-a-regular-file]\n",
            id="a FIFO",
        ),
        pytest.param(
            lambda path: path.symlink_to("nowhere"),
            "the file can't be read: it is a link to 'nowhere', which leads nowhere "
            "[unreadable-file]\n",
            id="a link to nowhere",
        ),
        pytest.param(
            _text("[" * 1_000_000),
            "1:101: lists and mappings are nested over 100 levels deep "
            "[nesting-too-deep]\n",
            id="a million lists",
        ),
        pytest.param(
            _text('{"a":' * 1_000_000),
            "1:501: lists and mappings are nested over 100 levels deep "
            "[nesting-too-deep]\n",
            id="a million objects",
        ),
        pytest.param(
            _text("- " * 1_000_000),
            "1:201: lists and mappings are nested over 100 levels deep "
            "[nesting-too-deep]\n",
            id="a million lists in block style",
        ),
        pytest.param(
            _text(f"{GOOD}annotations: {{a: {'x' * MAX_TOTAL}}}\n"),
            "7:1: annotations: the annotations have 262145 bytes; "
            "at most 262144 are allowed [annotations-too-large]\n",
            id="annotations of a byte too many",
        ),
    ],
)
def test_a_bad_spec_that_no_repository_can_hold_has_exactly_its_errors(
    make: Callable[[Path], object], expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "f.yaml"
    make(path)
    assert _errors(path) == expected


def test_as_many_problems_as_anybody_reads_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(GOOD + "containerEdits:\n  env:\n" + "  - A\n" * 10_000)
    lines = _errors(path).splitlines()
    assert len(lines) == 1001
    assert lines[0].startswith("9:5: containerEdits.env[0]: ")
    assert lines[-1] == (
        "there are over 1000 problems; the others are left out [too-many-problems]"
    )


if __name__ == "__main__":
    for case in CASES:
        _errors_beside(case).write_text(_errors(case), encoding="utf-8")
