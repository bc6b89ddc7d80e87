"""All that takes part in a soak of one runtime, and what was the case when."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from nri_cdi.nri import api
from nri_cdi.nri.capabilities import RuntimeInfo
from soak.claims import Claims
from soak.drift import Suspects
from soak.pluginprocess import PROGRAM, Clock, PluginProcess
from soak.settings import Settings
from soak.specfiles import SpecFiles
from soak.tally import Tally
from soak.timeline import Windows
from soak.verdict import Circumstances
from testbed.containerd import Containerd

Granted = tuple[str, float, float]
"""The name of a container that got devices, when it was asked for and when it had them.
"""

STALE_S = 0.3
"""How old specs may be: the plugin waits 0.1 s at most for a scan to end, and on a
machine that is busy a scan takes longer. It is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """When what was so; see `soak.verdict.Circumstances`."""

    away: Windows = field(default_factory=Windows)
    ending: Windows = field(default_factory=Windows)
    unsteady: Windows = field(default_factory=Windows)
    killed: Windows = field(default_factory=Windows)
    log_full: Windows = field(default_factory=Windows)
    uncounted: Windows = field(default_factory=Windows)


class Scene:
    """A runtime, plugins one after the other, specs, settings, and the books."""

    def __init__(self, containerd: Containerd, log_dir: Path, seed: int) -> None:
        self.containerd = containerd
        info = _runtime_info(containerd)
        self.runtime = f"{info.name} {info.version}"
        self._has_gaps = info.has_gaps
        self.random = Random(seed)  # noqa: S311
        self.folder = containerd.run_dir / "soak"
        self.log_dir = log_dir
        self.specs = SpecFiles(self.folder)
        fixed = {
            "socket": str(containerd.nri_socket),
            "spec_dirs": [str(self.specs.spec_dir)],
        }
        self.settings = Settings(self.folder, fixed)
        self.tally = Tally()
        self.claims = Claims()
        self.suspects = Suspects(self.tally)
        self.periods = Periods()
        self.stopping = threading.Event()
        self.workers: list[threading.Thread] = []
        self.plugins: list[PluginProcess] = []
        self.granted: list[Granted] = []

    @property
    def plugin(self) -> PluginProcess:
        """The plugin that is, or was last, in use."""
        return self.plugins[-1]

    def start_plugin(self, clock: Clock | None = None) -> PluginProcess:
        """Start one more plugin; the one before it is not touched.

        ``clock`` is its wall clock, if it is not to be the machine's.
        """
        log = self.log_dir / f"plugin-{len(self.plugins)}.log"
        status = self.folder / log.with_suffix(".sock").name
        program = [str(PROGRAM)] if clock is None else clock.command
        options = ["--config", str(self.settings.path), "--status", str(status)]
        command = [*program, "run", *options]
        plugin = PluginProcess(command, log, status, self.containerd.environment)
        self.plugins.append(plugin)
        return plugin

    def await_plugin(self, count: int = 1) -> float:
        """Wait until the plugin was synchronized so often; the moment comes back."""
        at = self.plugin.await_synchronization(count)
        if self._has_gaps:
            self.plugin.await_recount()
        self.plugin.look()
        return at

    @contextmanager
    def away(self) -> Iterator[None]:
        """A block in which the plugin goes away, and is synchronized at its end."""
        self.periods.away.open(time.monotonic())
        yield
        self.periods.away.close(time.monotonic())

    def circumstances(self, begin: float, *, held: bool) -> Circumstances:
        """What can have been the case from ``begin`` until now."""
        now = time.monotonic()
        return Circumstances(
            generations=self.specs.during(begin, now),
            past=self.specs.past(begin, STALE_S),
            switch=self.settings.switch.during(begin, now),
            away=self.periods.away.overlap(begin, now),
            ending=self.periods.ending.overlap(begin, now),
            unsteady=self.periods.unsteady.overlap(begin, now),
            held=held,
        )


def _runtime_info(containerd: Containerd) -> RuntimeInfo:
    said = containerd.cri.version()
    return RuntimeInfo.from_configure(
        api.ConfigureRequest(
            runtime_name=said.runtime_name, runtime_version=said.runtime_version
        )
    )
