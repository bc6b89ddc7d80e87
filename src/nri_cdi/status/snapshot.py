"""The state of the plugin at one moment, as plain values.

There are two steps. `observe` runs in the event loop, which each container's start
waits for, so it does no more than take hold of what is there. `build` makes the values
of it in another thread, where ten thousand devices may take their time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

from nri_cdi import __version__
from nri_cdi.cdi.registry import Registry
from nri_cdi.config import Config, needs_restart
from nri_cdi.holders import Holder
from nri_cdi.ledger import Decision, Drifted, Ledger, Link, Result
from nri_cdi.nri.capabilities import Capabilities, RuntimeInfo
from nri_cdi.nri.events import subscription
from nri_cdi.plugin import CdiPlugin
from nri_cdi.status.inventory import DeviceRow, Inventory
from nri_cdi.status.occupancy import Held
from nri_cdi.status.reading import Reading

Plain: TypeAlias = "dict[str, Any]"

MS_PER_S = 1000

_MASK = "valid_events"

_VALIDATION = subscription(["validate_container_adjustment"])
_OFF = "false"
_UNASKED = "this runtime asks no plugin (it takes NRI 0.10)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was there at one moment; nothing of it changes any more.

    Times are in seconds since the epoch. ``decisions`` has the newest first.
    """

    now: float
    started_at: float
    config: Config
    reading: Reading
    registry: Registry
    link: Link
    holders: tuple[Holder, ...]
    decisions: tuple[Decision, ...]
    requests: Mapping[Result, int]
    injected_by_kind: Mapping[str, int]
    denied_by_rule: Mapping[str, int]
    audited_by_rule: Mapping[str, int]
    latency_counts: tuple[int, ...]
    latency_sum_s: float
    drifted: tuple[Drifted, ...]
    drifted_total: int

    @property
    def trouble(self) -> str:
        """Why containers don't get what they ask for, in words; "" if they do."""
        if self.reading.refusing:
            return f"the configuration is broken: {self.reading.error}"
        if not self.link.connected:
            return f"not connected to a runtime: {self.link.reason}"
        if not self.link.synchronized:
            return f"connected to {self.link.runtime}, but not synchronized yet"
        return ""


def observe(
    config: Config,
    plugin: CdiPlugin,
    registry: Registry,
    reading: Reading,
    *,
    started_at: float,
    now: float | None = None,
) -> Observation:
    """Take hold of everything, in well below a millisecond."""
    ledger: Ledger = plugin.ledger
    return Observation(
        now=time.time() if now is None else now,
        started_at=started_at,
        config=config,
        reading=reading,
        registry=registry,
        link=replace(ledger.link),
        holders=plugin.holders.all(),
        decisions=tuple(reversed(ledger.decisions)),
        requests=dict(ledger.requests),
        injected_by_kind=dict(ledger.injected_by_kind),
        denied_by_rule=dict(ledger.denied_by_rule),
        audited_by_rule=dict(ledger.audited_by_rule),
        latency_counts=tuple(ledger.latency.counts),
        latency_sum_s=ledger.latency.sum_s,
        drifted=ledger.drifted,
        drifted_total=ledger.drifted_total,
    )


def build(seen: Observation, inventory: Inventory) -> Plain:
    """The state as plain values; "devices" is an iterator, to be used once.

    Those devices that are held come first, then those that are exclusive.
    """
    return {
        "version": __version__,
        "name": seen.config.name,
        "index": seen.config.index,
        "startedAt": timestamp(seen.started_at),
        "now": timestamp(seen.now),
        "ready": not seen.trouble,
        "reason": seen.trouble,
        "runtime": _runtime(seen.link),
        "configuration": _configuration(seen),
        "devices": _devices(seen, inventory),
        "specs": _specs(seen.registry),
        "drifted": [_drifted(each) for each in seen.drifted],
        "decisions": [_decision(each) for each in seen.decisions],
        "counts": _counts(seen),
    }


def timestamp(seconds: float) -> str:
    """A moment, by RFC 3339, in UTC and with milliseconds."""
    whole, ms = divmod(round(seconds * MS_PER_S), MS_PER_S)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{ms:03}Z"


def _maybe_timestamp(seconds: float | None) -> str | None:
    return None if not seconds else timestamp(seconds)


