"""The plugin: a pod's annotations ask for CDI devices, its containers get them.

The way of a request: names from the annotations (`requests`), their edits from the
newest snapshot of the specs (`cdi.registry`), and from those the adjustment
(`adjustment`). The answer is computed at once wherever the snapshot has the answer.
Only where it may be behind the files does the answer wait for a rescan: after a name
that it doesn't know, and just after a change in a spec directory.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from nri_cdi.adjustment import CompiledAdjustment, compile_adjustment
from nri_cdi.cdi.edits import Resolution
from nri_cdi.cdi.registry import Registry
from nri_cdi.errors import ConfigError, RequestError, ResolveError
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import OLDEST, RuntimeInfo
from nri_cdi.nri.plugin import Answer, Plugin, Runtime
from nri_cdi.quoting import quoted
from nri_cdi.requests import Request, requested_devices
from nri_cdi.ttrpc.calls import MAX_PAYLOAD
from nri_cdi.ttrpc.status import Code, RpcError

# Device lists that are kept compiled: one for each kind of pod on a node.
COMPILED_LIMIT = 512

MS_PER_S = 1000

# Edits that one container's devices may have. To compile one takes some 6 µs, and the
# runtime waits for 2 s.
EDITS_LIMIT = 50_000

# Bytes of the answers that are kept; a GPU's has some 4 KB. What is larger than the
# second is not kept: nobody asks for such twice.
KEPT_LIMIT = 16 * 1024 * 1024
KEPT_ANSWER_LIMIT = 256 * 1024

# Kubernetes: a prefix of 253 characters, a slash, a name of 63.
KEY_LENGTH = 317

# The annotations that a message names, and the devices that a log line does.
BLAMED = 3
LOGGED = 16

logger = logging.getLogger(__name__)


def _at_once(call: Callable[..., object], *arguments: object) -> None:
    call(*arguments)


class _NotConfiguredError(RequestError):
    """The plugin has no configuration that it could go by."""


class _TooLargeError(RequestError):
    """Edits that can't go to the runtime, for their size alone."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What a container is to get: ``names`` are those of ``asked`` that it lacks.

    ``present`` are the devices that the runtime itself injects into it.
    """

    request: api.CreateContainerRequest
    asked: Request
    names: tuple[str, ...]
    present: tuple[str, ...]
    started: float

    def blame(self, error: RequestError) -> str:
        """Which annotations asked for what can't be had."""
        names = error.names if isinstance(error, ResolveError) else self.names
        keys = sorted({key for name in names for key in self.asked.sources[name]})
        more = f" and {len(keys) - BLAMED} more" if len(keys) > BLAMED else ""
        plural = "s" if len(keys) > 1 else ""
        shown = ", ".join(map(_readable, keys[:BLAMED]))
        return f"asked for by annotation{plural} {shown}{more}"


class _Compiled:
    """The answers for one list of devices."""

    def __init__(self, adjustment: CompiledAdjustment) -> None:
        self._compiled = adjustment
        self._adjustment: api.ContainerAdjustment | None = None
        self._response = api.CreateContainerResponse()

    @property
    def size(self) -> int:
        """Roughly how many bytes it takes."""
        return self._compiled.size

    def answer(self, container: api.Container) -> api.CreateContainerResponse:
        """The answer for a container, which the next one may get as well.

        Raises: RequestError.
        """
        adjustment = self._compiled.for_container(container)
        if adjustment is not self._adjustment:
            self._response = _response(adjustment)
            self._adjustment = adjustment
        return self._response


def _limit(resolution: Resolution) -> None:
    count = sum(len(part.edits) for part in resolution.parts)
    if count > EDITS_LIMIT:
        raise _TooLargeError(
            f"{len(resolution.devices)} devices come to {count} edits, and a container "
            f"may have {EDITS_LIMIT}"
        )


def _response(adjustment: api.ContainerAdjustment) -> api.CreateContainerResponse:
    response = api.CreateContainerResponse(adjust=adjustment)
    size = response.ByteSize()
    if size > MAX_PAYLOAD:
        raise _TooLargeError(
            f"the adjustment has {size} bytes, and NRI carries {MAX_PAYLOAD} at most: "
            "the edits are too many or too long"
        )
    return response


def _readable(key: str) -> str:
    """A key as it is, unless it is none that Kubernetes lets through."""
    return key if len(key) <= KEY_LENGTH and key.isprintable() else quoted(key)


class Specs(Protocol):
    """The specs of the node, kept fresh by someone else."""

    @property
    def registry(self) -> Registry:
        """The newest snapshot."""

    @property
    def version(self) -> int:
        """A number that is another one after each change of the snapshot."""

    def settling(self) -> Awaitable[None] | None:
        """What to wait for, briefly, if a spec file has changed a moment ago."""

    def scanning(self) -> Awaitable[None] | None:
        """What to wait for, however long, if files are being read now."""

    def rescan(self) -> Awaitable[None]:
        """Read what has changed until now; the registry has it when this is over."""


