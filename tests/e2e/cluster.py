"""A node of a cluster: a private runtime, and pods as deploy/nri-cdi.yaml has them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed import kubelet, manifest, pythonimage
from testbed.containerd import Containerd
from testbed.cri import CriError, Executed
from tests.e2e.node import Container, Pod, asking

MANIFEST = manifest.read()
PYTHON = "/opt/nri-cdi/bin/python"
READY_S = 30
POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A pod of the DaemonSet."""

    pod: Pod
    container: Container

    def probe(self, name: str) -> Executed:
        """What the kubelet would run, ``livenessProbe`` or ``readinessProbe``."""
        command = MANIFEST.container[name]["exec"]["command"]
        return self.pod.cri.exec_sync(self.container.id, *command)

    def await_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        while (failure := self._failure()) is not None:
            log = self.pod.cri.logs(self.container.id)
            assert time.monotonic() < deadline, f"not ready: {failure}\n{log}"
            time.sleep(POLL_S)

    def _failure(self) -> object:
        """Why it is not ready; None if it is."""
        try:
            probed = self.probe("readinessProbe")
        except CriError as error:  # it has ended
            return error
        return None if probed.exit_code == 0 else probed

    def python(self, program: str) -> Executed:
        """Run a program of Python in the container."""
        return self.pod.cri.exec_sync(self.container.id, PYTHON, "-c", program)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A node with the manifest: ``folder`` has what stands for the host's folders."""

    containerd: Containerd
    folder: Path

    @property
    def host(self) -> dict[str, Path]:
        """What stands for the host's folders."""
        return {
            "/var/run/nri": self.folder / "nri",
            "/etc/cdi": self.folder / "static",
            "/var/run/cdi": self.folder / "dynamic",
        }

    @contextmanager
    def pod(self, *devices: str) -> Iterator[Pod]:
        """A pod of somebody that asks for these devices."""
        cri = self.containerd.cri
        with cri.pod(f"pod-{time.monotonic_ns()}", annotations=asking(*devices)) as id_:
            yield Pod(cri=cri, id=id_)

    @contextmanager
    def instance(
        self,
        name: str,
        config: str = MANIFEST.config,
        seccomp: Path | None = None,
    ) -> Iterator[Instance]:
        """One more pod of the DaemonSet, once it is ready, with this configuration.

        ``seccomp`` is a file with another profile than the manifest's.
        """
        maps = {"nri-cdi": {"data": {"config.yaml": config}}}
        own = kubelet.volumes(MANIFEST.pod, maps, self.folder / name, self.host)
        settings = kubelet.settings(MANIFEST.container, own)
        if seccomp is not None:
            settings["security"].seccomp.CopyFrom(kubelet.local_profile(seccomp))
        cri = self.containerd.cri
        with cri.pod(name) as pod_id:
            pod = Pod(cri=cri, id=pod_id)
            container = pod.run("nri-cdi", image=pythonimage.IMAGE, **settings)
            instance = Instance(pod=pod, container=container)
            instance.await_ready()
            yield instance
