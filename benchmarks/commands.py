"""A command as a person starts it: the whole process, from its start to its end."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import specs
from benchmarks.figures import Figure, median
from benchmarks.library import SMALL
from benchmarks.processes import ENVIRONMENT, PROGRAM, fresh_folder
from benchmarks.sizes import Sizes

# A person doesn't notice that they waited.
LIST_LIMIT_MS = 150.0

MS_PER_S = 1_000


def measure(folder: Path, sizes: Sizes) -> Iterator[Figure]:
    """``nri-cdi list devices`` in directories of three sizes."""
    for files, devices, limit in (
        (1, SMALL, LIST_LIMIT_MS),
        (sizes.files, sizes.devices, None),
        (1, sizes.devices, None),
    ):
        for extension in ("yaml", "json"):
            spec_dir = fresh_folder(folder, f"{files}-{devices}-{extension}")
            specs.write_split(spec_dir, files, devices, extension)
            # The first fills the caches: of bytecode, and the system's.
            times = [_list_s(spec_dir) for _ in range(1 + sizes.loads)][1:]
            what = f"{specs.describe(devices, files)}, {extension.upper()}"
            yield Figure(
                name=f"nri-cdi list devices, {what}",
                value=median(times) * MS_PER_S,
                unit="ms",
                limit=limit,
            )


def _list_s(spec_dir: Path) -> float:
    command = [str(PROGRAM), "list", "devices", "--spec-dir", str(spec_dir)]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return time.perf_counter() - started
