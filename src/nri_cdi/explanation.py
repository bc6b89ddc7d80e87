"""What the containers of a pod would get, as the plugin itself would answer.

The plugin's own code decides, with the specs of this moment. What it says is what would
happen, but for two things: device nodes are looked up on this host, and nothing is
known of the devices that the kubelet itself asks the runtime for, as device plugins and
resource claims make it do. The warnings of a container are lint's errors: why it would
fail although it gets its edits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from nri_cdi.adjustment import unsupported_edits
from nri_cdi.cdi.lint import Host, request_errors
from nri_cdi.cdi.registry import Registry
from nri_cdi.errors import AnnotationError, ResolveError, UnsupportedEditError
from nri_cdi.intentions import doubts
from nri_cdi.manifests import Container, Pod
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import CONTAINERD, RuntimeInfo
from nri_cdi.plugin import CdiPlugin
from nri_cdi.requests import CONTAINER_KEY, requested_devices
from nri_cdi.ttrpc.status import Code, RpcError, clip

# Source: containerd 1.7 and 2.x, WithContainerAdjustment and CreateContainer of the CRI
# plugin; the rest is how gRPC's Go library writes a status.
_CONTAINERDS_WORDS = (
    "failed to create containerd container: failed to get NRI adjustment for "
    "container: rpc error: code = {code} desc = {message}"
)


class Result(StrEnum):
    """What becomes of a container's request for devices."""

    INJECTED = "injected"
    NOTHING = "nothing"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedDevice:
    """A device, the annotations that name it, and its spec file; "" if none has it."""

    name: str
    annotations: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerExplanation:
    """What a container asks for, and what comes of it.

    ``requests`` is empty too if the annotations can't be read, and the result REFUSED.
    ``adjustment`` is empty unless the result is INJECTED. ``error`` is empty unless it
    is REFUSED; so is ``kubelet_error``, the same as the kubelet shows it, and it is
    empty too for a runtime whose words are not known. ``unsupported`` has all edits
    that the runtime can't carry out, where ``error`` has the first reason.
    ``warnings`` has why a container that is INJECTED would not work on this host.
    """

    container: Container
    requests: tuple[RequestedDevice, ...]
    result: Result
    adjustment: api.ContainerAdjustment = field(default_factory=api.ContainerAdjustment)
    error: str = ""
    kubelet_error: str = ""
    unsupported: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PodExplanation:
    """A pod's containers, and what in its annotations is hardly meant as it stands."""

    pod: Pod
    containers: tuple[ContainerExplanation, ...]
    warnings: tuple[str, ...]


def explain(pod: Pod, registry: Registry, runtime: RuntimeInfo) -> PodExplanation:
    """What the containers of ``pod`` get on a node with these specs and this runtime.

    It logs as the plugin does.
    """
    node = _Node(registry, runtime)
    return PodExplanation(
        pod=pod,
        containers=tuple(
            node.create(each, container)
            for each, container in _with_annotations_of_concern(pod)
        ),
        warnings=tuple(doubts(pod)),
    )


def _with_annotations_of_concern(pod: Pod) -> Iterator[tuple[Pod, Container]]:
    """Each container, and the pod without the annotations for other containers alone.

    They mean nothing for this one. With thousands of each, to have the plugin find that
    out again and again takes many seconds.
    """
    shared = {
        key: value
        for key, value in pod.annotations.items()
        if not key.startswith(CONTAINER_KEY) or key == CONTAINER_KEY
    }
    for container in pod.containers:
        own = CONTAINER_KEY + container.name
        annotations = shared
        if own in pod.annotations:
            annotations = {**shared, own: pod.annotations[own]}
        yield replace(pod, annotations=annotations), container


class _FixedSpecs:
    """Specs that are what they are: nothing to wait for, and nothing new to be read."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.version = 1

    def settling(self) -> Awaitable[None] | None:
        return None

    def scanning(self) -> Awaitable[None] | None:
        return None

    async def rescan(self) -> None:
        return


class _Node:
    """A node as far as it matters here: its specs, its runtime and the plugin."""

    def __init__(self, registry: Registry, runtime: RuntimeInfo) -> None:
        self._registry = registry
        self._runtime = runtime
        self._plugin = CdiPlugin(_FixedSpecs(registry))
        self._plugin.configure(runtime, "")
        # The containers of a pod often ask for the same.
        self._failures: dict[tuple[str, ...], tuple[str, ...]] = {}

    def create(self, pod: Pod, container: Container) -> ContainerExplanation:
        """What comes of it when the runtime creates this container."""
        creation = self._creation(pod, container)
        requests = tuple(self._requested(creation))
        try:
            response = finished(self._plugin.create_container(creation))
        except RpcError as error:
            return ContainerExplanation(
                container=container,
                requests=requests,
                result=Result.REFUSED,
                error=clip(error.message),
                kubelet_error=_kubelet_error(error, self._runtime),
                unsupported=tuple(self._unsupported(requests, error.__cause__)),
            )
        if response is None:
            return ContainerExplanation(
                container=container, requests=requests, result=Result.NOTHING
            )
        return ContainerExplanation(
            container=container,
            requests=requests,
            result=Result.INJECTED,
            adjustment=response.adjust,
            warnings=self._failures_of(tuple(device.name for device in requests)),
        )

    def _creation(self, pod: Pod, container: Container) -> api.CreateContainerRequest:
        """What the runtime asks the plugin, as far as a manifest tells."""
        request = api.CreateContainerRequest()
        request.pod.name = pod.name
        request.pod.namespace = pod.namespace
        request.pod.annotations.update(pod.annotations)
        request.container.name = container.name
        if self._runtime.capabilities.container_user:
            request.container.user.uid = container.user
            request.container.user.gid = container.group
        if pod.has_user_namespace:
            request.container.linux.namespaces.add(type="user")
        return request

    def _requested(
        self, creation: api.CreateContainerRequest
    ) -> Iterator[RequestedDevice]:
        annotations, name = creation.pod.annotations, creation.container.name
        with suppress(AnnotationError):
            for device, keys in requested_devices(annotations, name).sources.items():
                registered = self._registry.devices.get(device)
                path = registered.path if registered else ""
                yield RequestedDevice(name=device, annotations=keys, path=path)

    def _failures_of(self, names: tuple[str, ...]) -> tuple[str, ...]:
        if names not in self._failures:
            errors = request_errors(self._registry.resolve(names), Host())
            self._failures[names] = tuple(
                f"{error.message} [{error.rule}]" for error in errors
            )
        return self._failures[names]

    def _unsupported(
        self, requests: tuple[RequestedDevice, ...], cause: BaseException | None
    ) -> Iterator[str]:
        try:
            resolution = self._registry.resolve(device.name for device in requests)
        except ResolveError:
            return
        found = [str(edit) for edit in unsupported_edits(resolution, self._runtime)]
        yield from found
        # What the plugin saw only when it looked at the host.
        if isinstance(cause, UnsupportedEditError):
            yield from {str(cause)}.difference(found)


def finished(answer: Any) -> Any:
    """An answer of the plugin, whose waiting is over as soon as it starts.

    Raises: RuntimeError if it does wait.
    """
    if not isinstance(answer, Coroutine):
        return answer
    try:
        answer.send(None)
    except StopIteration as done:
        return done.value
    answer.close()
    raise RuntimeError("the plugin waits, and there is nothing to wait for")


def _kubelet_error(error: RpcError, runtime: RuntimeInfo) -> str:
    if runtime.name != CONTAINERD:
        return ""
    code = Code(error.code).name.title().replace("_", "")
    return _CONTAINERDS_WORDS.format(code=code, message=clip(error.message))
