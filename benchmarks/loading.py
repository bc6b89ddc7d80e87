"""``python -m benchmarks.loading FILE SAMPLES``: many devices read from cold.

What the cache does with a directory that it sees for the first time, beside the least
that any reader of the format does: for YAML a bare pass over libyaml's events of the
same text, for JSON `json.loads`. The two take turns, in a process of their own. It
prints the seconds of both, a JSON list of pairs.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml
from yaml.events import StreamEndEvent

from benchmarks import specs
from benchmarks.figures import Figure, median
from benchmarks.processes import ENVIRONMENT, fresh_folder, module_command
from benchmarks.sizes import Sizes
from nri_cdi.cdi.cache import Cache

# Source: the design, "Speed that must hold".
YAML_RATIO = 2.2
JSON_RATIO = 8.0

YAML_PEER = "a bare pass over libyaml's events"
JSON_PEER = "json.loads"

MS_PER_S = 1_000


def measure(folder: Path, sizes: Sizes) -> Iterator[Figure]:
    """The time to load many devices from one file: as ratios, and in ms."""
    spec = specs.many_devices(range(sizes.devices))
    for name, text, peer, ratio in (
        ("many.yaml", specs.to_yaml(spec), YAML_PEER, YAML_RATIO),
        ("many.json", specs.to_json(spec), JSON_PEER, JSON_RATIO),
    ):
        path = fresh_folder(folder, name.partition(".")[2]) / name
        path.write_text(text)
        what = f"{sizes.devices} devices from cold, {path.suffix[1:].upper()}"
        ours, bare = _medians_s(path, sizes.loads)
        yield Figure(name=f"{what} / {peer}", value=ours / bare, unit="x", limit=ratio)
        yield Figure(
            name=what,
            value=ours * MS_PER_S,
            unit="ms",
            limit=ratio * bare * MS_PER_S,
        )


def main(path: Path, samples: int) -> None:
    """Load what lies beside ``path``, and print the seconds that each took."""
    text = path.read_text()
    bare = _pass_over_events if path.suffix == ".yaml" else json.loads
    pairs = [
        (_time_s(_load, str(path.parent)), _time_s(bare, text)) for _ in range(samples)
    ]
    print(json.dumps(pairs))


def _medians_s(path: Path, samples: int) -> tuple[float, float]:
    command = module_command("loading", str(path), str(samples))
    printed = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, env=ENVIRONMENT
    ).stdout
    ours, bare = zip(*json.loads(printed), strict=True)
    return median(ours), median(bare)


def _time_s(load: Callable[[str], object], argument: str) -> float:
    gc.collect()
    started = time.perf_counter()
    loaded = load(argument)
    took = time.perf_counter() - started
    assert loaded is not None
    return took


def _load(spec_dir: str) -> object:
    cache = Cache([spec_dir])
    cache.refresh()
    assert cache.registry.devices, cache.registry.errors
    return cache


def _pass_over_events(text: str) -> object:
    loader = yaml.CSafeLoader(text)
    event = loader.get_event()
    while type(event) is not StreamEndEvent:
        event = loader.get_event()
    return event


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
