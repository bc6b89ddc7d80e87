"""The plugin: a pod's annotations ask for CDI devices, its containers get them.

The way of a request: names from the annotations (`terms`, `requests`), what the policy
says of them (`policy`), their edits from the newest snapshot of the specs
(`cdi.registry`), and from those the answer (`injection`). It is computed at once
wherever the snapshot has the answer. Only where it may be behind the files does the
answer wait for a rescan: after a name that it doesn't know, and just after a change in
a spec directory. And it waits for a look at device nodes that are not below /dev.

What was decided stands in the `ledger`, and who holds what in `holders`.

Longer than 300 lines, so that the way of a request can be read from end to end.
"""

from __future__ import annotations

import logging
import time
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias

from nri_cdi.adjustment.nodes import Lstat
from nri_cdi.adjustment.reclaiming import reclaimed
from nri_cdi.cdi.registry import Registry
from nri_cdi.clerk import Clerk
from nri_cdi.config import Config
from nri_cdi.errors import (
    ConfigError,
    RequestError,
    UnsupportedEditError,
)
from nri_cdi.holders import NO_NODES, Holder, Holders
from nri_cdi.injection import (
    DELEGATED_MARK,
    RESOLVED_MARK,
    Compiled,
    Injection,
    Injector,
    given_before,
    nodes_of,
)
from nri_cdi.ledger import Ledger, Result
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import DOCKER, OLDEST, RuntimeInfo
from nri_cdi.nri.events import subscription
from nri_cdi.nri.plugin import Answer, Plugin, Runtime
from nri_cdi.orders import (
    Asking,
    Order,
    denial,
    held,
    named,
)
from nri_cdi.quoting import quoted_path
from nri_cdi.requests import ALIASES, NO_REQUEST, Request
from nri_cdi.survey import Census, holder
from nri_cdi.terms import Terms
from nri_cdi.ttrpc.status import Code, RpcError
from nri_cdi.validator import Validator

MS_PER_S = 1000

# How long a look at the host's device nodes may take. The runtime waits for 2 s unless
# it is told otherwise; half of what it waits is the most.
LOOKING_S = 1.0

# The rule, where no rule of the policy was the one.
DEFAULT_RULE = "(default)"

_VALIDATION = subscription(["validate_container_adjustment"])
_CREATION = subscription(["create_container"])

logger = logging.getLogger(__name__)


Look: TypeAlias = "Callable[[Lstat, tuple[str, ...], float], Awaitable[Lstat]]"


def _at_once(call: Callable[..., object], *arguments: object) -> None:
    call(*arguments)


class _RefusedError(RequestError):
    """A container that is not to be, by the policy or the configuration."""


