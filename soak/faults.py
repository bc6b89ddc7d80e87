"""The table of faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from soak import processfaults, shortages, specfaults
from soak.scene import Scene

Fault = Callable[[Scene], AbstractContextManager[float | None]]
"""Does something bad and undoes it. A plugin that was away is synchronized when the
block begins; its value is how long that took from the fault's end on."""

FAULTS: Mapping[str, Fault] = {
    "specs rewritten": specfaults.rewritten,
    "plugin killed": processfaults.killed,
    "plugin stopped past the deadline": processfaults.stopped,
    "plugin stopped briefly": processfaults.stopped_briefly,
    "plugin restarted": processfaults.restarted,
    "plugin updated, two at a time": processfaults.updated,
    "runtime restarted": processfaults.runtime_restarted,
    "runtime killed": processfaults.runtime_killed,
    "settings changed": processfaults.settings_changed,
    "settings spoiled": processfaults.settings_spoiled,
    "spec directory renamed": specfaults.renamed,
    "spec directory replaced by a file": specfaults.replaced_by_a_file,
    "spec directory mounted over": specfaults.mounted_over,
    "spec directory full of garbage": specfaults.filled_with_garbage,
    "spec made unreadable": specfaults.made_unreadable,
    "spec given a rival": specfaults.given_a_rival,
    "disk of the log full": shortages.log_disk_full,
    "clock jumps": shortages.clock_jumps,
    "inotify queue overflows": specfaults.events_overflow,
    "inotify instances run out": shortages.instances_run_out,
    "descriptors run out": shortages.descriptors_run_out,
}
"""By what people call them, in the order of the short run."""
