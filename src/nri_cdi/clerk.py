"""Writes down what the plugin decides: in the log, and in the ledger.

A line's text is made of the decision when the line is written, by the thread that
writes: the next container waits for the one that decides.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nri_cdi.ledger import Decision, Ledger, Result, shortened
from nri_cdi.orders import Order, listed, named, shown

MS_PER_S = 1000

# What is said is the plugin's word: those who filter by names look for its.
logger = logging.getLogger("nri_cdi.plugin")


class Clerk:
    """Each decision is a line of the log and an entry of the ledger."""

    def __init__(self, ledger: Ledger, now: Callable[[], float]) -> None:
        self._ledger = ledger
        self._now = now

    def late(self, order: Order, why: str) -> None:
        """Nobody waits for the answer any more; the connection says so in the log."""
        self._note(order, Result.LATE, reason=why)

    def refused(self, order: Order, result: Result, why: str, rule: str = "") -> None:
        """The container is not to be; ``result`` says by what."""
        decision = self._note(order, result, reason=why, rule=rule)
        logger.error(
            "%s: refused: %s", Whom(decision), why, extra={"facts": Facts(decision)}
        )

    def injected(self, order: Order, mode: str, took_s: float) -> None:
        """The container has its devices, and how they went to the runtime."""
        rule = named(order.audits) if order.audits else ""
        decision = self._note(
            order, Result.INJECTED, mode=mode, rule=rule, took_s=took_s
        )
        self._ledger.injected(order.names)
        line = Injected(decision, len(order.names))
        logger.info("%s", line, extra={"facts": Facts(decision)})
        if order.audits:
            self._audited(order, decision)

    def _audited(self, order: Order, decision: Decision) -> None:
        for rule in order.audits:
            self._ledger.audited_by_rule[rule] += 1
        logger.warning(
            "%s: given, as the policy's rule %s wants it audited: %s",
            Whom(decision),
            decision.rule,
            listed(order.audited),
            extra={"facts": Facts(decision, result="audited")},
        )

    def _note(
        self,
        order: Order,
        result: Result,
        *,
        mode: str = "",
        rule: str = "",
        reason: str = "",
        took_s: float | None = None,
    ) -> Decision:
        pod, container = order.request.pod, order.request.container
        if took_s is None:
            took_s = time.perf_counter() - order.started
        decision = Decision(
            time=self._now(),
            result=result,
            namespace=pod.namespace,
            pod=pod.name,
            container=container.name,
            container_id=container.id,
            devices=shown(order.names),
            mode=mode,
            rule=rule,
            reason=shortened(reason),
            took_s=took_s,
        )
        self._ledger.record(decision)
        return decision


class Whom:
    """The container in a line."""

    __slots__ = ("decision",)

    def __init__(self, decision: Decision) -> None:
        self.decision = decision

    def __str__(self) -> str:
        it = self.decision
        return f"pod {it.namespace}/{it.pod}, container {it.container}"


class Injected(Whom):
    """A line that says what a container got, and of how many devices that is."""

    __slots__ = ("count",)

    def __init__(self, decision: Decision, count: int) -> None:
        super().__init__(decision)
        self.count = count

    def __str__(self) -> str:
        it = self.decision
        return (
            f"{super().__str__()}: injected {listed(it.devices, self.count)} in "
            f"{it.took_s * MS_PER_S:.2f} ms ({it.mode})"
        )


class Facts(Mapping[str, Any]):
    """A decision for programs that read the log; what is empty is left out."""

    __slots__ = ("_decision", "_result")

    def __init__(self, decision: Decision, result: str = "") -> None:
        self._decision = decision
        self._result = result

    def __getitem__(self, key: str) -> Any:
        return self._facts()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts())

    def __len__(self) -> int:
        return len(self._facts())

    def _facts(self) -> dict[str, Any]:
        it = self._decision
        facts = {
            "namespace": it.namespace,
            "pod": it.pod,
            "container": it.container,
            "containerId": it.container_id,
            "devices": list(it.devices),
            "result": self._result or it.result.value,
            "mode": it.mode,
            "ms": round(it.took_s * MS_PER_S, 3) if it.mode else "",
            "rule": it.rule,
            "reason": it.reason,
        }
        return {key: value for key, value in facts.items() if value != ""}
