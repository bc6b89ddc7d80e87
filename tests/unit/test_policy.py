"""Rules, of which the first that matches counts."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.policy import (
    Action,
    Judge,
    Judgement,
    Policy,
    Rule,
    Verdict,
    matcher,
)
from tests.unit.judging import Subject, verdict

GPU = "nvidia.com/gpu=0"
POD = Subject(
    namespace="research-a",
    pod="train-7",
    labels=(("team", "vision"),),
    runtime_handler="nvidia",
)


def rule(action: Action = Action.DENY, name: str = "r", **patterns: Any) -> Rule:
    return Rule(name=name, action=action, **patterns)


def judged(policy: Policy, *devices: str) -> Judgement:
    return Judge(policy).judgement(
        POD.namespace, POD.pod, dict(POD.labels), POD.runtime_handler, devices
    )


MATCHES: tuple[tuple[str, dict[str, Any], bool], ...] = (
    ("nothing named matches anything", {}, True),
    ("the namespace", {"namespaces": ("research-a",)}, True),
    ("a pattern of it", {"namespaces": ("research-*",)}, True),
    ("one of several", {"namespaces": ("x", "research-?")}, True),
    ("another namespace", {"namespaces": ("research",)}, False),
    ("capital letters count", {"namespaces": ("Research-*",)}, False),
    ("the pod", {"pods": ("train-*",)}, True),
    ("another pod", {"pods": ("serve-*",)}, False),
    ("a set of letters", {"pods": ("train-[0-9]",)}, True),
    ("all but a set", {"pods": ("train-[!0-6]",)}, True),
    ("a label", {"labels": (("team", "vis*"),)}, True),
    ("another value", {"labels": (("team", "sound"),)}, False),
    ("a label that is not there", {"labels": (("tier", "*"),)}, False),
    ("all labels have to", {"labels": (("team", "*"), ("tier", "*"))}, False),
    ("the runtime handler", {"runtime_handlers": ("nvidia",)}, True),
    ("the default handler alone", {"runtime_handlers": ("",)}, False),
    ("the device", {"devices": (GPU,)}, True),
    ("all of a kind", {"devices": ("nvidia.com/gpu=*",)}, True),
    ("a star goes across", {"devices": ("nvidia.com/*",)}, True),
    ("a dot is a dot", {"devices": ("nvidiaxcom/gpu=0",)}, False),
    ("not a part of the name", {"devices": ("nvidia.com/gpu",)}, False),
    ("all that is named", {"namespaces": ("*",), "devices": ("amd.com/*",)}, False),
)


@pytest.mark.parametrize(
    ("patterns", "matches"), [row[1:] for row in MATCHES], ids=[r[0] for r in MATCHES]
)
def test_a_rule_matches_if_all_that_it_names_does(
    patterns: dict[str, Any], matches: bool
) -> None:
    found = verdict(Policy(rules=(rule(**patterns),)), POD, GPU)
    expected = Verdict(action=Action.DENY, rule="r")
    assert found == (expected if matches else Verdict(action=Action.ALLOW))


def test_the_first_rule_that_matches_counts() -> None:
    rules = (
        rule(Action.ALLOW, "other", devices=("amd.com/*",)),
        rule(Action.AUDIT, "first", namespaces=("research-*",)),
        rule(Action.DENY, "second"),
    )
    assert verdict(Policy(rules=rules), POD, GPU) == Verdict(
        action=Action.AUDIT, rule="first"
    )


@pytest.mark.parametrize("default", list(Action))
def test_where_no_rule_matches_the_default_holds(default: Action) -> None:
    policy = Policy(default=default, rules=(rule(pods=("none",)),))
    assert verdict(policy, POD, GPU) == Verdict(action=default)


def test_each_device_is_judged_by_itself() -> None:
    policy = Policy(
        default=Action.DENY,
        rules=(
            rule(Action.ALLOW, "ok", devices=("v.com/a=*",)),
            rule(Action.AUDIT, "look", devices=("v.com/b=*",)),
            rule(Action.DENY, "never", devices=("v.com/c=1",)),
        ),
    )
    devices = ("v.com/a=1", "v.com/b=1", "v.com/c=1", "v.com/d=1")
    judgement = judged(policy, *devices)
    assert judgement.denied == ("v.com/c=1", "v.com/d=1")
    assert judgement.audited == ("v.com/b=1",)
    assert judgement.rules == ("never", "")
    assert judged(policy, *devices[:2]).rules == ("look",)


def test_pods_that_rules_tell_apart_are_judged_apart() -> None:
    rules = (
        rule(Action.ALLOW, "pod", pods=("a",), devices=("v.com/pod=*",)),
        rule(Action.ALLOW, "label", labels=(("l", "a"),), devices=("v.com/label=*",)),
        rule(Action.ALLOW, "handler", runtime_handlers=("a",), devices=("v.com/h=*",)),
        rule(Action.ALLOW, "namespace", namespaces=("a",), devices=("v.com/ns=*",)),
    )
    judge = Judge(Policy(default=Action.DENY, rules=rules))
    devices = ("v.com/pod=0", "v.com/label=0", "v.com/h=0", "v.com/ns=0")
    for chosen, device in enumerate(devices):
        told = ["b"] * len(devices)
        told[chosen] = "a"
        pod, label, handler, namespace = told
        judgement = judge.judgement(namespace, pod, {"l": label}, handler, devices)
        assert set(devices) - set(judgement.denied) == {device}


def test_a_policy_without_rules_is_open_only_if_it_allows() -> None:
    assert Judge(Policy()).is_open
    assert not Judge(Policy(default=Action.DENY)).is_open
    assert not Judge(Policy(default=Action.AUDIT)).is_open
    assert not Judge(Policy(rules=(rule(),))).is_open


_TEXT = st.text("ab*?[]!-/=.\n", max_size=6)


@given(patterns=st.lists(_TEXT, min_size=1, max_size=3), text=_TEXT)
def test_patterns_are_those_of_a_shell(patterns: list[str], text: str) -> None:
    assert matcher(patterns)(text) == any(fnmatchcase(text, each) for each in patterns)
