from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from nri_cdi.config import Config
from nri_cdi.ledger import LATENCY_BOUNDS_S, Result
from nri_cdi.status.metrics import expose
from nri_cdi.status.snapshot import Observation
from tests.unit.status.living import KIND, NOW, Living

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
"""What a Prometheus 3 sends."""

GAUGES = (
    ("request_deadline_seconds", 2),
    ("spec_files", 2),
    ("spec_errors", 1),
    ("devices", 3),
    ("device_holders", 2),
    ("synchronized", 1),
    ("last_synchronization_timestamp_seconds", NOW),
    ("drifted_containers", 0),
    ("configuration_ok", 1),
)


def samples(seen: Observation) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text, _ = expose(seen)
    return {
        (sample.name.removeprefix("nri_cdi_"), tuple(sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def labelled(seen: Observation, name: str) -> dict[str, float]:
    return {
        labels[0][1]: value
        for (found, labels), value in samples(seen).items()
        if found == name
    }


@pytest.mark.parametrize(("name", "value"), GAUGES)
def test_a_gauge_has_the_value_of_now(living: Living, name: str, value: float) -> None:
    assert samples(living.observe())[name, ()] == value


def test_every_result_is_counted_from_the_start(living: Living) -> None:
    found = labelled(living.observe(), "requests_total")
    assert found == {
        result.value: living.plugin.ledger.requests[result] for result in Result
    }
    assert found["injected"] == 2


def test_the_histogram_adds_up(living: Living) -> None:
    found = samples(living.observe())
    buckets = labelled(living.observe(), "request_duration_seconds_bucket")
    assert [float(bound) for bound in buckets] == [*LATENCY_BOUNDS_S, float("inf")]
    assert list(buckets.values()) == sorted(buckets.values())
    assert found["request_duration_seconds_count", ()] == 5
    assert buckets["+Inf"] == 5
    assert found["request_duration_seconds_sum", ()] == pytest.approx(
        living.plugin.ledger.latency.sum_s
    )


def test_the_deadline_of_the_runtime_is_a_bound_of_the_histogram(
    living: Living,
) -> None:
    deadline = samples(living.observe())["request_deadline_seconds", ()]
    assert deadline in LATENCY_BOUNDS_S


def test_rules_are_counted_by_name_and_with_zeros(living: Living) -> None:
    denied = labelled(living.observe(), "denied_total")
    assert denied == {"(default)": 0, "no-miners": 1, "notebooks": 0}
    audited = labelled(living.observe(), "audited_total")
    assert audited == {"(default)": 0, "no-miners": 0, "notebooks": 1}


def test_a_rule_or_a_kind_that_nobody_configured_is_no_label(living: Living) -> None:
    # As after a change of the configuration and of the specs.
    living.plugin.ledger.denied_by_rule["evil"] += 1
    living.plugin.ledger.injected_by_kind["evil.com/gpu"] += 1
    seen = living.observe()
    assert "evil" not in expose(seen)[0].decode()
    assert labelled(seen, "injected_devices_total") == {KIND: 3}


def test_a_pod_can_not_make_labels(living: Living) -> None:
    before = set(samples(living.observe()))
    for number in range(50):
        living.ask(f"evil-{number}.com/gpu=1", pod=f"evil-{number}")
        living.ask(f"{KIND}=1", pod=f"evil-{number}", container=f"evil-{number}")
    assert set(samples(living.observe())) == before


def test_the_runtime_is_there_once_it_is_known(living: Living) -> None:
    labels = (("name", "containerd"), ("nri_version", "0.8"), ("version", "2.1.9"))
    assert samples(living.observe())["runtime_info", labels] == 1
    unknown = Living(Config(spec_dirs=("/nowhere",))).observe()
    assert not any(name == "runtime_info" for name, _ in samples(unknown))
    assert samples(unknown)["last_synchronization_timestamp_seconds", ()] == 0
    assert samples(unknown)["synchronized", ()] == 0


def test_what_a_runtime_says_of_itself_is_clipped(living: Living) -> None:
    seen = living.observe()
    assert seen.link.runtime is not None
    name = 'x"\n\\' + "y" * 5000
    seen.link.runtime = replace(seen.link.runtime, name=name)
    (labels,) = [dict(each) for found, each in samples(seen) if found == "runtime_info"]
    assert labels["name"] == name[:64]


def test_a_broken_configuration_is_seen(living: Living) -> None:
    living.reading = replace(living.reading, error="broken")
    assert samples(living.observe())["configuration_ok", ()] == 0


def test_the_process_is_measured(living: Living) -> None:
    found = samples(living.observe())
    for name in ("resident_memory_bytes", "open_fds", "start_time_seconds"):
        assert found[f"process_{name}", ()] > 0


@pytest.mark.parametrize(
    ("accept", "type_"),
    [
        ("", "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        ("text/html", "text/plain; version=0.0.4"),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0"),
        (PROMETHEUS, "application/openmetrics-text; version=1.0.0"),
    ],
)
def test_the_format_is_what_the_client_accepts(
    living: Living, accept: str, type_: str
) -> None:
    text, content_type = expose(living.observe(), accept)
    assert content_type.startswith(type_)
    assert text.endswith(b"# EOF\n") == ("openmetrics" in type_)


def families(living: Living) -> list[Metric]:
    text, _ = expose(living.observe(), OPENMETRICS)
    read: Any = openmetrics.text_string_to_metric_families  # it has no types
    return list(read(text.decode()))


def test_the_text_is_what_a_strict_reader_takes(living: Living) -> None:
    assert len(families(living)) > 20


def test_names_follow_the_conventions(living: Living) -> None:
    # Source: Prometheus, "Metric and label naming".
    for family in families(living):
        assert re.fullmatch(r"(nri_cdi|process)(_[a-z]+)+", family.name)
        assert not family.name.endswith(("_total", "_ms", "_count", "_bucket"))
        assert family.documentation.endswith(".")


def test_the_page_on_metrics_has_every_name(living: Living) -> None:
    page = (Path(__file__).parents[3] / "docs/status.md").read_text()
    documented = set(re.findall(r"^\| `(nri_cdi_[a-z_]+)", page, re.MULTILINE))
    exposed = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in families(living)
        if family.name.startswith("nri_cdi_")
    }
    assert documented == exposed
