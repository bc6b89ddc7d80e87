"""Every kind of fault once, amid containers without pause: nobody gets what is wrong.

`make soak` does the same for as long as one likes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from soak.faults import FAULTS
from soak.session import soak
from soak.verdict import Outcome
from testbed.containerd import Containerd
from tests.e2e.leftovers import Leftovers

SEED = 1
REFUSED = {"unresolvable", "denied", "held"}
"""For these reasons some container is refused in any run, even a short one."""


def test_no_fault_leads_to_a_wrong_container(
    version: str,
    leftovers: Leftovers,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Containerd(version) as containerd:
        leftovers.watch(containerd.run_dir)
        report = soak(containerd, 0, SEED, print, tmp_path, once=True)

    progress = capsys.readouterr().out
    assert report.findings == [], progress
    # An overflow takes too long on a slow machine; all else can be had on any.
    assert report.faults.keys() | report.skipped.keys() == FAULTS.keys()
    assert report.skipped.keys() <= {"inotify queue overflows"}
    assert report.outcomes[Outcome.GRANTED] > len(FAULTS), progress
    assert report.refused.keys() >= REFUSED
    # Those that were made while the plugin was away are all reported.
    assert 0 < report.drifted == report.outcomes[Outcome.AWAY]
