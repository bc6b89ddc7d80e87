"""What the containers that are there already hold, and what they lack.

A runtime creates containers without their devices while no plugin is connected. It
tells of them when the plugin is back: those are found here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nri_cdi.adjustment.evidence import Given, given, lost
from nri_cdi.cdi.registry import Registry
from nri_cdi.errors import RequestError, ResolveError
from nri_cdi.holders import NO_NODES, Holder, Holders, Nodes
from nri_cdi.injection import given_before, nodes_of
from nri_cdi.ledger import Drifted, Ledger
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import RuntimeInfo
from nri_cdi.orders import listed
from nri_cdi.terms import Terms

# The containers that one event may be about.
LISTED = 20

# What is said is the plugin's word: those who filter by names look for its.
logger = logging.getLogger("nri_cdi.plugin")

_STOPPED = api.ContainerState.CONTAINER_STOPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """A living container that asks for devices, and what it has of them for sure.

    ``holder`` has all that it asks for. ``certain`` are the devices of which it says
    that it got them, in a mark that is the plugin's own or the runtime's. ``given`` is
    None if no more is to be known. ``denied`` are the devices that the policy would not
    give it now. ``problem`` says why its request can't be read.
    """

    holder: Holder
    certain: frozenset[str]
    given: Given | None
    denied: frozenset[str] = frozenset()
    problem: str = ""


class Census:
    """The containers that a runtime tells of when the plugin is back.

    They are holders at once, by their word; what they lack is known with the specs, and
    goes into the ledger. A runtime that has gaps is asked for all of them once more.
    """

    def __init__(self, ledger: Ledger, holders: Holders) -> None:
        self._ledger = ledger
        self._holders = holders
        self._survivors: dict[str, Survivor] = {}
        self._told: frozenset[str] = frozenset()
        self._gone: set[str] | None = None

    def begin(
        self,
        pods: Sequence[api.PodSandbox],
        containers: Sequence[api.Container],
        terms: Terms,
        runtime: RuntimeInfo,
    ) -> None:
        """Take these for all that there are."""
        found = survivors(pods, containers, terms, runtime)
        self._survivors = {each.holder.container_id: each for each in found}
        # What is known stays known, so that it counts once.
        known = self._ledger.drifted
        self._ledger.found_drifted(
            tuple(each for each in known if each.container_id in self._survivors)
        )
        self._holders.replace(each.holder for each in self._survivors.values())
        self._told = frozenset(each.id for each in containers)
        self._gone = None

    def expect_recount(self) -> None:
        """Mind who goes from now on, until `recount` or `end_recount`."""
        self._gone = set()

    def forget(self, container_id: str) -> None:
        """A container is gone."""
        self._survivors.pop(container_id, None)
        if self._gone is not None:
            self._gone.add(container_id)

    def recount(
        self,
        pods: Sequence[api.PodSandbox],
        containers: Sequence[api.Container],
        terms: Terms,
        runtime: RuntimeInfo,
    ) -> None:
        """Take these for all that there were a moment ago, since `begin`.

        Who was there then and is not now is gone; who is there, and was not heard of,
        came in between.
        """
        there = frozenset(each.id for each in containers)
        for container_id in self._told - there:
            self._holders.remove(container_id)
            self._ledger.gone(container_id)
            self._survivors.pop(container_id, None)
        heard_of = self._told | (self._gone or set())
        heard_of |= {each.container_id for each in self._holders.all()}
        fresh = [each for each in containers if each.id not in heard_of]
        for each in survivors(pods, fresh, terms, runtime):
            self._survivors[each.holder.container_id] = each
            self._holders.add(each.holder)
        self.end_recount()

    def end_recount(self) -> None:
        """There will be no other `recount` before the next `begin`."""
        self._gone = None

    def finish(self, registry: Registry) -> None:
        """Find what they hold and lack; nothing happens if that is done."""
        if not self._survivors:
            return
        # One may have a successor by now.
        there = {each.container_id for each in self._holders.all()}
        left = [each for key, each in self._survivors.items() if key in there]
        others = [
            each
            for each in self._ledger.drifted
            if each.container_id not in self._survivors
        ]
        self._survivors = {}
        found = list(findings(left, registry))
        for finding in found:
            self._holders.add(finding.holder)
        drifted = [each.drifted for each in found if each.drifted is not None]
        self._ledger.found_drifted((*others, *drifted))
        for each in drifted[:LISTED]:
            logger.warning(
                "pod %s/%s, container %s: runs without devices that it asks for: %s; "
                "it was created while the plugin was away: %s",
                each.namespace,
                each.pod,
                each.container,
                listed(each.lacks),
                _remedy(each),
            )
        if len(drifted) > LISTED:
            more = len(drifted) - LISTED
            logger.warning("%d more containers run without their devices", more)


def _remedy(drifted: Drifted) -> str:
    if not drifted.denied:
        return "delete the pod to mend it"
    if drifted.denied == drifted.lacks:
        return "the policy denies them to it, so it would be refused now"
    return f"the policy denies {listed(drifted.denied)}, so it would be refused now"


def survivors(
    pods: Sequence[api.PodSandbox],
    containers: Sequence[api.Container],
    terms: Terms,
    runtime: RuntimeInfo,
) -> Iterator[Survivor]:
    """The containers that are alive and ask for devices, or hold some unasked."""
    by_id = {pod.id: pod for pod in pods}
    for container in containers:
        pod = by_id.get(container.pod_sandbox_id)
        if pod is not None and container.state != _STOPPED:
            yield from _survivor(pod, container, terms, runtime)


def _survivor(
    pod: api.PodSandbox,
    container: api.Container,
    terms: Terms,
    runtime: RuntimeInfo,
) -> Iterator[Survivor]:
    present = tuple(device.name for device in container.CDI_devices)
    problem = ""
    asked: tuple[str, ...] = ()
    try:
        asked = terms.requested(pod, container, runtime).devices
    except RequestError as error:
        problem = str(error)
    # A variable that asks may have another value by now: what it asked for set it.
    told = given_before(pod, container)
    if not (asked or present or told or problem):
        return
    certain = frozenset(present + told)
    may_lack = not certain.issuperset(asked)
    devices = tuple(dict.fromkeys((*asked, *present, *told)))
    yield Survivor(
        holder=holder(pod, container, devices),
        certain=certain,
        given=given(container) if may_lack else None,
        denied=_denied(pod, asked, terms) if may_lack else frozenset(),
        problem=problem,
    )


def _denied(
    pod: api.PodSandbox, asked: tuple[str, ...], terms: Terms
) -> frozenset[str]:
    """What the policy would not give the pod now."""
    if terms.judge.is_open:
        return frozenset()
    try:
        return frozenset(terms.judgement(pod, asked).denied)
    except RequestError:
        # Too many to be judged are too many to be given.
        return frozenset(asked)


def holder(
    pod: api.PodSandbox,
    container: api.Container,
    devices: tuple[str, ...],
    nodes: Mapping[str, Nodes] = NO_NODES,
) -> Holder:
    """A container as the holder of these devices, which have these nodes."""
    return Holder(
        namespace=pod.namespace,
        pod=pod.name,
        container=container.name,
        container_id=container.id,
        pod_uid=pod.uid,
        pod_id=pod.id,
        devices=devices,
        nodes=nodes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a survivor holds, and if it lacks something, that."""

    holder: Holder
    drifted: Drifted | None


