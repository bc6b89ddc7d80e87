"""A search: what is made of what libFuzzer writes, with a shell in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.__main__ import main, summary
from fuzz.session import Outcome, Progress, Session


def _session(tmp_path: Path, said: list[str]) -> Session:
    return Session(
        findings=tmp_path / "findings", cache=tmp_path / "cache", say=said.append
    )


def _follow(tmp_path: Path, script: str) -> Outcome:
    session = _session(tmp_path, [])
    return session.follow("reader", ["sh", "-c", script], 5)


@pytest.mark.parametrize(
    ("line", "executions", "coverage"),
    [
        ("#2\tINITED cov: 88 ft: 89 corp: 1/1b exec/s: 0 rss: 40Mb", 2, 88),
        ("#1024\tNEW    cov: 9 ft: 10 corp: 5/6b lim: 4 exec/s: 0", 1024, 9),
        ("stat::number_of_executed_units: 4096", 4096, 0),
        ("INFO: seed corpus: files: 3 min: 1b max: 2b", 0, 0),
        ("#0 0x55 in a stack trace", 0, 0),
    ],
)
def test_progress_is_what_the_lines_say(
    line: str, executions: int, coverage: int
) -> None:
    progress = Progress()
    progress.read(line)
    assert progress == Progress(executions=executions, coverage=coverage)


def test_a_search_that_ends_in_time_found_nothing(tmp_path: Path) -> None:
    outcome = _follow(tmp_path, "echo '#1234 DONE cov: 56 ft: 7'")
    assert outcome.failure == ""
    assert summary(outcome) == "reader: 1,234 executions, 56 branches, nothing found"


def test_an_exception_is_shown_without_what_libfuzzer_says_around_it(
    tmp_path: Path,
) -> None:
    outcome = _follow(
        tmp_path,
        "echo '#3 NEW cov: 5'; echo ' === Uncaught Python exception: ==='; "
        "echo 'AssertionError: x'; echo '==12== ERROR: libFuzzer'; echo MS: 1; exit 77",
    )
    assert outcome.failure == "AssertionError: x"
    assert summary(outcome) == (
        "reader: 3 executions, 5 branches, then it failed\nAssertionError: x"
    )


def test_another_failure_is_shown_by_its_last_lines(tmp_path: Path) -> None:
    outcome = _follow(tmp_path, "seq 30; exit 1")
    assert outcome.failure.splitlines() == [str(number) for number in range(11, 31)]


def test_a_failure_without_a_word_is_one(tmp_path: Path) -> None:
    assert _follow(tmp_path, "exit 3").failure == "it failed without a word"


def test_a_finding_is_named_with_the_way_to_try_it_again() -> None:
    outcome = Outcome(
        target="names",
        progress=Progress(executions=1, coverage=2),
        failure="AssertionError",
        finding=Path("crash-1"),
    )
    assert summary(outcome) == (
        "names: 1 executions, 2 branches, then it failed\n"
        "AssertionError\n"
        "the input is crash-1; try it with\n"
        "    python -m fuzz names --input crash-1"
    )


def test_a_search_without_atheris_fails_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A module that can't be imported, in front of one that may be there.
    (tmp_path / "atheris.py").write_text("raise ImportError('no atheris here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    said: list[str] = []
    outcome = _session(tmp_path, said).search("names", 1)
    assert said == ["names: searching for 1 s"]
    assert outcome.failure.endswith("ImportError: no atheris here")
    assert outcome.finding is None
    seeds = list((tmp_path / "cache" / "names" / "seeds").iterdir())
    assert len(seeds) >= 1


def test_a_file_is_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"a/b=c")
    assert main(["names", "--input", str(path)]) == 0
    assert capsys.readouterr().out == f"names: {path} is fine\n"


def test_a_target_that_there_is_not_is_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["nothing"]) == 2
    assert capsys.readouterr().err.startswith("no such target: nothing; there are ")
