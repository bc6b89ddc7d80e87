"""Who holds which devices: the living containers that got them.

What is exclusive is a device, not its name. A GPU has several names, and one that
stands for all of them. So two devices exclude each other also if the device nodes of
one are all among those of the other: a whole GPU and an instance of it, or all GPUs and
one of them; but not two instances of one GPU, which share a node and have others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

Nodes = frozenset[str]
"""Paths of device nodes on the host."""

NO_NODES: Mapping[str, Nodes] = MappingProxyType({})

_NOBODY: frozenset[Nodes] = frozenset()


class Holder(NamedTuple):
    """A container with devices; ``nodes`` has those of each device that has any.

    ``pod_uid`` is Kubernetes' name of the pod, and ``pod_id`` the runtime's of its
    sandbox, of which there may be several, one after the other.

    A tuple, as one is made for each container that gets devices: a dataclass takes four
    times as long.
    """

    namespace: str
    pod: str
    container: str
    container_id: str
    pod_uid: str
    devices: tuple[str, ...]
    nodes: Mapping[str, Nodes] = NO_NODES
    pod_id: str = ""

    def __str__(self) -> str:
        """The container in a message."""
        return f"pod {self.namespace}/{self.pod}, container {self.container}"

    def is_successor_of(self, other: Holder) -> bool:
        """Whether it takes the place of the other, which then no longer lives.

        A pod has one living container of a name at a time, and the runtime need not
        have said that the one before it is gone.
        """
        return self.container_id == other.container_id or (
            bool(self.pod_uid)
            and self.pod_uid == other.pod_uid
            and self.container == other.container
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A device that is asked for, and another that is held and excludes it."""

    device: str
    held: str
    holder: Holder


class Holders:
    """The holders as of now."""

    def __init__(self) -> None:
        self._by_id: dict[str, Holder] = {}
        self._by_device: dict[str, dict[str, Holder]] = {}
        self._by_place: dict[tuple[str, str], str] = {}
        self._by_nodes: dict[Nodes, dict[tuple[str, str], Holder]] = {}
        self._by_path: dict[str, set[Nodes]] = {}

    def all(self) -> tuple[Holder, ...]:
        """Every holder, the newest last."""
        return tuple(self._by_id.values())

    def of(self, device: str) -> tuple[Holder, ...]:
        """The containers that hold a device under this name."""
        return tuple(self._by_device.get(device, {}).values())

    def add(self, holder: Holder) -> None:
        """Note what a container got; it takes the place of one before it."""
        place = (holder.pod_uid, holder.container)
        if place in self._by_place:
            self.remove(self._by_place[place])
        self.remove(holder.container_id)
        if holder.pod_uid:
            self._by_place[place] = holder.container_id
        self._by_id[holder.container_id] = holder
        for device in holder.devices:
            self._by_device.setdefault(device, {})[holder.container_id] = holder
        for device, nodes in holder.nodes.items():
            claims = self._by_nodes.get(nodes)
            if claims is None:
                claims = self._by_nodes[nodes] = {}
                for path in nodes:
                    self._by_path.setdefault(path, set()).add(nodes)
            claims[holder.container_id, device] = holder

    def remove(self, container_id: str) -> None:
        """Forget a container that is gone; nothing happens if it held nothing."""
        holder = self._by_id.pop(container_id, None)
        if holder is None:
            return
        self._by_place.pop((holder.pod_uid, holder.container), None)
        for device in holder.devices:
            held = self._by_device.get(device, {})
            held.pop(container_id, None)
            if not held:
                self._by_device.pop(device, None)
        for device, nodes in holder.nodes.items():
            claims = self._by_nodes[nodes]
            claims.pop((container_id, device), None)
            if not claims:
                self._forget_nodes(nodes)

    def _forget_nodes(self, nodes: Nodes) -> None:
        del self._by_nodes[nodes]
        for path in nodes:
            sets = self._by_path[path]
            sets.discard(nodes)
            if not sets:
                del self._by_path[path]

    def remove_pod(self, pod_id: str) -> None:
        """Forget the containers of a pod, by the runtime's id of its sandbox."""
        for holder in self.all():
            if holder.pod_id == pod_id:
                self.remove(holder.container_id)

    def replace(self, holders: Iterable[Holder]) -> None:
        """Forget all, and note these."""
        self._by_id.clear()
        self._by_device.clear()
        self._by_place.clear()
        self._by_nodes.clear()
        self._by_path.clear()
        for holder in holders:
            self.add(holder)

    def conflict(
        self, asking: Holder, is_exclusive: Callable[[str], bool]
    ) -> Claim | None:
        """The first device that ``asking`` can't have, as another container holds it.

        It is enough that one of the two devices is exclusive.
        """
        for device in asking.devices:
            exclusive = is_exclusive(device)
            if exclusive:
                for holder in self._by_device.get(device, {}).values():
                    if not asking.is_successor_of(holder):
                        return Claim(device=device, held=device, holder=holder)
            for held, holder in self._covering(device, asking.nodes.get(device, ())):
                if (exclusive or is_exclusive(held)) and not asking.is_successor_of(
                    holder
                ):
                    return Claim(device=device, held=held, holder=holder)
        return None

    def _covering(
        self, device: str, nodes: Collection[str]
    ) -> Iterator[tuple[str, Holder]]:
        """What has all nodes of ``device``, or of which it has all."""
        others: set[Nodes] = set()
        for path in nodes:
            others |= self._by_path.get(path, _NOBODY)
        for other in others:
            if other.issubset(nodes) or other.issuperset(nodes):
                for (_, held), holder in self._by_nodes[other].items():
                    if held != device:
                        yield held, holder
