"""The base class of NRI plugins.

A plugin is a subclass that defines the events it wants to hear of; what it defines is
what it is subscribed to. Each handler takes the request message of its RPC and returns
the response message, None for an empty response, or an awaitable of either:

    class Greeter(Plugin):
        def create_container(self, request):
            response = api.CreateContainerResponse()
            response.adjust.env.add(key="POD", value=request.pod.name)
            return response

The runtime asks about one container at a time, and every container of the node waits
for the answer: a handler that may block returns an awaitable, and the connection goes
on. A handler refuses with `RpcError`: the container is not created, and its text is
what the kubelet shows. Any other exception does the same, and is logged. An answer that
comes after the runtime's deadline would leave the container without it and the plugin
without a connection, so the connection answers with an error status just before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias, TypeVar

from nri_cdi._pb.nri import api_pb2 as api
from nri_cdi.errors import LocalProtocolError
from nri_cdi.nri.events import EVENTS, subscription

if TYPE_CHECKING:
    from nri_cdi.nri.capabilities import RuntimeInfo

T = TypeVar("T")
Answer: TypeAlias = T | Awaitable[T | None] | None


class Runtime(Protocol):
    """The runtime at the other end of a connection, as a plugin calls it."""

    @property
    def info(self) -> RuntimeInfo:
        """What the runtime said of itself."""

    def update_containers(
        self,
        updates: Iterable[api.ContainerUpdate],
        evictions: Iterable[api.ContainerEviction] = (),
    ) -> Awaitable[Sequence[api.ContainerUpdate]]:
        """Change running containers now; the updates that failed come back.

        Raises: RpcError if the runtime refuses, ConnectionError if it is gone.
        """


class Plugin:
    """What a plugin does when the runtime calls; subclass it.

    ``name`` and ``index`` identify the plugin to the runtime: a name of letters, digits
    and ``_.+-``, and two digits that order the plugins of a node. A plugin that the
    runtime launched has both from the runtime.
    """

    name: str
    index: str

    # Every event of the protocol has a method below, which does nothing. Defining it in
    # a subclass subscribes to the event.
    _EVENT_HANDLERS: ClassVar = tuple(event.handler for event in EVENTS)

    def __init__(self, name: str = "", index: str = "10") -> None:
        self.name = name or type(self).__name__.lower()
        self.index = index

    @property
    def subscription(self) -> int:
        """The mask of the events that this plugin's class defines.

        Raises: LocalProtocolError if it defines none: a mask of 0 asks for all.
        """
        mask = subscription(
            handler
            for handler in self._EVENT_HANDLERS
            if getattr(type(self), handler) is not getattr(Plugin, handler)
        )
        if not mask:
            raise LocalProtocolError(
                f"plugin {self.name!r} handles no event: define at least one of "
                f"{', '.join(self._EVENT_HANDLERS)}"
            )
        return mask

    def configure(self, runtime: RuntimeInfo, config: str) -> None:
        """The runtime has said what it is; ``config`` is empty for external plugins."""

    def synchronize(
        self, pods: Sequence[api.PodSandbox], containers: Sequence[api.Container]
    ) -> Iterable[api.ContainerUpdate] | None:
        """All pods and containers as of now; may answer with updates to containers."""

    def synchronized(self, runtime: Runtime) -> None:
        """The plugin is ready: from now on it hears of every event."""

    def unreachable(self, reason: str) -> None:
        """An attempt to connect has failed; the next one follows by itself."""

    def disconnected(self, reason: str) -> None:
        """The connection is gone. A new one starts with `configure`."""

    def why_late(self) -> str:
        """Why the answer that was just given up was not ready: for its message."""
        return ""

    def run_pod_sandbox(
        self, request: api.RunPodSandboxRequest
    ) -> Answer[api.RunPodSandboxResponse]:
        """A pod starts."""

    def update_pod_sandbox(
        self, request: api.UpdatePodSandboxRequest
    ) -> Answer[api.UpdatePodSandboxResponse]:
        """The resources of a pod are about to change. NRI 0.10 and later."""

    def post_update_pod_sandbox(
        self, request: api.PostUpdatePodSandboxRequest
    ) -> Answer[api.PostUpdatePodSandboxResponse]:
        """The resources of a pod have changed. NRI 0.10 and later."""

    def stop_pod_sandbox(
        self, request: api.StopPodSandboxRequest
    ) -> Answer[api.StopPodSandboxResponse]:
        """A pod is stopped."""

    def remove_pod_sandbox(
        self, request: api.RemovePodSandboxRequest
    ) -> Answer[api.RemovePodSandboxResponse]:
        """A pod is removed."""

    def create_container(
        self, request: api.CreateContainerRequest
    ) -> Answer[api.CreateContainerResponse]:
        """A container is about to be created; the answer may adjust it."""

    def post_create_container(
        self, request: api.PostCreateContainerRequest
    ) -> Answer[api.PostCreateContainerResponse]:
        """A container has been created."""

    def start_container(
        self, request: api.StartContainerRequest
    ) -> Answer[api.StartContainerResponse]:
        """A container is about to start."""

    def post_start_container(
        self, request: api.PostStartContainerRequest
    ) -> Answer[api.PostStartContainerResponse]:
        """A container has started."""

    def update_container(
        self, request: api.UpdateContainerRequest
    ) -> Answer[api.UpdateContainerResponse]:
        """The resources of a container are about to change; may adjust them."""

    def post_update_container(
        self, request: api.PostUpdateContainerRequest
    ) -> Answer[api.PostUpdateContainerResponse]:
        """The resources of a container have changed."""

    def stop_container(
        self, request: api.StopContainerRequest
    ) -> Answer[api.StopContainerResponse]:
        """A container has stopped; the answer may update others."""

    def remove_container(
        self, request: api.RemoveContainerRequest
    ) -> Answer[api.RemoveContainerResponse]:
        """A container is removed."""

    def validate_container_adjustment(
        self, request: api.ValidateContainerAdjustmentRequest
    ) -> Answer[api.ValidateContainerAdjustmentResponse]:
        """All plugins have adjusted a container; may reject it. NRI 0.10 and later."""
