"""Whether a container gets what it asks for, after all plugins have adjusted it."""

from __future__ import annotations

from typing import Protocol

from nri_cdi.adjustment.evidence import Needs, given, lacking
from nri_cdi.cdi.edits import Resolution
from nri_cdi.cdi.registry import Registry
from nri_cdi.errors import ResolveError
from nri_cdi.nri import api
from nri_cdi.orders import Order
from nri_cdi.quoting import some

# Device lists of which it is kept what they need: one for each kind of pod on a node.
KEPT = 512


class Specs(Protocol):
    """The specs of the node, and a number that is another one after each change."""

    @property
    def registry(self) -> Registry: ...

    @property
    def version(self) -> int: ...


class Validator:
    """Compares adjustments with what the specs of this moment bring."""

    def __init__(self, specs: Specs) -> None:
        self._specs = specs
        self._needs: dict[tuple[tuple[str, ...], ...], tuple[Resolution, Needs]] = {}
        self._version: object = None

    def lack(self, order: Order, adjust: api.ContainerAdjustment) -> str:
        """Why the container must not be created so, or "" if it lacks nothing."""
        try:
            resolution, needs = self._needed(order)
        except ResolveError as error:
            return f"{error}; {order.blame(error)}"
        if needs.are_met(adjust):
            return ""
        missing = lacking(resolution, given(order.request.container, adjust))
        if not missing:
            return ""
        why = f"it would be created without devices that it asks for: {some(missing)}"
        return f"{why}; {order.asked.blame(order.names)}"

    def _needed(self, order: Order) -> tuple[Resolution, Needs]:
        """What the devices of an order bring, and where it has to be.

        Raises: ResolveError.
        """
        version, key = self._specs.version, (order.names, order.present)
        if version != self._version or len(self._needs) >= KEPT:
            self._needs.clear()
            self._version = version
        needed = self._needs.get(key)
        if needed is None:
            registry = self._specs.registry
            resolution = registry.resolve(order.names, present=order.present)
            needed = self._needs[key] = (resolution, Needs.of(resolution))
        return needed
