"""A client of the Container Runtime Interface: pods, containers, commands in them.

Each verb is one call, on ids, as the kubelet makes it. Pods share the host's network,
unless they have a user namespace, which can't.

Source: proto/cri/api.proto, which has the messages and their numbers.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from testbed._pb.cri import api_pb2 as api
from testbed.containerlog import read_log
from testbed.images import IMAGE

RUNTIME_SERVICE = "runtime.v1.RuntimeService"
IMAGE_SERVICE = "runtime.v1.ImageService"
CALL_TIMEOUT_S = 60
POLL_S = 0.02

IDS = 65536
"""How many ids a user namespace maps; the kubelet's number."""

RECONNECT = [
    ("grpc.initial_reconnect_backoff_ms", 20),
    ("grpc.min_reconnect_backoff_ms", 20),
    ("grpc.max_reconnect_backoff_ms", 100),
]
"""A runtime that starts is looked for often; grpc's own first pause is a second."""

M = TypeVar("M", bound=Message)


class CriError(RuntimeError):
    """The runtime refused a call. ``details`` is what a user reads."""

    def __init__(self, method: str, code: grpc.StatusCode, details: str) -> None:
        self.method = method
        self.code = code
        self.details = details
        super().__init__(f"{method}: {code.name}: {details}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """What a command in a container left."""

    stdout: str
    stderr: str
    exit_code: int


class Cri:
    """A connection to a runtime's socket. Close it, or use it in a ``with``.

    Logs of containers go to files below ``logs``; all pods' cgroups live below
    ``cgroup_parent``, an absolute path within each hierarchy.
    """

    def __init__(self, socket: Path, *, logs: Path, cgroup_parent: str) -> None:
        self._logs = logs
        self._cgroup_parent = cgroup_parent
        self._channel = grpc.insecure_channel(f"unix:{socket}", RECONNECT)
        self._pods: dict[str, api.PodSandboxConfig] = {}

    def __enter__(self) -> Cri:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._channel.close()

    def version(self) -> api.VersionResponse:
        return self._call("Version", api.VersionRequest(), api.VersionResponse)

    def status(self) -> api.StatusResponse:
        return self._call("Status", api.StatusRequest(verbose=True), api.StatusResponse)

    def run_pod(
        self,
        name: str,
        *,
        annotations: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        namespace: str = "default",
        user_namespace: int | None = None,
        privileged: bool = False,
    ) -> str:
        """Start a pod without containers, and return its id.

        ``user_namespace`` is the host's id that 0 in the pod is, for a pod with a user
        namespace. containerd 2.1 creates such a pod's containers but can't start them:
        it wants runc 1.2, which Debian 12 can't run.
        """
        uid = str(uuid.uuid4())
        config = api.PodSandboxConfig(
            metadata=api.PodSandboxMetadata(name=name, uid=uid, namespace=namespace),
            log_directory=str(self._logs / uid),
            labels=labels,
            annotations=annotations,
            linux=api.LinuxPodSandboxConfig(
                cgroup_parent=self._cgroup_parent,
                security_context=api.LinuxSandboxSecurityContext(
                    namespace_options=_namespaces(user_namespace),
                    privileged=privileged,
                ),
            ),
        )
        request = api.RunPodSandboxRequest(config=config)
        pod = self._call("RunPodSandbox", request, api.RunPodSandboxResponse)
        self._pods[pod.pod_sandbox_id] = config
        return pod.pod_sandbox_id

    @contextmanager
    def pod(
        self,
        name: str,
        *,
        annotations: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        namespace: str = "default",
    ) -> Iterator[str]:
        """A pod, by its id, that goes with all its containers at the end."""
        pod_id = self.run_pod(
            name, annotations=annotations, labels=labels, namespace=namespace
        )
        try:
            yield pod_id
        finally:
            self.remove_pod(pod_id)

    def stop_pod(self, pod_id: str) -> None:
        request = api.StopPodSandboxRequest(pod_sandbox_id=pod_id)
        self._call("StopPodSandbox", request, api.StopPodSandboxResponse)

    def remove_pod(self, pod_id: str) -> None:
        """Stop and remove a pod with its containers, unless it is gone already."""
        self.stop_pod(pod_id)
        request = api.RemovePodSandboxRequest(pod_sandbox_id=pod_id)
        self._call("RemovePodSandbox", request, api.RemovePodSandboxResponse)
        self._pods.pop(pod_id, None)

    def images(self) -> Sequence[str]:
        """The names of the images that pods can run."""
        request = api.ListImagesRequest()
        listed = self._call(
            "ListImages", request, api.ListImagesResponse, IMAGE_SERVICE
        )
        return [name for image in listed.images for name in image.repo_tags]

    def list_pods(self) -> Sequence[api.PodSandbox]:
        request = api.ListPodSandboxRequest()
        return self._call("ListPodSandbox", request, api.ListPodSandboxResponse).items

    def create_container(
        self,
        pod_id: str,
        name: str,
        *,
        command: Sequence[str] = (),
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        mounts: Sequence[api.Mount] = (),
        devices: Sequence[api.Device] = (),
        cdi_devices: Sequence[str] = (),
        privileged: bool = False,
        run_as_user: int | None = None,
        run_as_group: int | None = None,
        image: str = IMAGE,
        security: api.LinuxContainerSecurityContext | None = None,
        resources: api.LinuxContainerResources | None = None,
    ) -> str:
        """Create a container in a pod that this client started, and return its id.

        Without ``command`` and ``args`` it idles. What ``security`` sets goes over the
        rest.

        Raises: CriError, with what an NRI plugin answered, where one refused.
        """
        security_context = api.LinuxContainerSecurityContext(
            privileged=privileged,
            namespace_options=_namespaces_of(self._pods[pod_id]),
            run_as_user=_int64(run_as_user),
            run_as_group=_int64(run_as_group),
        )
        security_context.MergeFrom(security or api.LinuxContainerSecurityContext())
        config = api.ContainerConfig(
            metadata=api.ContainerMetadata(name=name),
            image=api.ImageSpec(image=image),
            command=command,
            args=args,
            envs=[
                api.KeyValue(key=key, value=value.encode())
                for key, value in (env or {}).items()
            ],
            mounts=mounts,
            devices=devices,
            labels=labels,
            annotations=annotations,
            log_path=f"{name}.log",
            linux=api.LinuxContainerConfig(
                security_context=security_context, resources=resources
            ),
            CDI_devices=[api.CDIDevice(name=device) for device in cdi_devices],
        )
        request = api.CreateContainerRequest(
            pod_sandbox_id=pod_id, config=config, sandbox_config=self._pods[pod_id]
        )
        reply = self._call("CreateContainer", request, api.CreateContainerResponse)
        return reply.container_id

    def start_container(self, container_id: str) -> None:
        request = api.StartContainerRequest(container_id=container_id)
        self._call("StartContainer", request, api.StartContainerResponse)

    def stop_container(self, container_id: str, *, grace_s: int = 0) -> None:
        request = api.StopContainerRequest(container_id=container_id, timeout=grace_s)
        self._call("StopContainer", request, api.StopContainerResponse)

    def remove_container(self, container_id: str) -> None:
        """Remove a container, and kill it first where it runs."""
        request = api.RemoveContainerRequest(container_id=container_id)
        self._call("RemoveContainer", request, api.RemoveContainerResponse)

    def list_containers(self) -> Sequence[api.Container]:
        request = api.ListContainersRequest()
        return self._call(
            "ListContainers", request, api.ListContainersResponse
        ).containers

    def container_status(self, container_id: str) -> api.ContainerStatusResponse:
        """The container's state; ``info["info"]`` is JSON with pid and OCI spec."""
        request = api.ContainerStatusRequest(container_id=container_id, verbose=True)
        return self._call("ContainerStatus", request, api.ContainerStatusResponse)

    def exec_sync(self, container_id: str, *command: str) -> Executed:
        """Run a command in a running container to its end."""
        request = api.ExecSyncRequest(
            container_id=container_id, cmd=command, timeout=CALL_TIMEOUT_S
        )
        reply = self._call("ExecSync", request, api.ExecSyncResponse)
        return Executed(
            stdout=reply.stdout.decode(errors="replace"),
            stderr=reply.stderr.decode(errors="replace"),
            exit_code=reply.exit_code,
        )

    def wait_exit(self, container_id: str, *, timeout_s: float = CALL_TIMEOUT_S) -> int:
        """Wait until a started container has ended, and return its exit code.

        Raises: TimeoutError.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            status = self.container_status(container_id).status
            if status.state == api.CONTAINER_EXITED:
                return status.exit_code
            time.sleep(POLL_S)
        raise TimeoutError(f"container {container_id} still runs after {timeout_s} s")

    def logs(self, container_id: str) -> str:
        """What the container has written to its output and error stream so far."""
        return read_log(Path(self.container_status(container_id).status.log_path))

    def _call(
        self,
        method: str,
        request: Message,
        response: type[M],
        service: str = RUNTIME_SERVICE,
    ) -> M:
        call = self._channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=response.FromString,
        )
        try:
            return call(request, timeout=CALL_TIMEOUT_S)
        except grpc.RpcError as error:
            raise CriError(method, error.code(), error.details() or "") from None


def _namespaces(user_namespace: int | None) -> api.NamespaceOption:
    if user_namespace is None:
        return api.NamespaceOption(network=api.NODE, pid=api.CONTAINER)
    mapping = api.IDMapping(host_id=user_namespace, container_id=0, length=IDS)
    users = api.UserNamespace(mode=api.POD, uids=[mapping], gids=[mapping])
    return api.NamespaceOption(network=api.POD, pid=api.CONTAINER, userns_options=users)


def _namespaces_of(pod: api.PodSandboxConfig) -> api.NamespaceOption:
    """A container's namespaces must be its pod's."""
    return pod.linux.security_context.namespace_options


def _int64(value: int | None) -> api.Int64Value | None:
    return None if value is None else api.Int64Value(value=value)
