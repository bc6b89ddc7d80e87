"""The metrics, made of an observation when somebody asks for them.

Nothing of this happens on the way of a container: there the ledger counts. Labels have
only values that the node's administrator has written, in the configuration or in specs,
so no pod can make new ones.

Source of the names: Prometheus, "Metric and label naming".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from nri_cdi import __version__
from nri_cdi.ledger import LATENCY_BOUNDS_S, Result
from nri_cdi.nri.capabilities import DEFAULT_REQUEST_TIMEOUT_S
from nri_cdi.plugin import DEFAULT_RULE
from nri_cdi.status import exposition
from nri_cdi.status.snapshot import Observation, dotted

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

# What a runtime may say of itself in a label.
_LABEL_LENGTH = 64


def expose(seen: Observation, accept: str = "") -> tuple[bytes, str]:
    """The metrics as text in the format that is accepted, and its content type."""
    encoder, content_type = exposition.chosen_encoder(accept)
    # The encoders want no more of a registry than that it collects.
    collector: Any = _Collector(seen)
    return encoder(collector), content_type


class _Collector:
    """Source: prometheus_client, "Custom Collectors"."""

    def __init__(self, seen: Observation) -> None:
        self._seen = seen

    def collect(self) -> Iterator[Metric]:
        from prometheus_client import ProcessCollector

        seen = self._seen
        yield from _requests(seen)
        yield from _policy(seen)
        yield from _specs(seen)
        yield from _connection(seen)
        yield from _drift(seen)
        yield from _build(seen)
        yield from ProcessCollector(registry=None).collect()


def _counter(
    name: str, text: str, label: str, values: Mapping[str, int]
) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(f"nri_cdi_{name}", text, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    yield family


def _total(name: str, text: str, value: float) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    return CounterMetricFamily(f"nri_cdi_{name}", text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(f"nri_cdi_{name}", text, value=value)


def _info(name: str, text: str, labels: Mapping[str, str]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(f"nri_cdi_{name}_info", text, labels=tuple(labels))
    family.add_metric(tuple(labels.values()), 1)
    return family


def _requests(seen: Observation) -> Iterator[Metric]:
    from prometheus_client.core import HistogramMetricFamily

    yield from _counter(
        "requests",
        "Containers that the plugin has decided on, by result.",
        "result",
        {result.value: seen.requests.get(result, 0) for result in Result},
    )
    bounds = (*map(str, LATENCY_BOUNDS_S), "+Inf")
    yield HistogramMetricFamily(
        "nri_cdi_request_duration_seconds",
        "Time that the plugin took for a container that asks for devices.",
        buckets=list(zip(bounds, accumulate(seen.latency_counts), strict=True)),
        sum_value=seen.latency_sum_s,
    )
    runtime = seen.link.runtime
    yield _gauge(
        "request_deadline_seconds",
        "How long the runtime waits for the plugin.",
        DEFAULT_REQUEST_TIMEOUT_S if runtime is None else runtime.request_timeout_s,
    )
    yield from _counter(
        "injected_devices",
        "Devices that containers got, by kind; only kinds that a spec defines now.",
        "kind",
        _known(seen.injected_by_kind, {file.spec.kind for file in seen.registry.specs}),
    )


def _known(counts: Mapping[str, int], names: Iterable[str]) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in sorted(names)}


def _policy(seen: Observation) -> Iterator[Metric]:
    rules = {DEFAULT_RULE, *(rule.name for rule in seen.config.policy.rules)}
    for name, text, counts in (
        ("denied", "Containers that the policy denied.", seen.denied_by_rule),
        (
            "audited",
            "Containers that a rule let pass, and noted.",
            seen.audited_by_rule,
        ),
    ):
        yield from _counter(name, text, "rule", _known(counts, rules))


def _specs(seen: Observation) -> Iterator[Metric]:
    registry = seen.registry
    files = len(registry.specs) + len(registry.errors)
    yield _gauge("spec_files", "CDI spec files found, broken ones too.", files)
    yield _gauge(
        "spec_errors",
        "Broken spec files, unreadable spec directories and devices defined twice.",
        len(registry.errors) + len(registry.dir_errors) + len(registry.conflicts),
    )
    yield _gauge("devices", "Devices that can be asked for.", len(registry.devices))
    yield _gauge(
        "device_holders",
        "Living containers that have devices of the plugin.",
        len(seen.holders),
    )


def _connection(seen: Observation) -> Iterator[Metric]:
    link = seen.link
    yield _total("connections", "Connections to the runtime so far.", link.connections)
    yield _gauge(
        "synchronized",
        "Whether the plugin is connected, and hears of every container.",
        link.synchronized,
    )
    yield _gauge(
        "last_synchronization_timestamp_seconds",
        "When the runtime last told of the containers that exist; 0 for never.",
        link.synchronized_at or 0,
    )
    if link.runtime is not None:
        labels = {
            "name": link.runtime.name[:_LABEL_LENGTH],
            "version": link.runtime.version[:_LABEL_LENGTH],
            "nri_version": dotted(link.runtime.nri_version),
        }
        yield _info("runtime", "The runtime that was connected last.", labels)


def _drift(seen: Observation) -> Iterator[Metric]:
    yield _gauge(
        "drifted_containers",
        "Living containers that were created without devices that they ask for.",
        len(seen.drifted),
    )
    yield _total(
        "drifted", "Containers that were found to be so since the start.",
        seen.drifted_total,
    )  # fmt: skip


def _build(seen: Observation) -> Iterator[Metric]:
    yield _gauge(
        "configuration_ok",
        "Whether the configuration as it is now is in use.",
        not seen.reading.error,
    )
    yield _info("build", "The plugin's release.", {"version": __version__})
