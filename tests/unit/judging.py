"""What a policy says of one device for one pod."""

from __future__ import annotations

from dataclasses import dataclass

from nri_cdi.policy import Judge, Policy, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The pod that asks; ``runtime_handler`` is empty for the runtime's default."""

    namespace: str
    pod: str
    labels: tuple[tuple[str, str], ...] = ()
    runtime_handler: str = ""


def verdict(policy: Policy, subject: Subject, device: str) -> Verdict:
    """What comes of ``device`` for ``subject``."""
    judgement = Judge(policy).judgement(
        subject.namespace,
        subject.pod,
        dict(subject.labels),
        subject.runtime_handler,
        (device,),
    )
    return judgement.verdicts[0]
