"""One container's request for devices, and how it is spoken of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from nri_cdi.errors import RequestError, ResolveError
from nri_cdi.holders import Claim
from nri_cdi.nri import api
from nri_cdi.policy import Action, Judgement
from nri_cdi.requests import Request

# The devices that a log line names.
LOGGED = 16

# Names that a decision keeps, and how much of each; vendor, class and a device's name
# have 63 characters or so in practice.
NAMES = 64
NAME_LENGTH = 256

Asking: TypeAlias = (
    "api.CreateContainerRequest | api.ValidateContainerAdjustmentRequest"
)


class Order(NamedTuple):
    """What a container is to get: ``names`` are those of ``asked`` that it lacks.

    ``present`` are the devices that the runtime itself injects into it. It is ``seen``
    if another instance of the plugin has had it before. ``audits``
    names the rules of the policy that want the ``audited`` devices spoken of.

    A tuple, as is `Decision`, and for its reason.
    """

    request: Asking
    asked: Request
    names: tuple[str, ...]
    present: tuple[str, ...]
    started: float
    seen: bool = False
    audits: tuple[str, ...] = ()
    audited: tuple[str, ...] = ()

    def blame(self, error: RequestError) -> str:
        """Which annotations and variables asked for what can't be had."""
        names = error.names if isinstance(error, ResolveError) else self.names
        return self.asked.blame(names)


def shown(names: Sequence[str]) -> tuple[str, ...]:
    """Names as they are kept and logged: a pod may write a thousand long ones."""
    return tuple([name[:NAME_LENGTH] for name in names[:NAMES]])


def listed(names: Sequence[str], count: int | None = None) -> str:
    """The first of ``names``, and how many more there are; of ``count``, if given."""
    left = (len(names) if count is None else count) - LOGGED
    more = f" and {left} more" if left > 0 else ""
    return ", ".join([name[:NAME_LENGTH] for name in names[:LOGGED]]) + more


def named(rules: Sequence[str]) -> str:
    return ", ".join(rules)


def denial(judgement: Judgement) -> str:
    """Which rule denies what, in words."""
    by_rule: dict[str, list[str]] = {}
    for device, verdict in zip(judgement.devices, judgement.verdicts, strict=True):
        if verdict.action is Action.DENY:
            by_rule.setdefault(verdict.rule, []).append(device)
    words = [
        f"the policy's rule {rule!r} denies {listed(devices)}"
        if rule
        else f"no rule of the policy allows {listed(devices)}"
        for rule, devices in by_rule.items()
    ]
    return "; ".join(words)


def held(claim: Claim) -> str:
    by_another_name = f" (as {claim.held})" if claim.held != claim.device else ""
    return f"{claim.device} is exclusive, and held by {claim.holder}{by_another_name}"
