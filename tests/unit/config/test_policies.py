"""A policy is read strictly: a slip in it must not open what it should close."""

from __future__ import annotations

import pytest

from nri_cdi.config import parse_config
from nri_cdi.errors import ConfigError
from nri_cdi.policy import Action, Policy, Rule

FULL = """\
policy:
  default: deny
  rules:
    - name: research-gpus
      namespaces: [research-*]
      pods: ["*"]
      labels: {team: "vision-*", example.com/tier: 1}
      runtime_handlers: ["", nvidia]
      devices: [nvidia.com/gpu=*]
      action: allow
    - name: the-rest
      devices: ["*"]
      action: audit
"""


def _problems(policy: str) -> list[str]:
    """What is wrong with a policy of one line, but for the name of the file."""
    with pytest.raises(ConfigError) as raised:
        parse_config(f"policy: {policy}", "c")
    return [line.removeprefix("c:1:") for line in raised.value.lines()]


def test_a_policy_can_say_all() -> None:
    assert parse_config(FULL, "c").policy == Policy(
        default=Action.DENY,
        rules=(
            Rule(
                name="research-gpus",
                action=Action.ALLOW,
                namespaces=("research-*",),
                pods=("*",),
                labels=(("team", "vision-*"), ("example.com/tier", "1")),
                runtime_handlers=("", "nvidia"),
                devices=("nvidia.com/gpu=*",),
            ),
            Rule(name="the-rest", action=Action.AUDIT, devices=("*",)),
        ),
    )


def test_without_a_default_all_is_allowed() -> None:
    text = "policy: {rules: [{name: a, devices: [a/b=*], action: deny}]}"
    assert parse_config(text, "c").policy.default is Action.ALLOW


@pytest.mark.parametrize(
    "rules",
    [
        "{name: a, pods: [a], action: deny}, {name: b, pods: ['*'], action: allow}",
        "{name: a, pods: [a], action: allow}, {name: b, pods: [a], action: allow}",
        "{name: a, pods: [a?], action: deny}, {name: b, pods: [a*], action: allow}",
        "{name: a, pods: [a], action: deny}, {name: b, namespaces: [a], action: allow}",
        "{name: a, labels: {a: b}, action: deny}, {name: b, labels: {a: '*'}, "
        "action: allow}",
        "{name: a, labels: {a: b}, action: deny}, {name: b, labels: {c: b}, "
        "action: allow}",
        "{name: a, pods: ['*'], devices: [a/b=c], action: deny}, "
        "{name: b, pods: [a], action: allow}",
    ],
)
def test_rules_that_may_leave_something_for_the_next_are_taken(rules: str) -> None:
    text = f"policy: {{default: deny, rules: [{rules}]}}"
    assert len(parse_config(text, "c").policy.rules) == 2


