"""A cache whose reader counts, for tests of what is read and when."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.reading import LoadedSpec, read_spec
from nri_cdi.cdi.scan import SECOND_NS

# A clock of tests: 2100, when all files of today are settled; and 1970, when none is.
LATER_NS = 4_100_000_000 * SECOND_NS
NEVER_NS = 0


def spec_text(*names: str, env: str = "E=1", kind: str = "vendor.com/gpu") -> str:
    devices = [{"name": name, "containerEdits": {"env": [env]}} for name in names]
    return json.dumps({"cdiVersion": "0.5.0", "kind": kind, "devices": devices})


def write(path: Path, *names: str, env: str = "E=1") -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(spec_text(*names, env=env))


def env(cache: Cache, name: str) -> tuple[str, ...]:
    return cache.registry.resolve([f"vendor.com/gpu={name}"]).merged().env


class CountingReader:
    """The real reader, that counts what it reads, and does something in between."""

    def __init__(self) -> None:
        self.reads: Counter[str] = Counter()
        self.after: Callable[[], None] = lambda: None

    def __call__(self, path: str) -> LoadedSpec:
        self.reads[Path(path).name] += 1
        try:
            return read_spec(path)
        finally:
            self.after()


def counting_cache(*dirs: Path, now_ns: int = LATER_NS) -> tuple[Cache, CountingReader]:
    reader = CountingReader()
    cache = Cache([str(path) for path in dirs], read=reader, clock_ns=lambda: now_ns)
    return cache, reader
