"""``python -m benchmarks.library FOLDER SAMPLES``: the CDI library, used by a program.

Directories of three sizes, in YAML and in JSON: loaded from cold, brought up to date
after one small file changed, and asked for devices. Each directory has a process of its
own, which prints what it measured, a JSON object.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import specs
from benchmarks.figures import Figure, median
from benchmarks.processes import (
    BYTES_PER_KB,
    ENVIRONMENT,
    fresh_folder,
    module_command,
)
from benchmarks.sizes import Sizes
from nri_cdi.cdi.apply import inject_devices
from nri_cdi.cdi.cache import Cache

# Source: the design, "Speed that must hold": one small spec beside 10 000 devices.
CHANGED_LIMIT_MS = 10.0

# What a request for a device may take of the time that a container needs to start.
INJECT_LIMIT_US = 100.0

SMALL = 8
"""The devices of a node with eight GPUs, and those of a request for all of them."""

ROUNDS = 50
"""What takes microseconds is done so many times for a sample."""

MS_PER_S = 1_000
US_PER_S = 1_000_000
BYTES_PER_MB = 1_000_000
PEAK_LINE = "VmHWM:"


def measure(folder: Path, sizes: Sizes) -> Iterator[Figure]:
    """All sizes, in both formats."""
    for files, devices in (
        (1, SMALL),
        (sizes.files, sizes.devices),
        (1, sizes.devices),
    ):
        for extension in ("yaml", "json"):
            spec_dir = fresh_folder(folder, f"{files}-{devices}-{extension}")
            specs.write_split(spec_dir, files, devices, extension)
            what = f"{specs.describe(devices, files)}, {extension.upper()}"
            yield from _figures(what, _run(spec_dir, sizes.loads))


def main(spec_dir: Path, samples: int) -> None:
    """Measure the library with ``spec_dir``, and print the medians, in seconds."""
    measured: dict[str, float] = {"load": _median_s(samples, partial(_load, spec_dir))}
    cache = Cache([str(spec_dir)])
    names = sorted(cache.snapshot().devices)
    oci_spec = _config_json()
    registry = cache.snapshot()
    for count in (1, SMALL):
        wanted = names[:count]
        resolve = partial(registry.resolve, wanted)
        inject = partial(inject_devices, registry, oci_spec, wanted)
        measured[f"resolve {count}"] = _median_s(samples, resolve, ROUNDS)
        measured[f"inject {count}"] = _median_s(samples, inject, ROUNDS)
    measured["changed"] = _changed_s(cache, spec_dir, samples)
    print(json.dumps({**measured, "peak": _peak_bytes()}))


def _figures(what: str, measured: dict[str, float]) -> Iterator[Figure]:
    yield _figure(f"library, {what}: cold load", measured["load"] * MS_PER_S, "ms")
    yield _figure(
        f"library, {what}: one file changed",
        measured["changed"] * MS_PER_S,
        "ms",
        CHANGED_LIMIT_MS,
    )
    for count in (1, SMALL):
        resolved, injected = (
            measured[f"{verb} {count}"] * US_PER_S for verb in ("resolve", "inject")
        )
        yield _figure(f"library, {what}: resolve {count}", resolved, "µs")
        limit = INJECT_LIMIT_US if count == 1 else None
        yield _figure(f"library, {what}: inject {count}", injected, "µs", limit)
    peak = measured["peak"] / BYTES_PER_MB
    yield _figure(f"library, {what}: memory at its peak", peak, "MB")


def _figure(name: str, value: float, unit: str, limit: float | None = None) -> Figure:
    return Figure(name=name, value=value, unit=unit, limit=limit)


def _run(spec_dir: Path, samples: int) -> dict[str, float]:
    command = module_command("library", str(spec_dir), str(samples))
    printed = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, env=ENVIRONMENT
    ).stdout
    measured: dict[str, float] = json.loads(printed)
    return measured


def _median_s(samples: int, work: Callable[[], object], rounds: int = 1) -> float:
    times = []
    for _ in range(samples):
        gc.collect()
        started = time.perf_counter()
        for _ in range(rounds):
            work()
        times.append((time.perf_counter() - started) / rounds)
    return median(times)


def _peak_bytes() -> int:
    """The most memory that this process had. Source: proc_pid_status(5), VmHWM.

    What getrusage(2) says is its parent's, if that has had more.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    [peak] = [line for line in lines if line.startswith(PEAK_LINE)]
    return int(peak.split()[1]) * BYTES_PER_KB


def _load(spec_dir: Path) -> None:
    registry = Cache([str(spec_dir)]).snapshot()
    assert registry.devices, registry.errors


def _changed_s(cache: Cache, spec_dir: Path, samples: int) -> float:
    """From the moment a small spec was written until its device is resolved."""
    times = []
    for number in range(samples):
        kind = f"bench.test/new{number:04}"
        path = spec_dir / f"new-{number:04}.yaml"
        path.write_text(specs.to_yaml(specs.one_device(kind)))
        started = time.perf_counter()
        cache.resolve([f"{kind}={specs.ONE_NAME}"])
        times.append(time.perf_counter() - started)
    return median(times)


def _config_json() -> dict[str, Any]:
    """An OCI spec of the size that containerd's have."""
    mounts = [
        {"destination": f"/mnt/{number}", "type": "bind", "source": "/", "options": []}
        for number in range(12)
    ]
    return {
        "ociVersion": "1.2.0",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": ["sh"],
            "env": [f"VARIABLE_{number}=value" for number in range(20)],
            "cwd": "/",
        },
        "mounts": mounts,
        "linux": {
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "namespaces": [{"type": "pid"}, {"type": "mount"}],
        },
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
