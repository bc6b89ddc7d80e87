"""A search for inputs that break a target's law, in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path

from fuzz.dictionary import dictionary
from fuzz.targets import ROOT, TARGETS

INPUT_TIMEOUT_S = 10
"""For one input; those in the corpus take milliseconds, twenty times that under
coverage on a busy machine."""
MAX_MEMORY_MB = 2048
MAX_INPUT = 4096
"""Bytes of an input. Longer ones are slow, and have nothing new in them."""
STOPPING_S = 30
"""For a process to end after its time, with the last input and its statistics."""
REPORT_EVERY_S = 30

FINDINGS = ROOT / ".artifacts" / "fuzz"
CACHE = ROOT / ".cache" / "fuzz"

# A line of libFuzzer: "#1234 NEW cov: 567 ft: 890 corp: 12/3456b ..."
_STATUS = re.compile(r"#(?P<executions>\d+)\s.*\bcov: (?P<coverage>\d+)\b")
_EXECUTIONS = re.compile(r"stat::number_of_executed_units:\s*(?P<executions>\d+)")
_ERROR_START = "=== Uncaught Python exception: ==="
_ERROR_END = re.compile(r"==\d+==")
_LAST_LINES = 20
_REMEMBERED_LINES = 500


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a search is."""

    executions: int = 0
    coverage: int = 0

    def read(self, line: str) -> None:
        """Take note of what a line of libFuzzer says."""
        match = _STATUS.match(line)
        if match:
            self.executions = int(match["executions"])
            self.coverage = int(match["coverage"])
            return
        match = _EXECUTIONS.match(line)
        if match:
            self.executions = int(match["executions"])

    def __str__(self) -> str:
        return f"{self.executions:,} executions, {self.coverage:,} branches"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a search ended: with no failure, or with what it was in some lines.

    ``finding`` is the file with the input that failed, if one did.
    """

    target: str
    progress: Progress
    failure: str = ""
    finding: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Where the searches keep what they find and what they have learned."""

    findings: Path = FINDINGS
    cache: Path = CACHE
    say: Callable[[str], None] = field(default=lambda text: print(text, flush=True))

    def search(self, target: str, seconds: int) -> Outcome:
        """Fuzz a target for so long, or until its law breaks."""
        self.say(f"{target}: searching for {seconds} s")
        findings = self.findings / target
        findings.mkdir(parents=True, exist_ok=True)
        known = set(findings.iterdir())
        command = [sys.executable, "-m", "fuzz.worker", target]
        options = self._options(target, seconds)
        outcome = self.follow(target, [*command, *options], seconds)
        found = sorted(set(findings.iterdir()) - known)
        # What was slow is no failure, but it is a file too.
        if outcome.failure and found:
            outcome = replace(outcome, finding=found[0])
        return outcome

    def follow(self, target: str, command: Sequence[str], seconds: int) -> Outcome:
        """Run a process that fuzzes, and tell from time to time how far it is."""
        progress = Progress()
        lines: deque[str] = deque(maxlen=_REMEMBERED_LINES)
        start = report = time.monotonic()
        with _started(command, seconds + INPUT_TIMEOUT_S + STOPPING_S) as process:
            assert process.stdout is not None  # it is a pipe
            for line in process.stdout:
                progress.read(line)
                lines.append(line)
                now = time.monotonic()
                if now - report >= REPORT_EVERY_S:
                    report = now
                    left = max(round(start + seconds - now), 0)
                    self.say(f"{target}: {progress}, {left} s left")
            status = process.wait()
        failure = _failure(list(lines)) if status else ""
        return Outcome(target=target, progress=progress, failure=failure)

    def _options(self, target: str, seconds: int) -> Iterator[str]:
        learned, seeds = self.cache / target / "corpus", self.cache / target / "seeds"
        for folder in (learned, seeds):
            folder.mkdir(parents=True, exist_ok=True)
        for old in seeds.iterdir():
            old.unlink()
        for number, path in enumerate(TARGETS[target].inputs()):
            (seeds / str(number)).write_bytes(path.read_bytes())
        words = self.cache / "words"
        words.write_text(dictionary(), encoding="utf-8")
        yield f"-max_total_time={seconds}"
        yield f"-timeout={INPUT_TIMEOUT_S}"
        yield f"-rss_limit_mb={MAX_MEMORY_MB}"
        yield f"-max_len={MAX_INPUT}"
        yield f"-dict={words}"
        yield f"-artifact_prefix={self.findings / target}/"
        yield "-print_final_stats=1"
        yield str(learned)
        yield str(seeds)


@contextmanager
def _started(command: Sequence[str], seconds: int) -> Iterator[subprocess.Popen[str]]:
    """A process that outlives neither this nor its time; its output is one stream."""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        watchdog = threading.Timer(seconds, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def _failure(lines: Sequence[str]) -> str:
    """What went wrong, out of what a process wrote last: an exception, or the end."""
    starts = [number for number, line in enumerate(lines) if _ERROR_START in line]
    if not starts:
        return "".join(lines[-_LAST_LINES:]).strip() or "it failed without a word"
    error = takewhile(lambda line: not _ERROR_END.match(line), lines[starts[-1] + 1 :])
    return "".join(error).strip()
