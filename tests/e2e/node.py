"""A node, small but real: a runtime, the plugin, spec files, pods and containers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.nri import api
from nri_cdi.nri.capabilities import RuntimeInfo
from testbed.containerd import Containerd
from testbed.cri import Cri, CriError
from tests.e2e.pluginprocess import PluginProcess

Annotations = Mapping[str, str]
Config = dict[str, Any]
"""An OCI runtime specification, as runc gets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container that has been created."""

    cri: Cri
    id: str

    def start(self) -> Container:
        self.cri.start_container(self.id)
        return self

    def output(self, *command: str) -> str:
        """What a command in the running container prints; it has to succeed."""
        done = self.cri.exec_sync(self.id, *command)
        assert done.exit_code == 0, f"{command}: {done}"
        return done.stdout

    def shell(self, script: str) -> str:
        """What a shell script in the running container prints; it has to succeed."""
        return self.output("/bin/sh", "-ec", script)

    def env(self) -> dict[str, str]:
        """The environment of the running container's first process."""
        entries = self.output("/bin/cat", "/proc/1/environ").split("\0")
        return dict(entry.split("=", 1) for entry in entries if entry)

    def has(self, path: str) -> bool:
        """Whether the running container has that file."""
        return self.cri.exec_sync(self.id, "/bin/test", "-e", path).exit_code == 0

    def config(self) -> Config:
        """The OCI configuration that the container was created with."""
        info = json.loads(self.cri.container_status(self.id).info["info"])
        config: Config = info["runtimeSpec"]
        return config

    def remove(self) -> None:
        self.cri.remove_container(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod that runs."""

    cri: Cri
    id: str

    def create(self, name: str = "main", **settings: Any) -> Container:
        """Create a container; ``settings`` are those of `testbed.cri.Cri`."""
        container_id = self.cri.create_container(self.id, name, **settings)
        return Container(cri=self.cri, id=container_id)

    def run(self, name: str = "main", **settings: Any) -> Container:
        """Create a container and start it."""
        return self.create(name, **settings).start()

    def refused(self, name: str = "main", **settings: Any) -> str:
        """The message with which the runtime refuses to create a container."""
        before = self.containers()
        with pytest.raises(CriError) as caught:
            self.create(name, **settings)
        assert caught.value.method == "CreateContainer"
        assert self.containers() == before, "a refused container is left behind"
        return caught.value.details

    def containers(self) -> list[str]:
        """The ids of the pod's containers, in whatever state."""
        return sorted(
            each.id
            for each in self.cri.list_containers()
            if each.pod_sandbox_id == self.id
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A runtime and the plugin, a spec directory, and a folder of the test's own."""

    containerd: Containerd
    plugin: PluginProcess
    spec_dir: Path
    folder: Path

    @property
    def cri(self) -> Cri:
        return self.containerd.cri

    @property
    def runtime(self) -> RuntimeInfo:
        """What the plugin is to make of this runtime."""
        return runtime_info(self.containerd)

    @contextmanager
    def pod(
        self, annotations: Annotations | None = None, **settings: Any
    ) -> Iterator[Pod]:
        """A pod that goes, with all its containers, at the end.

        ``settings`` are those of `testbed.cri.Cri.pod`.
        """
        name = f"pod-{uuid.uuid4()}"
        with self.cri.pod(name, annotations=annotations, **settings) as pod_id:
            yield Pod(cri=self.cri, id=pod_id)

    @contextmanager
    def created(self, *devices: str, **settings: Any) -> Iterator[Container]:
        """A container, not started, of a pod that asks for these devices."""
        with self.pod(asking(*devices)) as pod:
            yield pod.create(**settings)

    @contextmanager
    def running(self, *devices: str, **settings: Any) -> Iterator[Container]:
        """A running container of a pod that asks for these devices."""
        with self.created(*devices, **settings) as container:
            yield container.start()

    def refusal(self, *devices: str) -> str:
        """The message with which a container that asks for these is refused."""
        with self.pod(asking(*devices)) as pod:
            return pod.refused()


def asking(*devices: str) -> dict[str, str]:
    """The annotations of a pod that asks for devices; none if it asks for none."""
    return {"cdi.k8s.io/devices": ",".join(devices)} if devices else {}


def runtime_info(containerd: Containerd) -> RuntimeInfo:
    """A runtime that introduces itself by the name and version that its CRI has."""
    said = containerd.cri.version()
    return RuntimeInfo.from_configure(
        api.ConfigureRequest(
            runtime_name=said.runtime_name, runtime_version=said.runtime_version
        )
    )
