"""The resident memory of the plugin: idle, and with many devices."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import specs
from benchmarks.container import create_request
from benchmarks.everything import SUFFIX, running_everything, status_path
from benchmarks.figures import Figure
from benchmarks.lives import Lives
from benchmarks.processes import fresh_folder, plugin_command, running
from benchmarks.runtime import first_answer, remove
from benchmarks.scraping import scrape
from benchmarks.sizes import Sizes

# Source: the design, "Speed that must hold".
IDLE_MB = 32.0
LOADED_MB = 100.0

BYTES_PER_MB = 1_000_000

REQUESTS = 200
"""After so many, whatever is loaded or cached by answering is there."""

SCRAPES = 5

SETTLING_S = 0.5
"""What follows the answers, such as log lines, is over then."""


def measure(folder: Path, sizes: Sizes) -> Iterator[Figure]:
    """The memory of a plugin with one device, and with many."""
    for which, measured in (("", _plain_mb), (f" {SUFFIX}", _everything_mb)):
        own = fresh_folder(folder, "on" if which else "plain")
        for what, devices, limit in (
            ("idle", 0, IDLE_MB),
            (f"{sizes.devices} devices", sizes.devices, LOADED_MB),
        ):
            yield Figure(
                name=f"resident memory{which}, {what}",
                value=measured(fresh_folder(own, f"{devices}"), devices),
                unit="MB",
                limit=limit,
            )


def _plain_mb(folder: Path, devices: int) -> float:
    spec_dir, device = _specs(folder, devices)
    request = create_request(device)
    with running(plugin_command(folder, spec_dir), folder) as plugin:
        answer = first_answer(plugin.connection, request)
        _live(Lives(plugin.connection, request, answer))
        return plugin.resident_bytes() / BYTES_PER_MB


def _everything_mb(folder: Path, devices: int) -> float:
    """The memory of a plugin whose status is read now and then."""
    spec_dir, device = _specs(folder, devices)
    request = create_request(device)
    with running_everything(folder, spec_dir) as plugin:
        answer = first_answer(plugin.connection, request)
        remove(plugin.connection, request)
        _live(Lives(plugin.connection, request, answer, whole=True))
        for _ in range(SCRAPES):
            scrape(status_path(folder))
        return plugin.resident_bytes() / BYTES_PER_MB


def _specs(folder: Path, devices: int) -> tuple[Path, str]:
    """A directory with one device and so many others, and the one to ask for."""
    spec_dir = fresh_folder(folder, "specs")
    (spec_dir / "one.yaml").write_text(specs.to_yaml(specs.one_device()))
    if not devices:
        return spec_dir, specs.ONE_DEVICE
    specs.write_split(spec_dir, 1, devices)
    return spec_dir, specs.many_device(devices - 1)


def _live(lives: Lives) -> None:
    for _ in range(REQUESTS):
        lives.live()
    time.sleep(SETTLING_S)
