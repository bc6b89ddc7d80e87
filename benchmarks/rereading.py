"""The round trip of CreateContainer while many devices are read again and again.

The devices stand in one file, which is the worst, and then in many. Another process
replaces the files with others all the time. The device that is asked for stands in a
small file beside them. With everything on, a third process reads the plugin's status.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import specs
from benchmarks.container import create_request
from benchmarks.everything import SUFFIX, running_everything, status_path
from benchmarks.figures import Figure, percentile
from benchmarks.lives import Lives
from benchmarks.processes import (
    BenchmarkError,
    fresh_folder,
    module_command,
    plugin_command,
    running,
    started,
)
from benchmarks.runtime import first_answer, remove
from benchmarks.scraping import ScrapeError
from benchmarks.sizes import Sizes

# Source: the design, "Speed that must hold".
P99_MS = 5.0

US_PER_MS = 1_000

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
    for files, which, measured in (
        (1, "", _plain_us),
        (sizes.files, "", _plain_us),
        (1, f" {SUFFIX}", _everything_us),
    ):
        own = fresh_folder(folder, f"in-{files}{'-on' if which else ''}")
        trips_us = measured(own, files, sizes)
        devices = specs.describe(sizes.devices, files)
        for name, percent in (("median", 50), ("99th percentile", 99)):
            yield Figure(
                name=f"round trip while {devices} are re-read{which}, {name}",
                value=percentile(trips_us, percent) / US_PER_MS,
                unit="ms",
                limit=P99_MS,
            )


def _plain_us(folder: Path, files: int, sizes: Sizes) -> list[float]:
    spec_dir = _spec_dir(folder, files, sizes)
    with running(plugin_command(folder, spec_dir), folder) as plugin:
        request = create_request(specs.ONE_DEVICE)
        answer = first_answer(plugin.connection, request)
        lives = Lives(plugin.connection, request, answer)
        _live(lives, plugin.log, spec_dir, sizes.rereading_s)
    return lives.creations_us


def _everything_us(folder: Path, files: int, sizes: Sizes) -> list[float]:
    spec_dir = _spec_dir(folder, files, sizes)
    scraping = module_command("scraping", str(status_path(folder)))
    scraping_log = folder / "scraping.log"
    with running_everything(folder, spec_dir) as plugin:
        request = create_request(specs.ONE_DEVICE)
        answer = first_answer(plugin.connection, request)
        remove(plugin.connection, request)
        lives = Lives(plugin.connection, request, answer, whole=True)
        with started(scraping, scraping_log) as scraper:
            _live(lives, plugin.log, spec_dir, sizes.rereading_s)
            if scraper.poll() is not None:
                raise ScrapeError(scraping_log.read_text())
    return lives.creations_us


def _spec_dir(folder: Path, files: int, sizes: Sizes) -> Path:
    spec_dir = fresh_folder(folder, "specs")
    (spec_dir / "one.yaml").write_text(specs.to_yaml(specs.one_device()))
    specs.write_split(spec_dir, files, sizes.devices)
    return spec_dir


def _live(lives: Lives, log: Path, spec_dir: Path, for_s: float) -> None:
    """Create containers while the files are replaced.

    Raises: NothingReadError if the plugin takes no notice.
    """
    churn = module_command("churn", str(spec_dir))
    with started(churn, log.with_name("churn.log")):
        _await_reads(log, FIRST_READS)
        before = _reads(log)
        end = time.monotonic() + for_s
        while time.monotonic() < end:
            lives.live()
        reads = _reads(log) - before
    if reads < MIN_READS:
        raise NothingReadError(f"{reads} times in {for_s:g} s")


def _await_reads(log: Path, count: int) -> None:
    """Wait until specs have been read so often since the plugin's start."""
    deadline = time.monotonic() + STARTING_S
    while _reads(log) < count:
        if time.monotonic() > deadline:
            raise NothingReadError(f"not {count} times in {STARTING_S} s")
        time.sleep(POLL_S)


def _reads(log: Path) -> int:
    return log.read_text().count(READING_LINE)
