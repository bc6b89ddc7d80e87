"""The round trip of CreateContainer while many devices are read again and again.

The devices stand in one file, which is the worst, and then in many. Another process
replaces the files with others all the time. The device that is asked for stands in a
small file beside them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import specs
from benchmarks.container import create_request
from benchmarks.figures import Figure, percentile
from benchmarks.processes import (
    BenchmarkError,
    fresh_folder,
    module_command,
    plugin_command,
    running,
    started,
)
from benchmarks.runtime import first_answer, timed_call_s
from benchmarks.sizes import Sizes
from nri_cdi.nri import api
from testbed.standin import Connection

# Source: the design, "Speed that must hold".
P99_MS = 5.0

MS_PER_S = 1_000

READING_LINE = " specs: "
"""What the plugin logs after it has read files that say something new."""

MIN_READS = 3
"""With fewer, the calls would say nothing about reading."""

FIRST_READS = 2
"""One at the start, and one of files that the other process has replaced."""

STARTING_S = 30
POLL_S = 0.05


class NothingReadError(BenchmarkError):
    """The plugin did not read the files again while it was measured."""


def measure(folder: Path, sizes: Sizes) -> Iterator[Figure]:
    """The round trips, with the devices in one file and in many."""
    for files in (1, sizes.files):
        trips_ms = _trips_ms(fresh_folder(folder, f"in-{files}"), files, sizes)
        devices = specs.describe(sizes.devices, files)
        for name, percent in (("median", 50), ("99th percentile", 99)):
            yield Figure(
                name=f"round trip while {devices} are re-read, {name}",
                value=percentile(trips_ms, percent),
                unit="ms",
                limit=P99_MS,
            )


def _trips_ms(folder: Path, files: int, sizes: Sizes) -> list[float]:
    spec_dir = fresh_folder(folder, "specs")
    (spec_dir / "one.yaml").write_text(specs.to_yaml(specs.one_device()))
    specs.write_split(spec_dir, files, sizes.devices)
    churn = module_command("churn", str(spec_dir))
    request = create_request(specs.ONE_DEVICE)
    with running(plugin_command(folder, spec_dir), folder) as plugin:
        answer = first_answer(plugin.connection, request)
        with started(churn, folder / "churn.log"):
            _await_reads(plugin.log, FIRST_READS)
            before = _reads(plugin.log)
            trips = _call(plugin.connection, request, answer, sizes.rereading_s)
            reads = _reads(plugin.log) - before
    if reads < MIN_READS:
        raise NothingReadError(f"{reads} times in {sizes.rereading_s:g} s")
    return trips


def _call(
    connection: Connection,
    request: api.CreateContainerRequest,
    answer: api.CreateContainerResponse,
    for_s: float,
) -> list[float]:
    trips = []
    end = time.monotonic() + for_s
    while time.monotonic() < end:
        trips.append(timed_call_s(connection, request, answer) * MS_PER_S)
    return trips


def _await_reads(log: Path, count: int) -> None:
    """Wait until specs have been read so often since the plugin's start."""
    deadline = time.monotonic() + STARTING_S
    while _reads(log) < count:
        if time.monotonic() > deadline:
            raise NothingReadError(f"not {count} times in {STARTING_S} s")
        time.sleep(POLL_S)


def _reads(log: Path) -> int:
    return log.read_text().count(READING_LINE)