def findings(found: Iterable[Survivor], registry: Registry) -> Iterator[Finding]:
    """What the survivors hold and lack, by the specs of this moment."""
    for survivor in found:
        asking = survivor.holder
        missing = tuple(_missing(survivor, registry))
        has = tuple(name for name in asking.devices if name not in missing)
        reasons = (survivor.problem,) if survivor.problem else missing
        yield Finding(
            holder=asking._replace(devices=has, nodes=nodes_of(registry, has)),
            drifted=_drifted(survivor, reasons) if reasons else None,
        )


def _missing(survivor: Survivor, registry: Registry) -> Iterator[str]:
    if survivor.given is None:
        return
    for name in survivor.holder.devices:
        if name in survivor.certain or name in survivor.given.delegated:
            continue
        try:
            resolution = registry.resolve((name,))
        except ResolveError:
            # Nothing says that it was given, and the plugin would not have.
            yield name
        else:
            yield from lost(resolution, survivor.given)


def _drifted(survivor: Survivor, lacks: tuple[str, ...]) -> Drifted:
    asking = survivor.holder
    return Drifted(
        namespace=asking.namespace,
        pod=asking.pod,
        container=asking.container,
        container_id=asking.container_id,
        devices=asking.devices,
        lacks=lacks,
        denied=tuple(name for name in lacks if name in survivor.denied),
    )
