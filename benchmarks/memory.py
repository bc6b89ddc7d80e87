"""The resident memory of the plugin: idle, and with many devices."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import specs
from benchmarks.container import create_request
from benchmarks.figures import Figure
from benchmarks.processes import fresh_folder, plugin_command, running
from benchmarks.runtime import first_answer, timed_call_s
from benchmarks.sizes import Sizes

# Source: the design, "Speed that must hold".
IDLE_MB = 32.0
LOADED_MB = 100.0

BYTES_PER_MB = 1_000_000

REQUESTS = 200
"""After so many, whatever is loaded or cached by answering is there."""

SETTLING_S = 0.5
"""What follows the answers, such as log lines, is over then."""


def measure(folder: Path, sizes: Sizes) -> Iterator[Figure]:
    """The memory of a plugin with one device, and with many."""
    yield Figure(
        name="resident memory, idle",
        value=_resident_mb(fresh_folder(folder, "idle"), devices=0),
        unit="MB",
        limit=IDLE_MB,
    )
    yield Figure(
        name=f"resident memory, {sizes.devices} devices",
        value=_resident_mb(fresh_folder(folder, "loaded"), devices=sizes.devices),
        unit="MB",
        limit=LOADED_MB,
    )


def _resident_mb(folder: Path, devices: int) -> float:
    spec_dir = fresh_folder(folder, "specs")
    (spec_dir / "one.yaml").write_text(specs.to_yaml(specs.one_device()))
    device = specs.ONE_DEVICE
    if devices:
        specs.write_split(spec_dir, 1, devices)
        device = specs.many_device(devices - 1)
    request = create_request(device)
    with running(plugin_command(folder, spec_dir), folder) as plugin:
        answer = first_answer(plugin.connection, request)
        for _ in range(REQUESTS):
            timed_call_s(plugin.connection, request, answer)
        time.sleep(SETTLING_S)
        return plugin.resident_bytes() / BYTES_PER_MB
