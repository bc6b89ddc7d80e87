"""A stand-in for a container runtime: the other end of an NRI connection.

For tests and measurements of the plugin's side, where a real runtime would only add its
own time. It knows the wire and the order of calls, and no containers.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from google.protobuf.message import Message

from nri_cdi.nri import api
from nri_cdi.nri.events import PLUGIN_SERVICE, RUNTIME_SERVICE
from nri_cdi.nri.mux import PLUGIN_SERVICE_CONN, RUNTIME_SERVICE_CONN, Mux
from nri_cdi.ttrpc.connection import ClientConnection, Request, Response
from nri_cdi.ttrpc.service import Handler, Server, Service

NS_PER_MS = 1_000_000
REQUEST_TIMEOUT_MS = 2000


class RuntimeEnd:
    """The runtime's side of the conversation, without a connection."""

    def __init__(self) -> None:
        self.registered: api.RegisterPluginRequest | None = None
        self.updates: list[api.UpdateContainersRequest] = []
        self.exceptions: list[Exception] = []
        self._mux = Mux()
        self._client = ClientConnection()
        self._methods: dict[str, Handler] = {
            "RegisterPlugin": self._register_plugin,
            "UpdateContainers": self._update_containers,
        }
        service = Service(RUNTIME_SERVICE, self._methods)
        self._server = Server([service], self._failed)

    def answer_updates_with(self, handler: Handler) -> None:
        """Answer UpdateContainers in another way than with success."""
        self._methods["UpdateContainers"] = handler

    def call(self, method: str, request: Message, timeout_ms: int = 0) -> int:
        """Call the plugin; the response comes with the id that this returns."""
        return self._client.call(
            PLUGIN_SERVICE,
            method,
            request.SerializeToString(),
            timeout_ns=timeout_ms * NS_PER_MS,
        )

    def receive_data(self, data: bytes) -> list[Response]:
        """Take the plugin's bytes; responses to calls come out."""
        responses: list[Response] = []
        for conn_id, payload in self._mux.receive_data(data):
            if conn_id == PLUGIN_SERVICE_CONN:
                responses += self._client.receive_data(payload)
            else:
                self._server.receive_data(payload)
        return responses

    def data_to_send(self) -> bytes:
        """The bytes for the plugin."""
        frames = [
            *self._mux.encode(PLUGIN_SERVICE_CONN, self._client.data_to_send()),
            *self._mux.encode(RUNTIME_SERVICE_CONN, self._server.data_to_send()),
        ]
        return b"".join(frames)

    def _register_plugin(self, request: Request) -> bytes:
        self.registered = api.RegisterPluginRequest.FromString(request.payload)
        return b""

    def _update_containers(self, request: Request) -> bytes:
        asked = api.UpdateContainersRequest.FromString(request.payload)
        self.updates.append(asked)
        failed = [update for update in asked.update if update.ignore_failure]
        return api.UpdateContainersResponse(failed=failed).SerializeToString()

    def _failed(self, _request: Request, error: Exception) -> None:
        self.exceptions.append(error)


class Connection:
    """A plugin's connection, on a blocking socket."""

    def __init__(self, trunk: socket.socket, deadline_s: float = 10.0) -> None:
        self.end = RuntimeEnd()
        self.trunk = trunk
        self._responses: dict[int, Response] = {}
        trunk.settimeout(deadline_s)

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.trunk.close()

    def start(
        self,
        configure: api.ConfigureRequest | None = None,
        pods: Iterable[api.PodSandbox] = (),
        containers: Iterable[api.Container] = (),
    ) -> api.ConfigureResponse:
        """Take the registration, configure and synchronize: the plugin is in use."""
        self.await_registration()
        response = self.call("Configure", configure or containerd("2.1.9"))
        assert response.status is None, response.status
        synchronize = api.SynchronizeRequest(pods=pods, containers=containers)
        synchronized = self.call("Synchronize", synchronize)
        assert synchronized.status is None, synchronized.status
        return api.ConfigureResponse.FromString(response.payload)

    def await_registration(self) -> api.RegisterPluginRequest:
        """Read until the plugin has introduced itself, and accept it."""
        while self.end.registered is None:
            self._read()
        self._flush()
        return self.end.registered

    def call(
        self, method: str, request: Message, timeout_ms: int = REQUEST_TIMEOUT_MS
    ) -> Response:
        """Call the plugin and wait for its answer."""
        return self.wait(self.send(method, request, timeout_ms))

    def send(
        self, method: str, request: Message, timeout_ms: int = REQUEST_TIMEOUT_MS
    ) -> int:
        """Call the plugin and don't wait."""
        stream_id = self.end.call(method, request, timeout_ms)
        self._flush()
        return stream_id

    def wait(self, stream_id: int) -> Response:
        """The answer to a call, as soon as it is there.

        Raises: ConnectionError when the plugin closes; TimeoutError after the deadline.
        """
        while stream_id not in self._responses:
            self._read()
        return self._responses.pop(stream_id)

    def create_container(
        self, request: api.CreateContainerRequest
    ) -> api.CreateContainerResponse:
        """The plugin's answer about a container; its refusal is an AssertionError."""
        response = self.call("CreateContainer", request)
        assert response.status is None, response.status
        return api.CreateContainerResponse.FromString(response.payload)

    def _read(self) -> None:
        data = self.trunk.recv(1 << 16)
        if not data:
            raise ConnectionError("the plugin closed the connection")
        for response in self.end.receive_data(data):
            self._responses[response.stream_id] = response
        self._flush()

    def _flush(self) -> None:
        data = self.end.data_to_send()
        if data:
            self.trunk.sendall(data)


class StandIn:
    """A runtime's NRI socket at ``path``; a context manager."""

    def __init__(self, path: str, deadline_s: float = 10.0) -> None:
        self.path = path
        self._deadline_s = deadline_s
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.settimeout(deadline_s)
        self._listener.bind(path)
        self._listener.listen()

    def __enter__(self) -> StandIn:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, and remove the socket as a runtime does."""
        self._listener.close()
        Path(self.path).unlink(missing_ok=True)

    def accept(self) -> Connection:
        """The next plugin that connects. Raises: TimeoutError after the deadline."""
        trunk, _ = self._listener.accept()
        return Connection(trunk, self._deadline_s)


def containerd(version: str, nri_version: str = "") -> api.ConfigureRequest:
    """What containerd says of itself; NRI 0.7 and later tell their timeouts."""
    return api.ConfigureRequest(
        runtime_name="containerd",
        runtime_version=version,
        registration_timeout=5000 if version >= "1.7.26" else 0,
        request_timeout=REQUEST_TIMEOUT_MS if version >= "1.7.26" else 0,
        NRI_version=nri_version,
    )


def container_request(
    annotations: dict[str, str], container: str = "main", pod: str = "pod-1"
) -> api.CreateContainerRequest:
    """A container of a small pod, as containerd 2.1 asks about it."""
    request = api.CreateContainerRequest()
    request.pod.id = "1" * 64
    request.pod.name = pod
    request.pod.namespace = "default"
    request.pod.uid = "5ef1b7a0-3d8a-4a2c-9a6e-0c1f4e5d6b7a"
    for key, value in annotations.items():
        request.pod.annotations[key] = value
    request.container.id = "2" * 64
    request.container.pod_sandbox_id = request.pod.id
    request.container.name = container
    request.container.args.extend(["/bin/sh", "-c", "sleep 3600"])
    request.container.env.append("PATH=/usr/sbin:/usr/bin:/sbin:/bin")
    return request
