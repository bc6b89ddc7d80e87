"""What is known of a node: the checks look at this, and at nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cached_property

from nri_cdi.adjustment import unsupported_edits
from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.registry import Registry
from nri_cdi.doctor.instances import Instance, find_instances
from nri_cdi.doctor.launched import launched_plugin
from nri_cdi.doctor.node import Node
from nri_cdi.doctor.plugin import Plugin, Snapshot
from nri_cdi.doctor.processes import Process, processes
from nri_cdi.doctor.programs import ask_version
from nri_cdi.doctor.runtimes import (
    AskVersion,
    Docker,
    Runtime,
    find_docker,
    find_runtimes,
)
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import RuntimeInfo


class Facts:
    """A node's facts, each looked up when it is asked for the first time.

    ``now_s`` is in seconds since the epoch.
    """

    def __init__(
        self,
        node: Node,
        plugin: Plugin,
        *,
        ask: AskVersion | None = None,
        now_s: float | None = None,
    ) -> None:
        self.node = node
        self.plugin = plugin
        self.config = plugin.config
        self.now_s = time.time() if now_s is None else now_s
        # Programs of another root may not run here, and are none of ours.
        self._ask = ask or (ask_version if node.is_ours else _unasked)

    def with_plugin(self, plugin: Plugin) -> Facts:
        """The same node with another plugin; its processes are not looked up again."""
        other = Facts(self.node, plugin, ask=self._ask, now_s=self.now_s)
        other.processes, other.runtimes = self.processes, self.runtimes
        return other

    @property
    def launched(self) -> Plugin | None:
        """The plugin that a runtime started; None if that is none, or not alone."""
        return launched_plugin(self.node, self.instances, self.running)

    def knows(self, setting: str) -> bool:
        """Whether the plugin's configuration says what a setting is."""
        return setting not in self.plugin.unknown

    @property
    def injection(self) -> str:
        """The plugin's way of injection; empty if it isn't known."""
        return self._setting("injection")

    @property
    def validate(self) -> str:
        """The plugin's setting of that name; empty if it isn't known."""
        return self._setting("validate")

    @property
    def spec_dirs(self) -> tuple[str, ...]:
        """The plugin's spec directories; none if these aren't known."""
        snapshot = self.plugin.snapshot
        if self.plugin.spec_dirs:
            return self.plugin.spec_dirs
        if self.knows("spec_dirs"):
            return self.config.spec_dirs
        if snapshot is None:
            return ()
        return tuple(each["path"] for each in snapshot["specs"]["directories"])

    def _setting(self, key: str) -> str:
        snapshot = self.plugin.snapshot
        if self.knows(key):
            return str(getattr(self.config, key))
        return "" if snapshot is None else snapshot["configuration"][key]

    @cached_property
    def processes(self) -> tuple[Process, ...]:
        """All processes that can be seen."""
        return processes(self.node)

    @cached_property
    def runtimes(self) -> tuple[Runtime, ...]:
        """The runtimes for pods; those that run, if any do."""
        return find_runtimes(self.node, self.processes, self._ask)

    @cached_property
    def docker(self) -> tuple[Docker, ...]:
        """The Docker daemons."""
        return find_docker(self.node, self.processes, self._ask)

    @property
    def running(self) -> tuple[Runtime, ...]:
        """The runtimes that run."""
        return tuple(each for each in self.runtimes if each.process is not None)

    @cached_property
    def socket(self) -> str:
        """The plugin's socket, without links."""
        return self.node.canonical(self.config.socket)

    @cached_property
    def own(self) -> Runtime | None:
        """The runtime that the plugin serves, or is to serve.

        It is the one that started it, or the one with the plugin's socket, or else the
        only one that runs.
        """
        for runtime in self.running:
            if runtime.pid == self.plugin.launcher_pid:
                return runtime
        for runtime in self.running if self.knows("socket") else ():
            if self.node.canonical(runtime.settings.nri.socket) == self.socket:
                return runtime
        return self.running[0] if len(self.running) == 1 else None

    @property
    def info(self) -> RuntimeInfo | None:
        """What the plugin's runtime can do: as it told the plugin, or by its release.

        None if neither is known.
        """
        told = told_runtime(self.plugin.snapshot)
        if told is not None:
            return told
        known = self.own is not None and self.own.release is not None
        return self.own.info if known and self.own is not None else None

    @property
    def is_launched(self) -> bool:
        """Whether the runtime starts the plugin, which then needs no socket."""
        return any(instance.launched for instance in self.instances)

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        """All instances of the plugin that run."""
        path, config = self.plugin.config_path, self.config
        return find_instances(self.node, self.processes, path, config)

    @cached_property
    def serving(self) -> tuple[Instance, ...]:
        """The instances at the plugin's socket, without those that only validate.

        Where that socket isn't known it may be the one of any instance.
        """
        is_known = self.knows("socket")
        return tuple(
            each
            for each in self.instances
            if (each.serves or not is_known) and not each.validator
        )

    @cached_property
    def registry(self) -> Registry:
        """What the spec directories hold now."""
        places = map(self._place, self.spec_dirs)
        return Cache([place for place in places if place]).snapshot()

    @cached_property
    def unsupported(self) -> tuple[tuple[str, str], ...]:
        """The devices that the runtime can't give through NRI, each with a reason."""
        if self.info is None:
            return ()
        return tuple(_unsupported(self.registry, self.info))

    def _place(self, path: str) -> str:
        try:
            return self.node.host.locate(path)
        except OSError:
            return ""


def told_runtime(snapshot: Snapshot | None) -> RuntimeInfo | None:
    """The runtime that a plugin says it is connected to; None if it is to none."""
    if snapshot is None or not snapshot["runtime"]["connected"]:
        return None
    runtime = snapshot["runtime"]
    return RuntimeInfo.from_configure(
        api.ConfigureRequest(
            runtime_name=runtime["name"], runtime_version=runtime["version"]
        )
    )


def _unsupported(registry: Registry, info: RuntimeInfo) -> Iterator[tuple[str, str]]:
    for name in sorted(registry.devices):
        errors = unsupported_edits(registry.resolve([name]), info)
        if errors:
            yield name, str(errors[0])


def _unasked(_program: str, _name: str) -> str:
    return ""
