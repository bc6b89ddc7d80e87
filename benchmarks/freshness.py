"""From the moment a small spec is written until its device can be had.

A file with a new device is put beside many others by a rename, and the device is asked
for at once, until the plugin answers with it. The many devices stand in one file; for
comparison, in many, which the plugin has to look at each time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import specs
from benchmarks.container import create_request
from benchmarks.figures import Figure, percentile
from benchmarks.processes import fresh_folder, plugin_command, running
from benchmarks.runtime import first_answer
from benchmarks.sizes import Sizes
from testbed.standin import Connection

# Source: the design, "Speed that must hold".
LIMIT_MS = 10.0

MS_PER_S = 1_000

PAUSE_S = 0.05
"""Before each file: the plugin has taken note that the one before it is gone."""


def measure(folder: Path, sizes: Sizes) -> Iterator[Figure]:
    """The time until the device can be had, beside one file and beside many."""
    for files, limit in ((1, LIMIT_MS), (sizes.files, None)):
        times_ms = _times_ms(fresh_folder(folder, f"beside-{files}"), files, sizes)
        devices = specs.describe(sizes.devices, files)
        # The design's figure names no percentile: it is a median, as all of its are
        # that name none. What is slow about the slowest is the host's scheduler.
        for name, percent, most in (
            ("median", 50, limit),
            ("99th percentile", 99, None),
        ):
            yield Figure(
                name=f"new file beside {devices} until it resolves, {name}",
                value=percentile(times_ms, percent),
                unit="ms",
                limit=most,
            )


def _times_ms(folder: Path, files: int, sizes: Sizes) -> list[float]:
    spec_dir = fresh_folder(folder, "specs")
    specs.write_split(spec_dir, files, sizes.devices)
    with running(plugin_command(folder, spec_dir), folder) as plugin:
        first_answer(plugin.connection, create_request(specs.many_device(0)))
        return [
            _appearance_ms(plugin.connection, spec_dir, number)
            for number in range(sizes.new_files)
        ]


def _appearance_ms(connection: Connection, spec_dir: Path, number: int) -> float:
    kind = f"bench.test/new{number:04}"
    request = create_request(f"{kind}={specs.ONE_NAME}")
    path = spec_dir / f"new-{number:04}.yaml"
    written = path.with_suffix(".new")
    written.write_text(specs.to_yaml(specs.one_device(kind)))
    time.sleep(PAUSE_S)
    written.rename(path)
    started = time.perf_counter()
    first_answer(connection, request)
    took = time.perf_counter() - started
    path.unlink()
    return took * MS_PER_S