@pytest.mark.parametrize(
    ("policy", "problems"),
    [
        ("", ["8: policy: expected a mapping with default and rules"]),
        ("deny", ["9: policy: expected a mapping with default and rules"]),
        (
            "{}",
            ["9: policy: it is empty; say what happens: default: allow, or deny"],
        ),
        (
            "{defaults: deny}",
            ["10: policy: unknown key 'defaults'; did you mean 'default'?"],
        ),
        (
            "{default: Deny}",
            [
                "19: policy.default: 'Deny' is not an action: one of allow, deny, "
                "audit; did you mean 'deny'?"
            ],
        ),
        (
            "{default: }",
            ["19: policy.default: expected a string, got null; put the text in quotes"],
        ),
        ("{default: deny, default: allow}", ["25: policy.default: set twice"]),
        ("{default: deny, rules: {}}", ["32: policy.rules: expected a list of rules"]),
        ("{default: deny, rules: }", ["32: policy.rules: expected a list of rules"]),
        (
            "{default: deny, rules: [a]}",
            ["33: policy.rules[0]: expected a mapping with the keys of a rule"],
        ),
        (
            "{rules: [{pods: [a]}]}",
            [
                "18: policy.rules[0]: it needs 'name'",
                "18: policy.rules[0]: it needs 'action'",
            ],
        ),
        (
            "{rules: [{name: a, action: deny, namespace: [a]}]}",
            [
                "42: policy.rules[0]: unknown key 'namespace'; did you mean "
                "'namespaces'?"
            ],
        ),
        (
            "{rules: [{name: a, action: deny}]}",
            [
                "18: policy.rules[0]: it says of no request that it matches; for all, "
                'say devices: ["*"]'
            ],
        ),
        (
            "{rules: [{name: a b, action: deny, pods: [a]}]}",
            [
                "25: policy.rules[0].name: 'a b' is not a rule's name: at most 63 "
                "letters, digits and the characters - _ . within"
            ],
        ),
        (
            "{rules: [{name: a, action: refuse, pods: [a]}]}",
            [
                "36: policy.rules[0].action: 'refuse' is not an action: one of allow, "
                "deny, audit"
            ],
        ),
        (
            "{rules: [{name: a, action: deny, pods: []}]}",
            [
                "48: policy.rules[0].pods: the list is empty and would match nothing; "
                "without the key all match"
            ],
        ),
        (
            "{rules: [{name: a, action: deny, pods: a*}]}",
            ["48: policy.rules[0].pods: expected a list of globs; put [ ] around it"],
        ),
        (
            "{rules: [{name: a, action: deny, pods: [~, b_c]}]}",
            [
                "49: policy.rules[0].pods[0]: expected a string, got null; put the "
                "text in quotes",
                "52: policy.rules[0].pods[1]: 'b_c' can never match a pod's name; did "
                "you mean 'b-c'?",
            ],
        ),
        (
            "{rules: [{name: a, action: deny, labels: {}}]}",
            [
                "50: policy.rules[0].labels: the mapping is empty; without the key all "
                "pods match"
            ],
        ),
        (
            "{rules: [{name: a, action: deny, labels: {'a*': b, c: '', d: [e]}}]}",
            [
                "51: policy.rules[0].labels: 'a*' can't be the key of a label; a key "
                "is no glob",
                "63: policy.rules[0].labels.c: the glob is empty; '*' matches any, "
                "such as 'vision-*'",
                "70: policy.rules[0].labels.d: expected a string",
            ],
        ),
        (
            "{rules: [{name: a, action: deny, devices: [gpu]}]}",
            [
                "52: policy.rules[0].devices[0]: 'gpu' can never match a device's name "
                "(vendor/class=name); did you mean '*/gpu=*'?"
            ],
        ),
        (
            "{rules: [{<<: {name: a}, action: deny, pods: [a]}]}",
            [
                "18: policy.rules[0]: it needs 'name'",
                "19: policy.rules[0]: merge keys are not supported: write it out",
            ],
        ),
        (
            "{rules: [{name: a, pods: [a], action: deny}, "
            "{name: a, pods: [b], action: deny}]}",
            [
                "54: policy.rules[1]: the name 'a' is that of policy.rules[0], too; "
                "each rule needs its own"
            ],
        ),
        (
            "{rules: [{name: a, pods: [a], action: allow}]}",
            [
                "9: policy: its rules allow what is allowed anyway, so that nothing is "
                "denied; say default: deny"
            ],
        ),
    ],
)
def test_what_could_open_a_policy_is_refused(policy: str, problems: list[str]) -> None:
    assert _problems(policy) == problems


@pytest.mark.parametrize(
    ("before", "rule"),
    [
        ("devices: ['*']", "pods: [a]"),
        ("pods: ['*']", "devices: [a/b=c]"),
        ("pods: [a*]", "pods: [a]"),
        ("pods: [a*]", "pods: [a*]"),
        ("pods: [a, b, c]", "pods: [c, a]"),
        ("pods: [a]", "pods: [a], devices: [a/b=*]"),
        ("devices: [a/*]", "devices: [a/b=c]"),
        ("devices: [a/*]", "devices: [a/b=*]"),
        ("devices: ['*/*=*']", "devices: ['*']"),
        ("devices: ['*=*']", "pods: [a]"),
        ("namespaces: [research-*]", "namespaces: [research-a?, research-b*]"),
        ("labels: {a: '**'}", "labels: {a: b*}"),
        ("labels: {a: b*}", "labels: {a: bc, d: e}"),
        ("runtime_handlers: ['']", "runtime_handlers: ['']"),
    ],
)
def test_a_rule_that_is_never_reached_is_refused(before: str, rule: str) -> None:
    rules = f"{{name: x, {before}, action: allow}}, {{name: y, {rule}, action: deny}}"
    [problem] = _problems(f"{{rules: [{rules}]}}")
    assert problem.partition(" ")[2] == (
        "policy.rules[1]: it is never reached: the rule 'x' before it matches all that "
        "it does; put the narrower one first"
    )


def test_a_hundred_rules_are_compared_with_each_other() -> None:
    rules = [
        f"{{name: r{index}, pods: [p{index}], action: {action}}}"
        for index, action in enumerate(["allow", "deny"] * 50)
    ]
    policy = parse_config(f"policy: {{rules: [{', '.join(rules)}]}}", "c").policy
    assert len(policy.rules) == len(rules)
