"""What the plugin has decided, counted."""

from __future__ import annotations

from nri_cdi.ledger import (
    KEPT,
    LATENCY_BOUNDS_S,
    Decision,
    Drifted,
    Ledger,
    Result,
    shortened,
)
from nri_cdi.nri.capabilities import OLDEST


def decision(result: Result = Result.INJECTED, **more: object) -> Decision:
    facts: dict[str, object] = {
        "time": 1.0,
        "namespace": "ns",
        "pod": "p",
        "container": "c",
        "container_id": "id",
        "took_s": 0.0002,
    }
    return Decision(result=result, **(facts | more))  # type: ignore[arg-type]


def drifted(container_id: str) -> Drifted:
    return Drifted(
        namespace="ns",
        pod="p",
        container="c",
        container_id=container_id,
        devices=("v/c=1",),
        lacks=("v/c=1",),
    )


def test_decisions_are_counted_by_result_and_devices_by_kind() -> None:
    ledger = Ledger()
    ledger.record(decision(devices=("v/c=1", "v/c=2", "v/d=1")))
    ledger.injected(("v/c=1", "v/c=2", "v/d=1"))
    ledger.record(decision(Result.REFUSED, devices=("v/c=3",)))
    ledger.nothing()
    assert ledger.requests == {
        Result.INJECTED: 1,
        Result.REFUSED: 1,
        Result.NOTHING: 1,
    }
    assert ledger.injected_by_kind == {"v/c": 2, "v/d": 1}


def test_the_last_decisions_are_kept() -> None:
    ledger = Ledger()
    for number in range(KEPT + 5):
        ledger.record(decision(pod=str(number)))
    pods = [each.pod for each in ledger.decisions]
    assert pods == [str(number) for number in range(5, KEPT + 5)]


def test_a_bound_belongs_to_the_bucket_below_it() -> None:
    ledger = Ledger()
    for took_s in (LATENCY_BOUNDS_S[0], LATENCY_BOUNDS_S[0] * 1.01, 99.0):
        ledger.record(decision(took_s=took_s))
    assert ledger.latency.counts[:2] == [1, 1]
    assert ledger.latency.counts[-1] == 1
    assert sum(ledger.latency.counts) == 3
    assert ledger.latency.sum_s > 99


def test_the_link_follows_the_connection() -> None:
    ledger = Ledger()
    link = ledger.link
    ledger.disconnected("no socket", 1.0)
    assert (link.connected, link.reason, link.since) == (False, "no socket", 0.0)
    ledger.configured(OLDEST, 2.0)
    assert (link.connected, link.synchronized, link.reason) == (True, False, "")
    ledger.synchronized(3.0)
    assert (link.synchronized, link.synchronized_at, link.since) == (True, 3.0, 3.0)
    ledger.disconnected("gone", 4.0)
    ledger.disconnected("no socket", 5.0)
    assert (link.connected, link.synchronized, link.since) == (False, False, 4.0)
    assert (link.reason, link.synchronized_at) == ("no socket", 3.0)
    ledger.configured(OLDEST, 6.0)
    assert link.connections == 2


def test_each_drifted_container_counts_once_and_goes_with_it() -> None:
    ledger = Ledger()
    ledger.found_drifted((drifted("1"), drifted("2")))
    ledger.found_drifted((drifted("2"), drifted("3")))
    assert ledger.drifted_total == 3
    ledger.gone("2")
    assert [each.container_id for each in ledger.drifted] == ["3"]
    ledger.gone("unknown")
    assert len(ledger.drifted) == 1


def test_a_long_reason_is_shortened() -> None:
    assert shortened("why") == "why"
    assert len(shortened("x" * 5000)) < 1100
