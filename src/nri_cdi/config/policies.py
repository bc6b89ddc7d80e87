"""The policy of a configuration: read strictly, as a slip in it opens what it closes.

Refused is also what is well written and can't be meant: a rule that no request ever
reaches, a pattern that nothing matches (`nri_cdi.config.globs`), an empty list, and
rules that allow what is allowed anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from nri_cdi.cdi.pointers import at_index, at_key
from nri_cdi.config.checks import (
    Check,
    check_device_glob,
    check_label_key,
    check_rule_name,
    one_of,
)
from nri_cdi.config.globs import (
    DEVICE,
    LABEL_VALUE,
    NAMESPACE,
    POD,
    RUNTIME_HANDLER,
    Grammar,
    check_glob,
    check_handler,
    covers,
)
from nri_cdi.config.nodereader import NodeReader
from nri_cdi.config.nodes import Entries, Items, Node
from nri_cdi.policy import Action, Policy, Rule

POLICY_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "default": "what happens where no rule matches: allow, deny or audit "
        "(default: allow)",
        "rules": "the rules; the first one that matches counts",
    }
)

RULE_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "name": "what messages, logs and metrics call the rule; each has its own",
        "namespaces": "globs over the pod's namespace",
        "pods": "globs over the pod's name",
        "labels": "a mapping of a label's key to a glob over its value; the pod must "
        "have all of them",
        "runtime_handlers": "globs over the handler of the pod's runtime class; "
        '"" is the default one',
        "devices": "globs over the qualified name that was asked for",
        "action": "allow; deny, which fails the container; or audit, which allows and "
        "says so",
    }
)

_POLICY = "a mapping with default and rules"
_RULE = "a mapping with the keys of a rule"

_ALL = "*"

# What a rule can't do without.
_NEEDED = ("name", "action")

# What a rule must have one of: without any it would match everything.
_CONDITIONS = frozenset(RULE_KEYS) - frozenset(_NEEDED)

_ACTIONS = tuple(str(action) for action in Action)


def _check_namespace(text: str) -> str:
    return check_glob(text, NAMESPACE)


def _check_pod(text: str) -> str:
    return check_glob(text, POD)


def _check_label(text: str) -> str:
    return check_glob(text, LABEL_VALUE)


_GLOBS: Mapping[str, Check] = MappingProxyType(
    {
        "namespaces": _check_namespace,
        "pods": _check_pod,
        "runtime_handlers": check_handler,
        "devices": check_device_glob,
    }
)


_GRAMMARS: Mapping[str, Grammar] = MappingProxyType(
    {
        "namespaces": NAMESPACE,
        "pods": POD,
        "runtime_handlers": RUNTIME_HANDLER,
        "devices": DEVICE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """A rule, and where it stands."""

    rule: Rule
    node: Node
    pointer: str


def read_policy(reader: NodeReader, node: Node, pointer: str) -> Policy:
    """The policy at a node; with what is wrong, ``reader`` has problems."""
    known = len(reader.problems)
    fields = reader.fields(node, pointer, POLICY_KEYS, _POLICY)
    if not fields and len(reader.problems) == known:
        message = "it is empty; say what happens: default: allow, or deny"
        reader.refuse(node, "empty", pointer, message)
    default = Action.ALLOW
    if "default" in fields:
        default = _action(reader, fields["default"], at_key(pointer, "default"))
    placed: list[_Placed] = []
    if "rules" in fields:
        placed = list(_rules(reader, fields["rules"], at_key(pointer, "rules")))
    policy = Policy(default=default, rules=tuple(each.rule for each in placed))
    if len(reader.problems) == known:
        _look_for_repeated_names(reader, placed)
        _look_for_idle_rules(reader, policy, node, pointer)
        _look_for_unreachable(reader, placed)
    return policy


def _rules(reader: NodeReader, node: Node, pointer: str) -> Iterator[_Placed]:
    for index, item in enumerate(reader.items(node, pointer, "rules")):
        at = at_index(pointer, index)
        yield _Placed(rule=_rule(reader, item, at), node=item, pointer=at)


def _rule(reader: NodeReader, node: Node, pointer: str) -> Rule:
    fields = reader.fields(node, pointer, RULE_KEYS, _RULE)
    for key in _NEEDED:
        if isinstance(node, Entries) and key not in fields:
            reader.refuse(node, "missing-key", pointer, f"it needs {key!r}")
    is_read = isinstance(node, Entries) and len(fields) == len(node.entries)
    if is_read and fields.keys().isdisjoint(_CONDITIONS):
        message = 'it says of no request that it matches; for all, say devices: ["*"]'
        reader.refuse(node, "missing-key", pointer, message)
    globs = {
        key: _globs(reader, fields[key], at_key(pointer, key), check)
        for key, check in _GLOBS.items()
        if key in fields
    }
    name, action = fields.get("name"), fields.get("action")
    return Rule(
        name=""
        if name is None
        else reader.text(name, at_key(pointer, "name"), check_rule_name),
        action=Action.DENY
        if action is None
        else _action(reader, action, at_key(pointer, "action")),
        labels=tuple(_labels(reader, fields, at_key(pointer, "labels"))),
        **globs,
    )


def _action(reader: NodeReader, node: Node, pointer: str) -> Action:
    text = reader.text(node, pointer, one_of("is not an action", _ACTIONS))
    return Action(text) if text else Action.DENY


def _globs(
    reader: NodeReader, node: Node, pointer: str, check: Check
) -> tuple[str, ...]:
    if isinstance(node, Items) and not node.items:
        message = "the list is empty and would match nothing; without the key all match"
        reader.refuse(node, "empty", pointer, message)
    return reader.texts(node, pointer, "globs", check)


def _labels(
    reader: NodeReader, fields: Mapping[str, Node], pointer: str
) -> Iterator[tuple[str, str]]:
    node = fields.get("labels")
    if node is None:
        return
    if isinstance(node, Entries) and not node.entries:
        message = "the mapping is empty; without the key all pods match"
        reader.refuse(node, "empty", pointer, message)
    for key, value in reader.entries(node, pointer, "a mapping of labels to globs"):
        glob = reader.text(value, at_key(pointer, key.text), _check_label)
        yield reader.text(key, pointer, check_label_key), glob


def _look_for_repeated_names(reader: NodeReader, placed: Iterable[_Placed]) -> None:
    first: dict[str, _Placed] = {}
    for each in placed:
        before = first.setdefault(each.rule.name, each)
        if before is not each:
            message = (
                f"the name {each.rule.name!r} is that of {before.pointer}, too; "
                "each rule needs its own"
            )
            reader.refuse(each.node, "duplicate-rule", each.pointer, message)


def _look_for_idle_rules(
    reader: NodeReader, policy: Policy, node: Node, pointer: str
) -> None:
    actions = {rule.action for rule in policy.rules}
    if policy.default is Action.ALLOW and actions == {Action.ALLOW}:
        message = (
            "its rules allow what is allowed anyway, so that nothing is denied; "
            "say default: deny"
        )
        reader.refuse(node, "no-effect", pointer, message)


def _look_for_unreachable(reader: NodeReader, placed: Sequence[_Placed]) -> None:
    """A rule behind one that takes all of its requests, and does something else."""
    coverage = _Coverage()
    for index, each in enumerate(placed):
        for before in placed[:index]:
            if each.rule.action is before.rule.action:
                continue
            if coverage.takes_all(before.rule, each.rule):
                message = (
                    f"it is never reached: the rule {before.rule.name!r} before it "
                    "matches all that it does; put the narrower one first"
                )
                reader.refuse(each.node, "unreachable-rule", each.pointer, message)
                break


class _Coverage:
    """Whether all that one rule matches matches another; it says no if in doubt."""

    def __init__(self) -> None:
        # Every rule is compared with all others.
        self._known = cache(dict[str, str])

    def takes_all(self, before: Rule, rule: Rule) -> bool:
        """Whether nothing is left for ``rule`` behind ``before``."""
        return all(
            self._takes(getattr(before, key), getattr(rule, key), grammar.every)
            for key, grammar in _GRAMMARS.items()
        ) and self._takes_labels(before.labels, rule.labels)

    def _takes(
        self, globs: tuple[str, ...], others: tuple[str, ...], every: str
    ) -> bool:
        if not globs or _ALL in globs:
            return True
        # Without a glob all match.
        wanted = (every if other == _ALL else other for other in others or (every,))
        return all(
            other in globs or any(covers(glob, other) for glob in globs)
            for other in wanted
        )

    def _takes_labels(
        self, labels: tuple[tuple[str, str], ...], others: tuple[tuple[str, str], ...]
    ) -> bool:
        known = self._known(others)
        return all(
            key in known and self._takes((glob,), (known[key],), _ALL)
            for key, glob in labels
        )
