"""The RPCs of the ``Plugin`` service, read from the protocol's own descriptor.

A runtime tells a plugin of an event by the RPC of that name, or, before NRI 0.12 and
for events that are mere notices, by ``StateChange`` with the event's number. Both reach
the same handler.

Source: proto/nri/api.proto; NRI pkg/api/event.go (the mask: ``1 << (event - 1)``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from google.protobuf import message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from nri_cdi._pb.nri import api_pb2

PLUGIN_SERVICE = api_pb2.DESCRIPTOR.services_by_name["Plugin"].full_name
RUNTIME_SERVICE = api_pb2.DESCRIPTOR.services_by_name["Runtime"].full_name

# What a plugin is asked for about itself, not about a container or a pod.
_LIFECYCLE = frozenset({"Configure", "Synchronize", "Shutdown", "StateChange"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happens to a pod or a container, and how a plugin hears of it.

    ``rpc`` is the method on the wire, ``handler`` the method of `Plugin`, ``number``
    the value of the protocol's ``Event`` enum.
    """

    rpc: str
    handler: str
    number: int
    request: type[Message]
    response: type[Message]

    @property
    def mask(self) -> int:
        """The event's bit in a subscription."""
        return 1 << (self.number - 1)

    def from_state_change(self, change: api_pb2.StateChangeEvent) -> Message:
        """The request that the event's own RPC would have carried."""
        request = self.request()
        fields = self.request.DESCRIPTOR.fields_by_name
        if change.HasField("pod") and "pod" in fields:
            getattr(request, "pod").CopyFrom(change.pod)  # noqa: B009
        if change.HasField("container") and "container" in fields:
            getattr(request, "container").CopyFrom(change.container)  # noqa: B009
        return request


def snake_case(rpc: str) -> str:
    """The Python name of an RPC: ``RunPodSandbox`` becomes ``run_pod_sandbox``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", rpc).lower()


def _event(method: MethodDescriptor) -> Event:
    handler = snake_case(method.name)
    return Event(
        rpc=method.name,
        handler=handler,
        number=api_pb2.Event.Value(handler.upper()),
        request=message_factory.GetMessageClass(method.input_type),
        response=message_factory.GetMessageClass(method.output_type),
    )


EVENTS: tuple[Event, ...] = tuple(
    _event(method)
    for method in api_pb2.DESCRIPTOR.services_by_name["Plugin"].methods
    if method.name not in _LIFECYCLE
)
EVENTS_BY_NUMBER: Mapping[int, Event] = MappingProxyType(
    {event.number: event for event in EVENTS}
)


def names(mask: int) -> list[str]:
    """The RPC names of the events in a subscription, in the enum's order."""
    return [
        event.rpc
        for event in sorted(EVENTS, key=lambda event: event.number)
        if event.mask & mask
    ]


def subscription(handlers: Iterable[str]) -> int:
    """The mask that asks for the events of these handlers; 0 for none."""
    wanted = set(handlers)
    return sum(event.mask for event in EVENTS if event.handler in wanted)
