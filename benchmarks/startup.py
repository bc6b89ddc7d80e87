"""From the start of the plugin's process until it registers with the runtime.

Beside it, an interpreter that imports what any such plugin needs, and ends. They take
turns.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import specs
from benchmarks.everything import SUFFIX, command
from benchmarks.figures import Figure, median
from benchmarks.processes import ENVIRONMENT, fresh_folder, plugin_command, registering
from benchmarks.sizes import Sizes

# Source: the design, "Speed that must hold".
RATIO = 2.0

IMPORTS = "import asyncio, yaml, google.protobuf.descriptor_pool"
"""``google.protobuf`` alone is next to empty; generated code starts with the pool."""

PEER = "interpreter with asyncio, yaml, protobuf"

MS_PER_S = 1_000


def measure(folder: Path, sizes: Sizes) -> Iterator[Figure]:
    """The time to registration, as a ratio and in ms: at its defaults, and with all."""
    spec_dir = fresh_folder(folder, "specs")
    (spec_dir / "one.yaml").write_text(specs.to_yaml(specs.one_device()))
    own, on = fresh_folder(folder, "plain"), fresh_folder(folder, "on")
    plain, everything = plugin_command(own, spec_dir), command(on, spec_dir)
    # The first of each fills the caches: of bytecode, and the system's.
    rounds = [
        (_registration_s(plain, own), _registration_s(everything, on), _interpreter_s())
        for _ in range(1 + sizes.starts)
    ][1:]
    ours, ours_on, bare = (median(samples) for samples in zip(*rounds, strict=True))
    for which, took in (("", ours), (f" {SUFFIX}", ours_on)):
        yield Figure(
            name=f"start to registered{which} / {PEER}",
            value=took / bare,
            unit="x",
            limit=RATIO,
        )
        yield Figure(
            name=f"start to registered{which}",
            value=took * MS_PER_S,
            unit="ms",
            limit=RATIO * bare * MS_PER_S,
        )


def _registration_s(command: list[str], folder: Path) -> float:
    started = time.perf_counter()
    with registering(command, folder) as (_, connection):
        connection.await_registration()
        return time.perf_counter() - started


def _interpreter_s() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True, env=ENVIRONMENT)
    return time.perf_counter() - started
