"""Asks the plugin about the containers of a pod that is not there.

The plugin's own code decides, with the configuration and the specs of this moment. What
it says is what would happen, but for what is not known here:

- Device nodes are looked up on this host.
- The kubelet asks the runtime for devices by itself, as device plugins and resource
  claims make it do, and what a container has that way it need not get.
- An image's variables can ask for devices, where the configuration has it so.
- Who holds a device that is exclusive: only the plugin that is running knows that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from nri_cdi.adjustment import unsupported_edits
from nri_cdi.cdi.lint import Host, request_errors
from nri_cdi.cdi.registry import Registry
from nri_cdi.config import Config
from nri_cdi.errors import RequestError, UnsupportedEditError
from nri_cdi.explanation.model import (
    ContainerExplanation,
    PodExplanation,
    RequestedDevice,
    Result,
)
from nri_cdi.explanation.subjects import creations, pod_name
from nri_cdi.holders import Holder
from nri_cdi.injection import nodes_of
from nri_cdi.intentions import doubts
from nri_cdi.manifests import Container, Pod
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import CONTAINERD, RuntimeInfo
from nri_cdi.plugin import CdiPlugin
from nri_cdi.policy import matcher
from nri_cdi.quoting import quoted, some
from nri_cdi.requests import NO_REQUEST, Request, dialects, requested
from nri_cdi.ttrpc.status import Code, RpcError, clip

# Source: containerd 1.7 and 2.x, WithContainerAdjustment and CreateContainer of the CRI
# plugin; the rest is how gRPC's Go library writes a status.
_CONTAINERDS_WORDS = (
    "failed to create containerd container: failed to get NRI adjustment for "
    "container: rpc error: code = {code} desc = {message}"
)

# These end before the containers behind them start.
_BRIEF = "initContainer"


class Explainer:
    """A node as far as it matters here: its specs, its runtime and the plugin.

    ``holders`` are the living containers that have devices; None if these are not
    known. It logs as the plugin does.
    """

    def __init__(
        self,
        registry: Registry,
        runtime: RuntimeInfo,
        config: Config | None = None,
        holders: Iterable[Holder] | None = None,
    ) -> None:
        self._registry = registry
        self._runtime = runtime
        self._config = config = Config() if config is None else config
        self._dialects = dialects(config.aliases)
        self._is_exclusive = matcher(config.exclusive) if config.exclusive else None
        self._knows_holders = holders is not None
        self._holders = tuple(
            each._replace(nodes=nodes_of(registry, each.devices))
            for each in holders or ()
        )
        # One that only checks would say nothing here, and some runtimes refuse it.
        giving = replace(config, validate="false")
        self._plugin = CdiPlugin(_FixedSpecs(registry), giving)
        self._plugin.configure(runtime, "")
        # The containers of a pod often ask for the same.
        self._failures: dict[tuple[str, ...], tuple[str, ...]] = {}

    def explain(self, pod: Pod) -> PodExplanation:
        """What the containers of ``pod`` get, as if no other pod came before it."""
        self._plugin.holders.replace(self._others(pod))
        containers = tuple(
            self._create(container, creation)
            for container, creation in creations(pod, self._runtime)
        )
        warnings = list(doubts(pod, self._dialects))
        if any(container.requests for container in containers):
            warnings += self._assumptions(pod)
        return PodExplanation(pod=pod, containers=containers, warnings=tuple(warnings))

    def _others(self, pod: Pod) -> Iterator[Holder]:
        """The holders but for this pod's containers: those would be gone."""
        names = [container.name for container in pod.containers]
        for each in self._holders:
            is_pods = (each.namespace, each.pod) == (pod.namespace, pod_name(pod))
            if not is_pods or each.container not in names:
                yield each

    def _assumptions(self, pod: Pod) -> Iterator[str]:
        """What the policy goes by, and a manifest doesn't quite say."""
        rules = self._config.policy.rules
        name = pod_name(pod)
        if name != pod.name and any(rule.pods for rule in rules):
            yield (
                "the policy has rules that go by the names of pods, and a likely one "
                f"is taken here: {quoted(name)}"
            )
        if pod.runtime_class and any(rule.runtime_handlers for rule in rules):
            yield (
                "the policy has rules that go by runtime handlers, and that of runtime "
                f"class {quoted(pod.runtime_class)} is taken to have the same name"
            )

    def _create(
        self, container: Container, creation: api.CreateContainerRequest
    ) -> ContainerExplanation:
        """What comes of it when the runtime creates this container."""
        requests = tuple(self._requested(creation))
        unknown = tuple(self._unknown_variables(container))
        try:
            response = finished(self._plugin.create_container(creation))
        except RpcError as error:
            return self._refused(container, requests, unknown, error)
        if response is None:
            return ContainerExplanation(
                container=container,
                requests=requests,
                result=Result.NOTHING,
                warnings=unknown,
            )
        if container.type == _BRIEF:
            self._plugin.holders.remove(creation.container.id)
        return self._injected(container, requests, unknown, response.adjust)

    def _refused(
        self,
        container: Container,
        requests: tuple[RequestedDevice, ...],
        unknown: tuple[str, ...],
        error: RpcError,
    ) -> ContainerExplanation:
        return ContainerExplanation(
            container=container,
            requests=requests,
            result=Result.REFUSED,
            rule=self._plugin.ledger.decisions[-1].rule,
            error=clip(error.message),
            kubelet_error=_kubelet_error(error, self._runtime),
            unsupported=tuple(self._unsupported(requests, error.__cause__)),
            warnings=unknown,
        )

    def _injected(
        self,
        container: Container,
        requests: tuple[RequestedDevice, ...],
        unknown: tuple[str, ...],
        adjustment: api.ContainerAdjustment,
    ) -> ContainerExplanation:
        decision = self._plugin.ledger.decisions[-1]
        delegated = frozenset(device.name for device in adjustment.CDI_devices)
        names = tuple(device.name for device in requests)
        given = [name for name in names if name in delegated]
        return ContainerExplanation(
            container=container,
            requests=tuple(
                replace(device, is_delegated=device.name in delegated)
                for device in requests
            ),
            result=Result.INJECTED,
            mode=decision.mode,
            rule=decision.rule,
            adjustment=adjustment,
            delegated=self._registry.resolve(given).parts,
            warnings=(
                *unknown,
                *self._unknown_holders(names),
                *self._failures_of(names),
            ),
        )

    def _requested(
        self, creation: api.CreateContainerRequest
    ) -> Iterator[RequestedDevice]:
        request = self._request(creation)
        for name in request.devices:
            registered = self._registry.devices.get(name)
            yield RequestedDevice(
                name=name,
                annotations=request.annotations(name),
                variables=request.variables(name),
                path=registered.path if registered else "",
            )

    def _request(self, creation: api.CreateContainerRequest) -> Request:
        """The request; none if it can't be read, which the plugin says."""
        container = creation.container
        with suppress(RequestError):
            return requested(
                creation.pod.annotations,
                container.name,
                container.env,
                self._dialects,
                self._config.environment,
            )
        return NO_REQUEST

    def _unknown_variables(self, container: Container) -> Iterator[str]:
        for name, _ in self._config.environment:
            if name in container.unknown_env:
                yield (
                    f"variable {name} has its value from elsewhere, and whether that "
                    "asks for devices is not known here"
                )

    def _unknown_holders(self, names: Iterable[str]) -> Iterator[str]:
        if self._is_exclusive is None or self._knows_holders:
            return
        exclusive = [name for name in names if self._is_exclusive(name)]
        if exclusive:
            yield (
                f"exclusive: {some(exclusive)}; whether another container holds it, "
                "and this one is refused, is not known here: nri-cdi status says it"
            )

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
        if not isinstance(cause, UnsupportedEditError):
            return
        resolution = self._registry.resolve(device.name for device in requests)
        found = [str(edit) for edit in unsupported_edits(resolution, self._runtime)]
        yield from found
        # What the plugin saw only when it looked at the host.
        yield from {str(cause)}.difference(found)


class _FixedSpecs:
    """Specs that are what they are: nothing to wait for, and nothing new to be read."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.version = 1
        self.loaded = True

    def settling(self) -> Awaitable[None] | None:
        return None

    def scanning(self) -> Awaitable[None] | None:
        return None

    async def rescan(self) -> None:
        return


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
