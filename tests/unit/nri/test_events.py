"""The table of events, against what the protocol says."""

from __future__ import annotations

import pytest

from nri_cdi.nri import api
from nri_cdi.nri.events import (
    EVENTS,
    EVENTS_BY_NUMBER,
    PLUGIN_SERVICE,
    RUNTIME_SERVICE,
    names,
    snake_case,
    subscription,
)


def test_the_services_have_their_full_names() -> None:
    assert PLUGIN_SERVICE == "nri.pkg.api.v1alpha1.Plugin"
    assert RUNTIME_SERVICE == "nri.pkg.api.v1alpha1.Runtime"


def test_every_event_of_the_protocol_is_in_the_table_once() -> None:
    numbers = set(api.Event.values()) - {api.Event.UNKNOWN, api.Event.LAST}
    assert set(EVENTS_BY_NUMBER) == numbers
    assert len(EVENTS) == len(numbers)


@pytest.mark.parametrize(
    ("rpc", "mask"),
    [
        ("RunPodSandbox", 0x1),
        ("StopPodSandbox", 0x2),
        ("RemovePodSandbox", 0x4),
        ("CreateContainer", 0x8),
        ("PostCreateContainer", 0x10),
        ("StartContainer", 0x20),
        ("PostStartContainer", 0x40),
        ("UpdateContainer", 0x80),
        ("PostUpdateContainer", 0x100),
        ("StopContainer", 0x200),
        ("RemoveContainer", 0x400),
        ("UpdatePodSandbox", 0x800),
        ("PostUpdatePodSandbox", 0x1000),
        ("ValidateContainerAdjustment", 0x2000),
    ],
)
def test_the_mask_of_an_event(rpc: str, mask: int) -> None:
    """Source: NRI pkg/api/event.go."""
    [event] = [event for event in EVENTS if event.rpc == rpc]
    assert event.mask == mask
    assert event.request.DESCRIPTOR.name == f"{rpc}Request"
    assert event.response.DESCRIPTOR.name == f"{rpc}Response"
    assert names(mask) == [rpc]
    assert subscription([snake_case(rpc)]) == mask


def test_a_subscription_is_the_sum_of_its_events() -> None:
    assert subscription(event.handler for event in EVENTS) == 0x3FFF
    assert subscription([]) == 0
    assert subscription(["configure"]) == 0
    assert names(0x9) == ["RunPodSandbox", "CreateContainer"]
