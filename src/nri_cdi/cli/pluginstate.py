"""What the plugin that runs here says of itself, for verbs that answer in its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nri_cdi.cli.process import say
from nri_cdi.errors import NriCdiError
from nri_cdi.holders import Holder

if TYPE_CHECKING:
    from nri_cdi.nri.capabilities import RuntimeInfo

# A plugin that serves answers within milliseconds.
PATIENCE_S = 3.0

# What a container holds by another name is there by that name, too.
_BY_ANOTHER_NAME = "as"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginState:
    """The plugin's runtime, None if it is none for pods; and who holds devices."""

    runtime: RuntimeInfo | None
    holders: tuple[Holder, ...]


def plugin_state(address: str) -> PluginState | None:
    """The state of the plugin whose status is at ``address``.

    None if it can't be had; standard error says why.
    """
    from nri_cdi.address import parse_address  # of a plugin that has a status
    from nri_cdi.status.state import fetch_state

    try:
        return _parsed(fetch_state(parse_address(address), PATIENCE_S))
    except NriCdiError as error:
        say(f"the plugin's state is not known: {error}")
        return None


def _parsed(state: Mapping[str, Any]) -> PluginState:
    return PluginState(
        runtime=_runtime(state["runtime"]), holders=tuple(_holders(state["devices"]))
    )


def _runtime(told: Mapping[str, str]) -> RuntimeInfo | None:
    from nri_cdi.nri.capabilities import NRI_VERSIONS, RuntimeInfo, parse_version

    nri = parse_version(told["nriVersion"])
    if nri is None or told["name"] not in NRI_VERSIONS:
        return None
    return RuntimeInfo(name=told["name"], version=told["version"], nri_version=nri[:2])


def _holders(devices: Iterable[Mapping[str, Any]]) -> Iterator[Holder]:
    """The containers, with all devices that each holds."""
    held: dict[str, list[str]] = {}
    containers: dict[str, Mapping[str, str]] = {}
    for device in devices:
        for container in device["holders"]:
            if _BY_ANOTHER_NAME in container:
                continue
            containers[container["containerId"]] = container
            held.setdefault(container["containerId"], []).append(device["name"])
    for container_id, container in containers.items():
        yield Holder(
            namespace=container["namespace"],
            pod=container["pod"],
            container=container["container"],
            container_id=container_id,
            pod_uid="",
            devices=tuple(held[container_id]),
        )
