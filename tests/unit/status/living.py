"""A real plugin with real specs, in a runtime's place: what there is to show."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Sequence
from pathlib import Path

from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.registry import Registry
from nri_cdi.config import Config
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import RuntimeInfo
from nri_cdi.plugin import CdiPlugin
from nri_cdi.status.inventory import Inventory
from nri_cdi.status.reading import Reading
from nri_cdi.status.snapshot import Observation, Plain, build, observe
from nri_cdi.ttrpc.status import RpcError
from testbed.standin import container_request, containerd

KIND = "vendor.com/gpu"
STARTED_AT = 1_000_000_000.0
NOW = STARTED_AT + 60
READING = Reading(path="/etc/nri-cdi/config.yaml", loaded_at=STARTED_AT)


class SettledSpecs:
    """The specs of directories in which nothing happens."""

    loaded = True

    def __init__(self, spec_dirs: Sequence[str]) -> None:
        self._cache = Cache(spec_dirs)
        self._cache.refresh()

    @property
    def registry(self) -> Registry:
        return self._cache.registry

    @property
    def version(self) -> int:
        return self._cache.registry.generation

    def settling(self) -> Awaitable[None] | None:
        return None

    def scanning(self) -> Awaitable[None] | None:
        return None

    async def rescan(self) -> None:
        self.refresh()

    def refresh(self) -> None:
        self._cache.refresh()


class Living:
    """The plugin, not yet connected; ``reading`` may be replaced."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.specs = SettledSpecs(config.spec_dirs)
        self.plugin = CdiPlugin(self.specs, config, now=lambda: NOW)
        self.reading = READING
        self._containers = 0

    def connect(self, version: str = "2.1.9") -> Living:
        info = RuntimeInfo.from_configure(containerd(version))
        self.plugin.configure(info, "")
        self.plugin.synchronize((), ())
        self.plugin.ledger.synchronized(NOW)
        return self

    def ask(self, *devices: str, pod: str = "pod-1", container: str = "main") -> str:
        """Create a container that asks for devices; why it is refused, or ""."""
        self._containers += 1
        annotations = {"cdi.k8s.io/x": ",".join(devices)} if devices else {}
        request = container_request(annotations, container, pod)
        request.pod.uid = pod
        request.container.id = f"{self._containers:064}"
        return asyncio.run(self._answer(request))

    async def _answer(self, request: api.CreateContainerRequest) -> str:
        try:
            answer = self.plugin.create_container(request)
            if isinstance(answer, Awaitable):
                await answer
        except RpcError as error:
            return str(error)
        return ""

    def observe(self) -> Observation:
        return observe(
            self.config,
            self.plugin,
            self.specs.registry,
            self.reading,
            started_at=STARTED_AT,
            now=NOW,
        )

    def state(self) -> Plain:
        """The state, with the list of its devices."""
        state = build(self.observe(), Inventory())
        return {**state, "devices": list(state["devices"])}


def write_spec(folder: Path, *names: str, kind: str = KIND, **edits: object) -> Path:
    """A spec of devices that all have the same edits."""
    edits = edits or {"env": ["GPU=yes"]}
    path = folder / f"{kind.replace('/', '-')}.json"
    spec = {
        "cdiVersion": "1.1.0",
        "kind": kind,
        "devices": [{"name": name, "containerEdits": edits} for name in names],
    }
    path.write_text(json.dumps(spec))
    return path