class CdiPlugin(Plugin):
    """Answers CreateContainer with the devices that the pod's annotations name."""

    def __init__(
        self,
        specs: Specs,
        name: str = "nri-cdi",
        index: str = "10",
        *,
        on_config: Callable[[str], None] | None = None,
        broken: ConfigError | None = None,
        later: Callable[..., object] = _at_once,
    ) -> None:
        """``on_config`` takes the runtime's configuration; may raise ConfigError.

        ``broken`` says what is wrong with the configuration so far, for good.

        ``later`` calls a function with arguments once the answer is on its way, as an
        event loop's ``call_soon`` does: to log takes longer than to answer.
        """
        super().__init__(name, index)
        self._specs = specs
        self._later = later
        self._on_config = on_config
        self._broken_for_good = broken
        self._broken = broken
        self._runtime: RuntimeInfo = OLDEST
        self._compiled: dict[tuple[tuple[str, ...], ...], _Compiled] = {}
        self._version = 0
        self._kept = 0

    def configure(self, runtime: RuntimeInfo, config: str) -> None:
        logger.info("registered with %s", runtime)
        self._runtime = runtime
        self._forget()
        if config and self._on_config is not None:
            self._take(config, self._on_config)

    def _take(self, config: str, on_config: Callable[[str], None]) -> None:
        # To refuse the registration would be a clear answer, but up to NRI 0.6 it keeps
        # the runtime from starting, and later the node would go on without the plugin.
        # So the plugin stays, and refuses the containers that need it.
        try:
            on_config(config)
        except ConfigError as error:
            self._broken = error
            for line in error.lines():
                logger.error("%s", line)
        else:
            self._broken = self._broken_for_good

    def synchronize(
        self, pods: Sequence[api.PodSandbox], containers: Sequence[api.Container]
    ) -> None:
        logger.debug("%d pods and %d containers exist", len(pods), len(containers))

    def synchronized(self, runtime: Runtime) -> None:
        logger.info(
            "synchronized with %s: containers get the devices that they ask for",
            runtime.info,
        )

    def create_container(
        self, request: api.CreateContainerRequest
    ) -> Answer[api.CreateContainerResponse]:
        started = time.perf_counter()
        container = request.container
        try:
            asked = requested_devices(request.pod.annotations, container.name)
        except RequestError as error:
            raise self._refusal(request, str(error)) from error
        # What the runtime injects because the kubelet said so is in there already.
        present = tuple([device.name for device in container.CDI_devices])
        names = asked.without(present)
        if not names:
            return None
        order = _Order(request, asked, names, present, started)
        settling = self._specs.settling()
        if settling is None and self._knows(names):
            return self._inject(order)
        # The snapshot may be behind a spec that was written just now.
        return self._inject_fresh(order, settling)

    async def _inject_fresh(
        self, order: _Order, settling: Awaitable[None] | None
    ) -> api.CreateContainerResponse:
        if settling is not None:
            await settling
        if not self._knows(order.names):
            scanning = self._specs.scanning()
            if scanning is not None:
                await scanning
        if not self._knows(order.names):
            await self._specs.rescan()
        return self._inject(order)

    def _knows(self, names: tuple[str, ...]) -> bool:
        """Whether all can be had; to try would make words for those that can't."""
        devices = self._specs.registry.devices
        return all(name in devices for name in names)

    def _inject(self, order: _Order) -> api.CreateContainerResponse:
        """The answer from the snapshot as it is.

        Raises: RpcError, which refuses the container.
        """
        try:
            compiled = self._compile(order.names, order.present)
            response = compiled.answer(order.request.container)
        except RequestError as error:
            raise self._refusal_of(order, error) from error
        self._later(_log_injection, order, time.perf_counter() - order.started)
        return response

    def _compile(self, names: tuple[str, ...], present: tuple[str, ...]) -> _Compiled:
        if self._broken is not None:
            raise _NotConfiguredError(
                "the plugin can't serve before its configuration is mended: "
                + "; ".join(self._broken.lines())
            )
        # The registry itself is not kept: to let go of an old one with many devices
        # takes as long as some requests, and is not for this thread to do.
        if self._version != self._specs.version:
            self._forget()
            self._version = self._specs.version
        compiled = self._compiled.get((names, present))
        if compiled is None:
            resolution = self._specs.registry.resolve(names, present=present)
            _limit(resolution)
            compiled = _Compiled(compile_adjustment(resolution, self._runtime))
            self._remember((names, present), compiled)
        return compiled

    def _remember(self, key: tuple[tuple[str, ...], ...], compiled: _Compiled) -> None:
        if compiled.size > KEPT_ANSWER_LIMIT:
            return
        full = len(self._compiled) >= COMPILED_LIMIT
        if full or self._kept + compiled.size > KEPT_LIMIT:
            self._forget()
        self._compiled[key] = compiled
        self._kept += compiled.size

    def _forget(self) -> None:
        self._compiled.clear()
        self._kept = 0

    def _refusal_of(self, order: _Order, error: RequestError) -> RpcError:
        return self._refusal(order.request, f"{error}; {order.blame(error)}")

    def _refusal(self, request: api.CreateContainerRequest, why: str) -> RpcError:
        logger.error(
            "pod %s/%s, container %s: refused: %s",
            request.pod.namespace,
            request.pod.name,
            request.container.name,
            why,
        )
        return RpcError(Code.FAILED_PRECONDITION, f"{self.name}: {why}")


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - LOGGED} more" if len(names) > LOGGED else ""
    return ", ".join(names[:LOGGED]) + more


def _log_injection(order: _Order, took_s: float) -> None:
    logger.info(
        "pod %s/%s, container %s: injected %s in %.2f ms",
        order.request.pod.namespace,
        order.request.pod.name,
        order.request.container.name,
        _listed(order.names),
        took_s * MS_PER_S,
    )