class Specs(Protocol):
    """The specs of the node, kept fresh by someone else."""

    @property
    def registry(self) -> Registry:
        """The newest snapshot."""

    @property
    def version(self) -> int:
        """A number that is another one after each change of the snapshot."""

    @property
    def loaded(self) -> bool:
        """Whether the files have been read at least once."""

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
        config: Config | None = None,
        *,
        on_config: Callable[[str], None] | None = None,
        broken: ConfigError | None = None,
        later: Callable[..., object] = _at_once,
        look: Look | None = None,
        on_gaps: Callable[[], bool] = bool,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``on_config`` takes the runtime's configuration; may raise ConfigError.

        ``broken`` says what is wrong with the configuration so far, for good.

        ``later`` calls a function with arguments once the answer is on its way, as an
        event loop's ``call_soon`` does: to log takes longer than to answer.

        ``look`` does what `lookout.Lookout.look` does. Without it the host is looked at
        in place, however long that takes.

        ``on_gaps`` is called when a runtime that has gaps (`RuntimeInfo.has_gaps`) has
        told of all containers. It says whether `recount` or `end_recount` will follow.
        """
        config = config or Config()
        super().__init__(config.name, config.index)
        self._config = config
        self.ledger = Ledger()
        self.holders = Holders()
        self._specs = specs
        self._later = later
        self._look = look
        self._why_late = ""
        self._on_gaps = on_gaps
        self._now = now
        self._clerk = Clerk(self.ledger, now)
        self._on_config = on_config
        self._broken_for_good = broken
        self._broken = broken
        self.runtime: RuntimeInfo = OLDEST
        self._census = Census(self.ledger, self.holders)
        self._latest: Order | None = None
        self._useless = ""
        self._validator = Validator(specs)
        self.use(config)

    @property
    def subscription(self) -> int:
        """The events that the configuration wants the plugin to hear of."""
        mask = super().subscription
        if self._config.validate == "false":
            mask &= ~_VALIDATION
        if self._config.validate == "only":
            mask &= ~_CREATION
        return mask

    def use(self, config: Config, terms: Terms | None = None) -> None:
        """Take over what a configuration says about requests, from now on.

        Its ``terms``, where they are given, need not be made here: that takes a second
        for a policy of a megabyte. To validate or not is agreed upon with the runtime
        when it is connected.
        """
        self._config = config
        self._latest = None
        if self._broken is not None:
            # It may have switched on what we can't read: who asks so is refused too.
            config, terms = replace(config, aliases=tuple(ALIASES)), None
        self._terms = Terms.of(config) if terms is None else terms
        injection = Injection(config.injection)
        self._injector = Injector(injection, config.host_dev_root)
        self._injector.serve(self.runtime)
        if self._terms.is_exclusive is not None:
            self._find_nodes()

    def _find_nodes(self) -> None:
        """Note the device nodes of what was given when these did not matter yet."""
        registry = self._specs.registry
        self.holders.replace(
            [
                each
                if each.nodes
                else each._replace(nodes=nodes_of(registry, each.devices))
                for each in self.holders.all()
            ]
        )

    def mended(self) -> None:
        """The configuration is no longer broken; `use` is to follow."""
        self._broken = self._broken_for_good = None

    def configure(self, runtime: RuntimeInfo, config: str) -> None:
        self.runtime = runtime
        self._injector.serve(runtime)
        if config and self._on_config is not None:
            self._take(config, self._on_config)
        self._check_validation(runtime)
        logger.info("registered with %s", runtime)
        self.ledger.configured(runtime, self._now())
        if runtime.name == DOCKER:
            logger.error("%s", _DOCKER)

    def _check_validation(self, runtime: RuntimeInfo) -> None:
        """Raises: RpcError, if the plugin would be of no use to this runtime."""
        self._useless = ""
        validate = self._config.validate
        if validate == "false" or runtime.capabilities.valid_events & _VALIDATION:
            return
        why = f"{runtime} asks no plugin to validate adjustments: that takes NRI 0.10"
        logger.error("validate is %s, but %s", validate, why)
        if validate == "only":
            self._useless = why
            raise RpcError(Code.FAILED_PRECONDITION, f"{self.name}: {why}")

    def _take(self, config: str, on_config: Callable[[str], None]) -> None:
        # To refuse the registration would be a clear answer, but up to NRI 0.6 it keeps
        # the runtime from starting, and later the node would go on without the plugin.
        # So the plugin stays, and refuses the containers that need it.
        try:
            on_config(config)
        except ConfigError as error:
            self._broken = error
            self.use(self._config)
            for line in error.lines():
                logger.error("%s", line)
        else:
            self._broken = self._broken_for_good
            self.use(self._config)

    def synchronize(
        self, pods: Sequence[api.PodSandbox], containers: Sequence[api.Container]
    ) -> None:
        logger.debug("%d pods and %d containers exist", len(pods), len(containers))
        self._census.begin(pods, containers, self._terms, self.runtime)
        self.take_stock()

    def take_stock(self) -> None:
        """Find what the containers that were there already hold, once specs are read.

        To be called when they are; nothing happens if there is nothing to find.
        """
        if self._specs.loaded:
            self._census.finish(self._specs.registry)

    def recount(
        self, pods: Sequence[api.PodSandbox], containers: Sequence[api.Container]
    ) -> None:
        """All that there is, once more, from a runtime that has gaps."""
        self._census.recount(pods, containers, self._terms, self.runtime)
        self.take_stock()

    def end_recount(self) -> None:
        """There will be no `recount` before the next synchronization."""
        self._census.end_recount()

    def synchronized(self, runtime: Runtime) -> None:
        self.ledger.synchronized(self._now())
        if self.runtime.has_gaps and self._on_gaps():
            self._census.expect_recount()
        logger.info(
            "synchronized with %s: containers get the devices that they ask for",
            runtime.info,
        )

    def unreachable(self, reason: str) -> None:
        self.ledger.disconnected(reason, self._now())

    def disconnected(self, reason: str) -> None:
        # The runtime doesn't say why it closes a connection.
        self.ledger.disconnected(self._useless or reason, self._now())

    def why_late(self) -> str:
        return self._why_late

    def create_container(
        self, request: api.CreateContainerRequest
    ) -> Answer[api.CreateContainerResponse]:
        started = time.perf_counter()
        container = request.container
        try:
            asked = self._terms.requested(request.pod, container, self.runtime)
        except RequestError as error:
            order = Order(request, NO_REQUEST, (), (), started)
            raise self._refusal(order, Result.REFUSED, str(error)) from error
        # What the runtime injects because the kubelet said so is in there already.
        present = tuple([device.name for device in container.CDI_devices])
        names = asked.without(present)
        if not names:
            self.ledger.nothing()
            if self._terms.variables:
                # A variable that asked has another value where its device set it.
                present += self._permitted(
                    request.pod, given_before(request.pod, container)
                )
            if present:
                self.holders.add(self._holding(request, present))
            return None
        order = self._allowed(Order(request, asked, names, present, started))
        before = given_before(request.pod, container)
        if before:
            order = _left_after(order, before)
            if not order.names:
                self._hold(order)
                self.ledger.nothing()
                return None
        settling = self._specs.settling()
        if settling is None and self._knows(order.names):
            return self._inject(order)
        # The snapshot may be behind a spec that was written just now.
        return self._inject_fresh(order, settling, self._terms)

    def stop_container(self, request: api.StopContainerRequest) -> None:
        self._gone(request.container.id)

    def remove_container(self, request: api.RemoveContainerRequest) -> None:
        self._gone(request.container.id)

    def stop_pod_sandbox(self, request: api.StopPodSandboxRequest) -> None:
        # CRI-O says nothing more of a container whose creation another plugin failed.
        self.holders.remove_pod(request.pod.id)

    def validate_container_adjustment(
        self, request: api.ValidateContainerAdjustmentRequest
    ) -> Answer[api.ValidateContainerAdjustmentResponse]:
        started = time.perf_counter()
        try:
            asked = self._asked_again(request)
        except RequestError as error:
            order = Order(request, NO_REQUEST, (), (), started)
            return self._rejection(order, str(error))
        present = tuple([device.name for device in request.container.CDI_devices])
        order = Order(request, asked, asked.without(present), present, started)
        if not order.names:
            return None
        settling = None
        if self._knows(order.names):
            why = self._validator.lack(order, request.adjust)
            if not why:
                return None
            settling = self._specs.settling()
            if settling is None:
                return self._rejection(order, why)
        # The snapshot may be behind the specs that the others have seen.
        return self._validated_fresh(order, request.adjust, settling)

    def _gone(self, container_id: str) -> None:
        self.holders.remove(container_id)
        self.ledger.gone(container_id)
        self._census.forget(container_id)

    def _allowed(self, order: Order) -> Order:
        """The order, if the configuration and its policy let it pass.

        Raises: RpcError, which refuses the container.
        """
        if self._broken is not None:
            why = (
                "the plugin can't serve before its configuration is mended: "
                + "; ".join(self._broken.lines())
            )
            raise self._refusal_of(order, _RefusedError(why))
        if self.runtime.name == DOCKER:
            raise self._refusal_of(order, _RefusedError(_DOCKER))
        annotations = order.request.pod.annotations
        if RESOLVED_MARK in annotations or DELEGATED_MARK in annotations:
            why = f"annotations {RESOLVED_MARK} and {DELEGATED_MARK} are the plugin's"
            raise self._refusal_of(
                order, _RefusedError(f"{why}: a pod can't have them")
            )
        if self._terms.judge.is_open:
            return order
        try:
            judgement = self._terms.judgement(order.request.pod, order.names)
        except RequestError as error:
            raise self._refusal_of(order, error) from error
        if denied := judgement.denied:
            why = f"{denial(judgement)}; {order.asked.blame(denied)}"
            rules = tuple(rule or DEFAULT_RULE for rule in judgement.rules)
            for rule in rules:
                self.ledger.denied_by_rule[rule] += 1
            code = Code.PERMISSION_DENIED
            raise self._refusal(order, Result.DENIED, why, named(rules), code)
        if judgement.audited:
            rules = tuple(rule or DEFAULT_RULE for rule in judgement.rules)
            return order._replace(audits=rules, audited=judgement.audited)
        return order

    def _permitted(
        self, pod: api.PodSandbox, names: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Those of ``names`` that the policy doesn't deny."""
        if not names or self._terms.judge.is_open:
            return names
        try:
            denied = self._terms.judgement(pod, names).denied
        except RequestError:
            return ()
        return tuple([name for name in names if name not in denied])

    async def _inject_fresh(
        self, order: Order, settling: Awaitable[None] | None, terms: Terms
    ) -> api.CreateContainerResponse | None:
        await self._freshen_for(order, settling)
        self.take_stock()
        if self._terms is not terms:
            return await self._again(order)
        answer = self._inject(order)
        return await answer if isinstance(answer, Awaitable) else answer

    async def _again(self, order: Order) -> api.CreateContainerResponse | None:
        """The answer now that the configuration is another one: that is what counts."""
        assert isinstance(order.request, api.CreateContainerRequest)
        answer = self.create_container(order.request)
        return await answer if isinstance(answer, Awaitable) else answer

    async def _freshen_for(
        self, order: Order, settling: Awaitable[None] | None
    ) -> None:
        try:
            await self._freshen(order.names, settling)
        except CancelledError:
            # The deadline is over, or the connection is gone: nobody waits any more.
            spec_dirs = ", ".join(self._config.spec_dirs)
            self._late(order, f"the specs are still being read, from {spec_dirs}")
            raise

    def _late(self, order: Order, why: str) -> None:
        self._why_late = why
        self._clerk.late(order, why)

    async def _freshen(
        self, names: tuple[str, ...], settling: Awaitable[None] | None = None
    ) -> None:
        if settling is not None:
            await settling
        if not self._knows(names):
            scanning = self._specs.scanning()
            if scanning is not None:
                await scanning
        if not self._knows(names):
            await self._specs.rescan()

    def _knows(self, names: tuple[str, ...]) -> bool:
        """Whether all can be had; to try would make words for those that can't."""
        devices = self._specs.registry.devices
        return all(name in devices for name in names)

    def _inject(self, order: Order) -> Answer[api.CreateContainerResponse]:
        """The answer from the snapshot as it is.

        Raises: RpcError, which refuses the container.
        """
        specs = self._specs
        try:
            compiled = self._injector.compiled(
                specs.registry, specs.version, order.names, order.present
            )
        except RequestError as error:
            raise self._refusal_of(order, error) from error
        if compiled.far and self._look is not None:
            return self._give_seen(order, compiled, self._look, self._terms)
        return self._give(order, compiled, compiled.lstat)

    async def _give_seen(
        self, order: Order, compiled: Compiled, look: Look, terms: Terms
    ) -> api.CreateContainerResponse | None:
        """As `_give`, once the host has been looked at beside the loop."""
        patience_s = min(LOOKING_S, self.runtime.request_timeout_s / 2)
        try:
            lstat = await look(compiled.lstat, compiled.far, patience_s)
        except RequestError as error:
            raise self._refusal_of(order, error) from error
        except CancelledError:
            # As in `_freshen_for`.
            self._late(order, f"no answer from {quoted_path(compiled.far[0])} yet")
            raise
        if self._terms is not terms:
            return await self._again(order)
        return self._give(order, compiled, lstat)

    def _give(
        self, order: Order, compiled: Compiled, lstat: Lstat
    ) -> api.CreateContainerResponse:
        """The answer, once all is known that it takes.

        Raises: RpcError, which refuses the container.
        """
        container = order.request.container
        try:
            compiled, response = self._answered(order, compiled, lstat)
        except RequestError as error:
            raise self._refusal_of(order, error) from error
        is_held = self._terms.is_exclusive is not None
        if is_held:
            self._hold(order, compiled)
        if order.seen:
            # What else the other instance gave may be the same in part.
            adjust = reclaimed(response.adjust, container)
            response = api.CreateContainerResponse(adjust=adjust)
        took_s = time.perf_counter() - order.started
        self._latest = order
        self._later(self._afterwards, order, compiled, is_held, took_s)
        return response

    def _afterwards(
        self,
        order: Order,
        compiled: Compiled,
        is_held: bool,  # noqa: FBT001
        took_s: float,
    ) -> None:
        """What can wait until the answer is on its way."""
        if not is_held:
            devices = order.names + order.present
            self.holders.add(self._holding(order.request, devices, compiled))
        self._clerk.injected(order, compiled.mode, took_s)

    def _answered(
        self, order: Order, compiled: Compiled, lstat: Lstat
    ) -> tuple[Compiled, api.CreateContainerResponse]:
        container = order.request.container
        try:
            return compiled, compiled.answer(container, lstat)
        except UnsupportedEditError as error:
            # What only the host's device nodes show.
            registry = self._specs.registry
            compiled = self._injector.delegating(registry, order.names, error)
            return compiled, compiled.answer(container)

    def _hold(self, order: Order, compiled: Compiled | None = None) -> None:
        """Note that the container holds its devices.

        Raises: RpcError, if another holds one that is exclusive.
        """
        holding = self._holding(order.request, order.names + order.present, compiled)
        is_exclusive = self._terms.is_exclusive
        if is_exclusive is not None:
            asking = holding
            if order.present:
                # What the kubelet gives is held, but not for this plugin to refuse.
                kubelets = [each.name for each in order.request.container.CDI_devices]
                asking = holding._replace(devices=order.asked.without(kubelets))
            claim = self.holders.conflict(asking, is_exclusive)
            if claim is not None:
                why = f"{held(claim)}; {order.asked.blame((claim.device,))}"
                raise self._refusal(order, Result.HELD, why)
        self.holders.add(holding)

    def _holding(
        self,
        request: Asking,
        devices: tuple[str, ...],
        compiled: Compiled | None = None,
    ) -> Holder:
        """The container as a holder, with device nodes if these matter."""
        if self._terms.is_exclusive is None:
            nodes = NO_NODES
        elif compiled is not None and devices == compiled.names:
            nodes = compiled.nodes
        else:
            nodes = nodes_of(self._specs.registry, devices)
        return holder(request.pod, request.container, devices, nodes)

    async def _validated_fresh(
        self,
        order: Order,
        adjust: api.ContainerAdjustment,
        settling: Awaitable[None] | None,
    ) -> api.ValidateContainerAdjustmentResponse | None:
        await self._freshen_for(order, settling)
        why = self._validator.lack(order, adjust)
        return self._rejection(order, why) if why else None

    def _asked_again(self, request: api.ValidateContainerAdjustmentRequest) -> Request:
        """What a container asks for that is to be validated.

        Mostly it was created a moment ago, in this process.

        Raises: RequestError.
        """
        latest = self._latest
        if latest is not None and latest.request.container.id == request.container.id:
            return latest.asked
        return self._terms.requested(request.pod, request.container, self.runtime)

    def _rejection(
        self, order: Order, why: str
    ) -> api.ValidateContainerAdjustmentResponse:
        self.holders.remove(order.request.container.id)
        self._clerk.refused(order, Result.REJECTED, why)
        reason = f"{self.name}: {why}"
        return api.ValidateContainerAdjustmentResponse(reject=True, reason=reason)

    def _refusal_of(self, order: Order, error: RequestError) -> RpcError:
        return self._refusal(order, Result.REFUSED, f"{error}; {order.blame(error)}")

    def _refusal(
        self,
        order: Order,
        result: Result,
        why: str,
        rule: str = "",
        code: Code = Code.FAILED_PRECONDITION,
    ) -> RpcError:
        self._clerk.refused(order, result, why, rule)
        return RpcError(code, f"{self.name}: {why}")


_DOCKER = (
    "Docker carries out nearly nothing of what an NRI plugin asks for, and injects CDI "
    "devices by itself: docker run --device vendor.com/class=name"
)


def _left_after(order: Order, before: tuple[str, ...]) -> Order:
    """An order without what another instance says it has given ``before``.

    There may be two of them in a rolling update. The specs may have changed between
    their answers, so nothing is given by both.
    """
    # A mark may come from elsewhere, as on CRI-O from the image of a checkpoint: of
    # what it says, only that counts which the pod asks for and may have.
    asked_for = tuple([name for name in before if name in order.asked.sources])
    if not asked_for:
        return order
    present = order.present + asked_for
    left = order.asked.without(present)
    return order._replace(names=left, present=present, seen=True)