def _runtime(link: Link) -> Plain:
    runtime = link.runtime
    return {
        "connected": link.connected,
        "synchronized": link.synchronized,
        "name": "" if runtime is None else runtime.name,
        "version": "" if runtime is None else runtime.version,
        "nriVersion": "" if runtime is None else dotted(runtime.nri_version),
        "requestTimeoutS": None if runtime is None else runtime.request_timeout_s,
        "since": _maybe_timestamp(link.since),
        "synchronizedAt": _maybe_timestamp(link.synchronized_at),
        "connections": link.connections,
        "reason": link.reason,
        "capabilities": {} if runtime is None else _capabilities(runtime),
    }


def _capabilities(runtime: RuntimeInfo) -> dict[str, bool]:
    able = runtime.capabilities
    names = (field.name for field in fields(Capabilities) if field.name != _MASK)
    return {_camel(name): getattr(able, name) for name in names}


def dotted(numbers: Sequence[int]) -> str:
    """A version's numbers as one writes them."""
    return ".".join(map(str, numbers))


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _configuration(seen: Observation) -> Plain:
    config = seen.config
    return {
        "path": seen.reading.path,
        "loadedAt": _maybe_timestamp(seen.reading.loaded_at),
        "error": seen.reading.error,
        "refusing": seen.reading.refusing,
        "injection": str(config.injection),
        "policyDefault": config.policy.default.value,
        "rules": len(config.policy.rules),
        "exclusive": list(config.exclusive),
        "aliases": list(config.aliases),
        "environment": dict(config.environment),
        "validate": str(config.validate),
        "validateError": _unvalidated(config, seen.link.runtime),
        "afterRestart": _after_restart(config, seen.reading),
    }


def _unvalidated(config: Config, runtime: RuntimeInfo | None) -> str:
    """Why nothing is validated although the configuration wants it; "" if it is."""
    if config.validate == _OFF or runtime is None:
        return ""
    return "" if runtime.capabilities.valid_events & _VALIDATION else _UNASKED


def _after_restart(config: Config, reading: Reading) -> dict[str, str]:
    """The settings that count after a restart only, and their values then."""
    wanted = reading.wanted
    if wanted is None or reading.error:  # a broken file comes to something else
        return {}
    return {key: getattr(wanted, key) for key in needs_restart(config, wanted)}


def _devices(seen: Observation, inventory: Inventory) -> Iterator[Plain]:
    known = (seen.config, seen.registry, seen.link.runtime, seen.holders)
    return map(_device, inventory.rows(*known))


def _device(row: DeviceRow) -> Plain:
    return {
        "name": row.name,
        "kind": row.kind,
        "path": row.path,
        "exclusive": row.exclusive,
        "holders": [_held(each) for each in row.holders],
        "unsupported": list(row.unsupported),
        "delegated": list(row.delegated),
    }


def _held(each: Held) -> Plain:
    """A holder; it has ``as`` if it holds the device by another name."""
    return _container(each.holder) | ({"as": each.by} if each.by else {})


def _container(each: Holder | Drifted | Decision) -> Plain:
    return {
        "namespace": each.namespace,
        "pod": each.pod,
        "container": each.container,
        "containerId": each.container_id,
    }


def _specs(registry: Registry) -> Plain:
    return {
        "files": len(registry.specs) + len(registry.errors),
        "devices": len(registry.devices),
        "directories": [
            {"path": path, "error": error}
            for path, error in registry.dir_errors.items()
        ],
        "errors": [
            {"path": path, "lines": error.lines()}
            for path, error in registry.errors.items()
        ],
        "conflicts": [
            {"device": device, "paths": list(paths)}
            for device, paths in registry.conflicts.items()
        ],
    }


def _drifted(each: Drifted) -> Plain:
    return {
        **_container(each),
        "devices": list(each.devices),
        "lacks": list(each.lacks),
    }


def _decision(each: Decision) -> Plain:
    return {
        "time": timestamp(each.time),
        "result": each.result.value,
        **_container(each),
        "devices": list(each.devices),
        "mode": each.mode,
        "rule": each.rule,
        "reason": each.reason,
        "ms": round(each.took_s * MS_PER_S, 3),
    }


def _counts(seen: Observation) -> Plain:
    return {
        "requests": {result.value: seen.requests.get(result, 0) for result in Result},
        "injectedByKind": dict(seen.injected_by_kind),
        "deniedByRule": dict(seen.denied_by_rule),
        "auditedByRule": dict(seen.audited_by_rule),
        "drifted": seen.drifted_total,
    }
