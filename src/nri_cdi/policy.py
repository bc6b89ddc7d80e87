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

from nri_cdi.errors import RequestError

# What is kept of rules that match, and of verdicts on a pod and its devices.
_KEPT_DEVICES = 16_384
_KEPT_NAMESPACES = 1024
_KEPT_JUDGEMENTS = 512

# A pod's author can make up names as long and as many as an annotation takes. Those of
# real devices are short: 64 of them have some 2000 characters.
_KEPT_NAME_LENGTH = 253
_KEPT_CHARACTERS = 4096

# Names that a container asks for, times patterns of devices: to compare takes 1 µs, and
# all containers of the node wait meanwhile. A runtime waits for 2 s.
MAX_COMPARISONS = 200_000


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
class Verdict:
    """What comes of a device; ``rule`` is empty where no rule matched."""

    action: Action
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules in their order, and what happens where none matches."""

    default: Action = Action.ALLOW
    rules: tuple[Rule, ...] = ()


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
        self._rules = tuple(
            _CompiledRule(rule, 1 << number) for number, rule in enumerate(policy.rules)
        )
        self._by_globs = _by_globs(self._rules)
        self._patterns = sum(map(len, {rule.devices for rule in policy.rules}))
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
        """What comes of each device for a pod.

        Raises: RequestError, if there are too many names for so many patterns.
        """
        if len(devices) * self._patterns > MAX_COMPARISONS:
            raise RequestError(
                f"{len(devices)} devices are too many for a policy that has "
                f"{self._patterns} patterns of devices: "
                f"{MAX_COMPARISONS // self._patterns} are the most"
            )
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
            if rule.bit & matching:
                return rule.verdict
        return Verdict(action=self.policy.default)

    def _matching_device(self, device: str) -> int:
        """The bits of the rules that name a device: of these there may be many."""
        return sum(bits for has_device, bits in self._by_globs if has_device(device))

    def _in_namespace(self, namespace: str) -> tuple[_CompiledRule, ...]:
        return tuple(rule for rule in self._rules if rule.has_namespace(namespace))


class _CompiledRule:
    """A rule whose patterns are ready for use; ``bit`` is its own in a set of rules."""

    def __init__(self, rule: Rule, bit: int) -> None:
        self.bit = bit
        self.verdict = Verdict(action=rule.action, rule=rule.name)
        self.devices = rule.devices
        self.has_namespace = matcher(rule.namespaces)
        self.has_pod = matcher(rule.pods)
        self.has_runtime_handler = matcher(rule.runtime_handlers)
        self._labels = tuple((key, matcher((glob,))) for key, glob in rule.labels)

    def has_labels(self, labels: Mapping[str, str]) -> bool:
        return all(key in labels and has(labels[key]) for key, has in self._labels)


def _by_globs(
    rules: Iterable[_CompiledRule],
) -> Sequence[tuple[Callable[[str], bool], int]]:
    """What matches devices, and the bits of the rules that have just these patterns."""
    bits: dict[tuple[str, ...], int] = {}
    for rule in rules:
        bits[rule.devices] = bits.get(rule.devices, 0) | rule.bit
    return [(matcher(globs), each) for globs, each in bits.items()]


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether a text matches one of the patterns; without any, everything does."""
    if not patterns:
        return _anything
    pattern = re.compile("|".join(map(translate, patterns)))
    return lambda text: pattern.match(text) is not None


def _anything(_text: str) -> bool:
    return True
