"""The plugins' logs: what must not be in them, and what must.

Each container that got devices has a line. One may be missing for a reason: the disk
was full, of which the log itself then tells, or the process was killed before it had
written what it had in mind.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from soak.pluginprocess import BUGS
from soak.scene import Granted, Periods, Scene

INJECTED = re.compile(r"container (c-\d+-\d+): injected ")
TOLD_LOST = re.compile(r"(\d+) log lines? (?:was|were) lost: no space left on device")
MAX_SHOWN = 5

WITHIN_S = 1.0
"""How long after a container was made its line may not have been written yet."""

DISK_FULL = "disk full"
KILLED = "killed"
NO_CAUSE = "no cause"


def review(scene: Scene) -> None:
    """Note bugs and lost lines in the tally."""
    texts = [plugin.log_text() for plugin in scene.plugins]
    for text in texts:
        for line in _with_bugs(text.splitlines()):
            scene.tally.find("a bug in the plugin's log", line)
    causes = lost(scene.granted, texts, scene.periods)
    scene.tally.log_lost = Counter(causes.values())
    for name, cause in causes.items():
        if cause == NO_CAUSE:
            scene.tally.find("a log line is lost", name)
    on_disk = scene.tally.log_lost[DISK_FULL]
    if on_disk > told_lost(texts):
        details = f"{on_disk} of a full disk, and {told_lost(texts)} told"
        scene.tally.find("lost log lines are not told", details)


def lost(
    granted: Iterable[Granted], texts: Sequence[str], periods: Periods
) -> dict[str, str]:
    """The containers with devices that no log has a line of, and why it has none."""
    told = {name for text in texts for name in INJECTED.findall(text)}
    return {
        name: _cause(periods, began, ended + WITHIN_S)
        for name, began, ended in granted
        if name not in told
    }


def told_lost(texts: Sequence[str]) -> int:
    """How many lines the logs say a full disk has cost."""
    return sum(int(count) for text in texts for count in TOLD_LOST.findall(text))


def _with_bugs(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if BUGS.search(line)][:MAX_SHOWN]


def _cause(periods: Periods, began: float, written: float) -> str:
    # First what no log can tell of: what remains has to be told.
    if periods.killed.overlap(began, written):
        return KILLED
    if periods.log_full.overlap(began, written):
        return DISK_FULL
    return NO_CAUSE
