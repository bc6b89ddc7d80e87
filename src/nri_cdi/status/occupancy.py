"""Who holds which device at one moment, be it under another name of the device.

What is exclusive is a device, not its name. So the plugin refuses a device also if
another is held whose device nodes are all among its own, or the other way round.
`nri_cdi.holders` decides so about one request; this is for all devices of a node, of
which there may be ten thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import count
from typing import NamedTuple

from nri_cdi.cdi.registry import Registry
from nri_cdi.holders import Holder, Nodes
from nri_cdi.injection import nodes_of

_NO_SETS: frozenset[Nodes] = frozenset()


class Held(NamedTuple):
    """A container that has a device; ``by`` is the name by which, "" if it is the same.

    A tuple, as there may be one for each device of a node.
    """

    holder: Holder
    by: str = ""


class _Claim(NamedTuple):
    """A device that a container holds; ``number`` rises from each to the next."""

    number: int
    device: str
    exclusive: bool
    holder: Holder


class Occupancy:
    """The holders of a moment by what they hold; nothing of it changes any more."""

    def __init__(
        self,
        holders: Sequence[Holder],
        registry: Registry,
        is_exclusive: Callable[[str], bool],
    ) -> None:
        self._registry = registry
        self._by_name: dict[str, list[Holder]] = {}
        self._by_nodes: dict[Nodes, list[_Claim]] = {}
        number = count()
        for holder in holders:
            for device in holder.devices:
                self._by_name.setdefault(device, []).append(holder)
            for device, nodes in holder.nodes.items():
                claim = _Claim(next(number), device, is_exclusive(device), holder)
                self._by_nodes.setdefault(nodes, []).append(claim)
        self._by_path = _by_path(self._by_nodes)
        self._by_rarest = _by_rarest(self._by_path)

    @property
    def names(self) -> Collection[str]:
        """The devices that are held, by the names under which they are."""
        return self._by_name.keys()

    def of(self, device: str, *, exclusive: bool) -> tuple[Held, ...]:
        """The containers that have a device, which may be an ``exclusive`` one.

        Who has it under another name counts if one of the two is exclusive: only then
        does it matter.
        """
        found = [Held(holder) for holder in self._by_name.get(device, ())]
        if not self._by_nodes:
            return tuple(found)
        seen = {held.holder.container_id for held in found}
        for claim in sorted(self._covering(device)):
            if claim.holder.container_id not in seen and (exclusive or claim.exclusive):
                seen.add(claim.holder.container_id)
                found.append(Held(claim.holder, claim.device))
        return tuple(found)

    def _covering(self, device: str) -> Iterator[_Claim]:
        """What has all device nodes of a device, or of which it has all."""
        nodes = nodes_of(self._registry, (device,)).get(device)
        if nodes is None:
            return
        others = {
            other
            for path in nodes
            for other in self._by_rarest.get(path, ())
            if other <= nodes
        }
        # What has all of them has also that one which the fewest have.
        sets = (self._by_path.get(path, _NO_SETS) for path in nodes)
        others.update(other for other in min(sets, key=len) if other >= nodes)
        for other in others:
            yield from self._by_nodes[other]


def _by_path(all_nodes: Collection[Nodes]) -> dict[str, set[Nodes]]:
    found: dict[str, set[Nodes]] = {}
    for nodes in all_nodes:
        for path in nodes:
            found.setdefault(path, set()).add(nodes)
    return found


def _by_rarest(by_path: dict[str, set[Nodes]]) -> dict[str, list[Nodes]]:
    """Each set by the one of its paths that the fewest others have.

    The devices of a kind often share a node, and differ in another one: to look at all
    that share it would take as many steps for each device as there are holders.
    """
    found: dict[str, list[Nodes]] = {}
    done: set[Nodes] = set()
    for path in sorted(by_path, key=lambda path: len(by_path[path])):
        fresh = by_path[path] - done
        found[path] = list(fresh)
        done |= fresh
    return found
