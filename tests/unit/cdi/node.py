"""A watch and a cache on real directories, in the order that a daemon has."""

from __future__ import annotations

import json
import select
from pathlib import Path

from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.watch import Watch
from nri_cdi.errors import ResolveError

DEADLINE_MS = 5000


def spec_text(env: str = "new") -> str:
    """A spec of one device, which can be told by its only edit."""
    device = {"name": "0", "containerEdits": {"env": [f"E={env}"]}}
    return json.dumps({"cdiVersion": "0.5.0", "kind": "v.com/c", "devices": [device]})


def rewrite(path: Path) -> None:
    """Change the spec in a file."""
    path.write_text(spec_text("changed"))


def populate(specs: Path) -> None:
    """Make a directory with a spec in it."""
    specs.mkdir(parents=True)
    (specs / "a.json").write_text(spec_text())


class Node:
    """What a daemon has of some spec directories."""

    def __init__(self, *spec_dirs: Path | str) -> None:
        self.watch = Watch([str(path) for path in spec_dirs])
        self.cache = Cache([str(path) for path in spec_dirs])
        self.cache.refresh()

    def ready(self, timeout_ms: int = 0) -> bool:
        poller = select.poll()
        poller.register(self.watch.fileno(), select.POLLIN)
        return bool(poller.poll(timeout_ms))

    def notices(self) -> str:
        """What the device's edit is after the next change."""
        assert self.ready(DEADLINE_MS)
        assert self.watch.read()
        self.cache.refresh()
        return self.env()

    def env(self) -> str:
        try:
            merged = self.cache.registry.resolve(["v.com/c=0"]).merged()
        except ResolveError:
            return "unresolvable"
        return merged.env[0].removeprefix("E=")

    def watches(self) -> int:
        """How many inodes the kernel watches for us."""
        info = Path(f"/proc/self/fdinfo/{self.watch.fileno()}").read_text()
        return info.count("inotify wd:")
