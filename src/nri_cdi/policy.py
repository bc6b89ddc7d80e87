"""Which pods may have which CDI devices: rules, of which the first that matches counts.

A rule matches when all that it names matches; what it leaves out matches anything.
Patterns are a shell's: ``*``, ``?`` and ``[...]``, with letters as they are, and ``*``
matches any letters, the ``/`` and ``=`` of a device's name among them.

A device is judged by the name that was asked for. It may have other names, so a list of
what is allowed holds, and a list of what is denied may not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache

# What is kept of rules that match, and of verdicts on a pod and its devices.
_KEPT_DEVICES = 16_384
_KEPT_NAMESPACES = 1024
_KEPT_JUDGEMENTS = 512

# A pod's author can make up names as long and as many as an annotation takes. Those of
# real devices are short: 64 of them have some 2000 characters.
_KEPT_NAME_LENGTH = 253
_KEPT_CHARACTERS = 4096


class Action(StrEnum):
    """What a rule does: let it pass, refuse it, or let it pass and say so."""

    ALLOW = "allow"
    DENY = "deny"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Who may have what; patterns, and for ``labels`` a key and a pattern each.

    A label that a pod doesn't have matches no pattern. All ``labels`` have to match,
    and one of each of the others; an empty tuple matches anything.
    """

    name: str
    action: Action
    namespaces: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    runtime_handlers: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The pod that asks; ``runtime_handler`` is empty for the runtime's default."""

    namespace: str
    pod: str
    labels: tuple[tuple[str, str], ...] = ()
    runtime_handler: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What comes of a device; ``rule`` is empty where no rule matched."""

    action: Action
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules in their order, and what happens where none matches."""

    default: Action = Action.ALLOW
    rules: tuple[Rule, ...] = ()

    def verdict(self, subject: Subject, device: str) -> Verdict:
        """What comes of ``device`` for ``subject``."""
        judgement = Judge(self).judgement(
            subject.namespace,
            subject.pod,
            dict(subject.labels),
            subject.runtime_handler,
            (device,),
        )
        return judgement.verdicts[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdicts on devices, in their order.

    ``denied`` and ``audited`` are the devices of which that is the verdict. ``rules``
    are the rules that denied, or if none did those that audit, each once; a rule is ""
    where no rule matched.
    """

    devices: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    denied: tuple[str, ...]
    audited: tuple[str, ...]
    rules: tuple[str, ...]

    @classmethod
    def of(cls, devices: tuple[str, ...], verdicts: tuple[Verdict, ...]) -> Judgement:
        """What verdicts come to."""
        by_action: dict[Action, list[str]] = {action: [] for action in Action}
        for device, verdict in zip(devices, verdicts, strict=True):
            by_action[verdict.action].append(device)
        telling = Action.DENY if by_action[Action.DENY] else Action.AUDIT
        rules = (each.rule for each in verdicts if each.action is telling)
        return cls(
            devices=devices,
            verdicts=verdicts,
            denied=tuple(by_action[Action.DENY]),
            audited=tuple(by_action[Action.AUDIT]),
            rules=tuple(dict.fromkeys(rules)),
        )


class Judge:
    """Applies a policy, quickly: it is on the way of each container with devices.

    Pods that no rule can tell apart are judged once for all of them.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.is_open = policy.default is Action.ALLOW and not policy.rules
        self._rules = tuple(map(_CompiledRule, policy.rules))
        self._label_keys = tuple(
            sorted({key for rule in policy.rules for key, _ in rule.labels})
        )
        self._heeds_pods = any(rule.pods for rule in policy.rules)
        self._heeds_handlers = any(rule.runtime_handlers for rule in policy.rules)
        self._by_device = lru_cache(maxsize=_KEPT_DEVICES)(self._matching_device)
        self._by_namespace = lru_cache(maxsize=_KEPT_NAMESPACES)(self._in_namespace)
        self._judge = lru_cache(maxsize=_KEPT_JUDGEMENTS)(self._judged)

    def judgement(
        self,
        namespace: str,
        pod: str,
        labels: Mapping[str, str],
        runtime_handler: str,
        devices: tuple[str, ...],
    ) -> Judgement:
        """What comes of each device for a pod."""
        few = sum(map(len, devices)) <= _KEPT_CHARACTERS
        judge = self._judge if few else self._judged
        return judge(
            namespace,
            pod if self._heeds_pods else "",
            tuple([(key, labels[key]) for key in self._label_keys if key in labels]),
            runtime_handler if self._heeds_handlers else "",
            devices,
        )

    def _judged(
        self,
        namespace: str,
        pod: str,
        labels: tuple[tuple[str, str], ...],
        runtime_handler: str,
        devices: tuple[str, ...],
    ) -> Judgement:
        has = dict(labels)
        rules = [
            rule
            for rule in self._by_namespace(namespace)
            if rule.has_pod(pod)
            and rule.has_runtime_handler(runtime_handler)
            and rule.has_labels(has)
        ]
        verdicts = tuple([self._verdict(rules, device) for device in devices])
        return Judgement.of(devices, verdicts)

    def _verdict(self, rules: Iterable[_CompiledRule], device: str) -> Verdict:
        known = len(device) <= _KEPT_NAME_LENGTH
        matching = (self._by_device if known else self._matching_device)(device)
        for rule in rules:
            if rule in matching:
                return rule.verdict
        return Verdict(action=self.policy.default)

    def _matching_device(self, device: str) -> frozenset[_CompiledRule]:
        return frozenset(rule for rule in self._rules if rule.has_device(device))

    def _in_namespace(self, namespace: str) -> tuple[_CompiledRule, ...]:
        return tuple(rule for rule in self._rules if rule.has_namespace(namespace))


class _CompiledRule:
    """A rule whose patterns are ready for use; it is equal to itself alone."""

    def __init__(self, rule: Rule) -> None:
        self.verdict = Verdict(action=rule.action, rule=rule.name)
        self.has_device = matcher(rule.devices)
        self.has_namespace = matcher(rule.namespaces)
        self.has_pod = matcher(rule.pods)
        self.has_runtime_handler = matcher(rule.runtime_handlers)
        self._labels = tuple((key, matcher((glob,))) for key, glob in rule.labels)

    def has_labels(self, labels: Mapping[str, str]) -> bool:
        return all(key in labels and has(labels[key]) for key, has in self._labels)


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a text matches one of the patterns; without any, everything does."""
    if not patterns:
        return _anything
    pattern = re.compile("|".join(map(translate, patterns)))
    return lambda text: pattern.match(text) is not None


def _anything(_text: str) -> bool:
    return True
