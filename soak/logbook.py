"""The plugins' logs: what must not be in them, and what must.

Each container that got devices has a line. One may be missing for a reason: the disk
was full, or the process was killed before it had written what it had in mind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from soak.pluginprocess import BUGS
from soak.scene import Scene

INJECTED = re.compile(r"container (c-\d+-\d+): injected ")
MAX_SHOWN = 5

WITHIN_S = 1.0
"""How long before a kill a line may have been made that was never written."""


def review(scene: Scene) -> None:
    """Note bugs and lost lines in the tally."""
    texts = [plugin.log_text() for plugin in scene.plugins]
    for text in texts:
        for line in _with_bugs(text.splitlines()):
            scene.tally.find("a bug in the plugin's log", line)
    told = {name for text in texts for name in INJECTED.findall(text)}
    untold = [each for each in scene.granted if each[0] not in told]
    for name, began, ended in untold:
        cause = _cause(scene, began, ended)
        scene.tally.log_lost[cause] += 1
        if cause == "no cause":
            scene.tally.find("a log line is lost", name)


def _with_bugs(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if BUGS.search(line)][:MAX_SHOWN]


def _cause(scene: Scene, began: float, ended: float) -> str:
    periods = scene.periods
    if periods.log_full.overlap(began, ended):
        return "disk full"
    if periods.killed.overlap(began, ended + WITHIN_S):
        return "killed"
    return "no cause"
