"""What containers would get under the configuration of a node."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.adjustment.plain import to_plain
from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.registry import Registry
from nri_cdi.config import Config
from nri_cdi.explanation import Explainer, Result
from nri_cdi.explanation.subjects import pod_name
from nri_cdi.holders import Holder
from nri_cdi.injection import DELEGATED_MARK, RESOLVED_MARK
from nri_cdi.manifests import Container, Pod
from nri_cdi.policy import Action, Policy, Rule
from tests.unit.explanation.asking import CONTAINERD, OLD, explain, only, pod

GPU = "vendor.com/gpu=env"
ASKS = {"cdi.k8s.io/gpu": GPU}


def closed(*rules: Rule) -> Config:
    return Config(policy=Policy(default=Action.DENY, rules=rules))


def test_the_policys_refusal_comes_with_its_rule(registry: Registry) -> None:
    rule = Rule(name="no-env", action=Action.DENY, devices=(GPU,))
    config = Config(policy=Policy(rules=(rule,)))
    container = only(explain(pod(ASKS), registry, CONTAINERD, config).containers)
    assert (container.result, container.rule) == (Result.REFUSED, "no-env")
    assert container.error == (
        f"nri-cdi: the policy's rule 'no-env' denies {GPU}; asked for by annotation "
        "cdi.k8s.io/gpu"
    )
    assert "code = PermissionDenied desc = nri-cdi: " in container.kubelet_error
    assert container.unsupported == ()


def test_what_is_audited_is_given_and_has_the_rule(registry: Registry) -> None:
    rule = Rule(name="look", action=Action.AUDIT)
    config = Config(policy=Policy(rules=(rule,)))
    container = only(explain(pod(ASKS), registry, CONTAINERD, config).containers)
    assert (container.result, container.rule) == (Result.INJECTED, "look")


@pytest.mark.parametrize(
    ("rule", "namespace", "labels", "runtime_class", "result"),
    [
        ({"namespaces": ("ml",)}, "ml", {}, "", Result.INJECTED),
        ({"namespaces": ("ml",)}, "other", {}, "", Result.REFUSED),
        ({"labels": (("team", "v*"),)}, "ml", {"team": "vision"}, "", Result.INJECTED),
        ({"labels": (("team", "v*"),)}, "ml", {"team": "audio"}, "", Result.REFUSED),
        ({"runtime_handlers": ("nvidia",)}, "ml", {}, "nvidia", Result.INJECTED),
        ({"runtime_handlers": ("nvidia",)}, "ml", {}, "", Result.REFUSED),
        ({"runtime_handlers": ("",)}, "ml", {}, "", Result.INJECTED),
    ],
)
def test_the_policy_goes_by_what_the_manifest_has(
    registry: Registry,
    rule: dict[str, tuple[Any, ...]],
    namespace: str,
    labels: dict[str, str],
    runtime_class: str,
    result: Result,
) -> None:
    asked = replace(
        pod(ASKS), namespace=namespace, labels=labels, runtime_class=runtime_class
    )
    config = closed(Rule(name="ours", action=Action.ALLOW, **rule))
    container = only(explain(asked, registry, CONTAINERD, config).containers)
    assert container.result is result


@pytest.mark.parametrize(
    ("kind", "name", "such_as"),
    [
        ("Pod", "train", "train"),
        ("Pod", "train-", "train-x2x7k"),
        ("Deployment", "train", "train-5d8f7c9b64-x2x7k"),
        ("StatefulSet", "train", "train-0"),
        ("DaemonSet", "train", "train-x2x7k"),
        ("Job", "train-", "train-x2x7k-x2x7k"),
        ("CronJob", "train", "train-29000000-x2x7k"),
    ],
)
def test_the_pods_of_a_workload_have_names_of_their_own(
    registry: Registry, kind: str, name: str, such_as: str
) -> None:
    asked = replace(pod(ASKS, kind=kind), name=name)
    assert pod_name(asked) == such_as
    rule = Rule(name="trains", action=Action.ALLOW, pods=(such_as,))
    explained = explain(asked, registry, CONTAINERD, closed(rule))
    assert only(explained.containers).result is Result.INJECTED
    # A name that is made up is worth a word where it counts, and nowhere else.
    words = (
        "the policy has rules that go by the names of pods, and a likely one is taken "
        f"here: '{such_as}'"
    )
    assert explained.warnings == (() if such_as == name else (words,))
    assert explain(asked, registry, CONTAINERD).warnings == ()


def test_a_runtime_classes_handler_is_taken_to_have_its_name(
    registry: Registry,
) -> None:
    rule = Rule(name="r", action=Action.ALLOW, runtime_handlers=("nvidia",))
    asked = replace(pod(ASKS), runtime_class="nvidia")
    assert explain(asked, registry, CONTAINERD, closed(rule)).warnings == (
        "the policy has rules that go by runtime handlers, and that of runtime class "
        "'nvidia' is taken to have the same name",
    )
    assert explain(asked, registry, CONTAINERD).warnings == ()
    asks_not = replace(asked, annotations={})
    assert explain(asks_not, registry, CONTAINERD, closed(rule)).warnings == ()


ALIAS = "nvidia.cdi.k8s.io"


def test_aliases_ask_where_they_are_on(registry: Registry) -> None:
    asked = pod({f"{ALIAS}/container.b": GPU}, "a", "b")
    off = explain(asked, registry, CONTAINERD)
    assert [one.result for one in off.containers] == [Result.NOTHING] * 2
    assert [ALIAS in warning for warning in off.warnings] == [True]
    on = explain(asked, registry, CONTAINERD, Config(aliases=(ALIAS,)))
    first, second = on.containers
    assert (first.result, second.result) == (Result.NOTHING, Result.INJECTED)
    assert second.requests[0].annotations == (f"{ALIAS}/container.b",)
    assert on.warnings == ()


VARIABLES = Config(environment=(("GPUS", "vendor.com/gpu"),))


def with_env(*env: str, unknown: tuple[str, ...] = ()) -> Pod:
    container = Container(name="a", type="container", env=env, unknown_env=unknown)
    return replace(pod({}), containers=(container,))


def test_variables_ask_where_they_are_mapped(registry: Registry) -> None:
    asked = with_env("GPUS=env", "OTHER=gids")
    assert only(explain(asked, registry, OLD).containers).requests == ()
    container = only(explain(asked, registry, OLD, VARIABLES).containers)
    [request] = container.requests
    assert (request.name, request.annotations) == (GPU, ())
    assert request.variables == ("GPUS",)
    assert container.result is Result.INJECTED


def test_a_variable_that_can_not_be_read_is_refused(registry: Registry) -> None:
    container = only(
        explain(with_env("GPUS=0,none"), registry, OLD, VARIABLES).containers
    )
    assert (container.result, container.requests) == (Result.REFUSED, ())
    assert "variable 'GPUS': it has 'none' beside names" in container.error


def test_a_variable_from_elsewhere_is_not_known(registry: Registry) -> None:
    asked = with_env(unknown=("GPUS", "OTHER"))
    container = only(explain(asked, registry, OLD, VARIABLES).containers)
    assert container.result is Result.NOTHING
    assert container.warnings == (
        "variable GPUS has its value from elsewhere, and whether that asks for devices "
        "is not known here",
    )
    assert only(explain(asked, registry, OLD).containers).warnings == ()


def test_what_nri_can_not_carry_is_delegated_where_that_is_honoured(
    registry: Registry, tmp_path: Path
) -> None:
    other = {
        "cdiVersion": "1.1.0",
        "kind": "v.com/b",
        "devices": [{"name": "0", "containerEdits": {"env": ["B=1"]}}],
    }
    (tmp_path / "b.json").write_text(json.dumps(other))
    cache = Cache([str(tmp_path)])
    cache.refresh()
    asked = pod({"cdi.k8s.io/gpu": "vendor.com/gpu=gids, v.com/b=0"})
    container = only(explain(asked, cache.registry, CONTAINERD).containers)
    assert (container.result, container.mode) == (Result.INJECTED, "resolve+delegate")
    assert [each.is_delegated for each in container.requests] == [True, False]
    assert to_plain(container.adjustment)["env"] == ["B=1"]
    assert dict(container.adjustment.annotations) == {
        DELEGATED_MARK: "vendor.com/gpu=gids",
        RESOLVED_MARK: "v.com/b=0",
    }
    # Nothing of what the container gets is hidden.
    [part] = container.delegated
    assert part.device == "vendor.com/gpu=gids"
    assert part.edits.additional_gids == (5, 6)
    assert container.unsupported == ()


def test_what_only_the_host_shows_is_delegated_too(registry: Registry) -> None:
    asked = pod({"cdi.k8s.io/gpu": "vendor.com/gpu=fifo"})
    container = only(explain(asked, registry, CONTAINERD).containers)
    assert (container.result, container.mode) == (Result.INJECTED, "delegate")


def test_a_runtime_that_drops_delegated_names_is_told_apart(
    registry: Registry,
) -> None:
    config = Config(injection="delegate")
    asked = pod({"cdi.k8s.io/gpu": "vendor.com/gpu=gids"})
    container = only(explain(asked, registry, OLD, config).containers)
    assert "has injection = delegate, and containerd 1.7.24" in container.error
    # To resolve them was not the question.
    assert container.unsupported == ()
    container = only(explain(pod(ASKS), registry, CONTAINERD, config).containers)
    assert container.mode == "delegate"
    assert container.delegated[0].edits.env == ("GPU=yes",)


EXCLUSIVE = Config(exclusive=("vendor.com/gpu=*",))


def holding(pod_: str, container: str, *devices: str) -> Holder:
    return Holder(
        namespace="ml",
        pod=pod_,
        container=container,
        container_id=f"{pod_}-{container}",
        pod_uid="",
        devices=devices,
    )


def test_who_holds_an_exclusive_device_may_not_be_known(registry: Registry) -> None:
    container = only(explain(pod(ASKS), registry, CONTAINERD, EXCLUSIVE).containers)
    assert container.result is Result.INJECTED
    assert container.warnings == (
        f"exclusive: {GPU}; whether another container holds it, and this one is "
        "refused, is not known here: nri-cdi status says it",
    )
    others = Config(exclusive=("vendor.com/net=*",))
    container = only(explain(pod(ASKS), registry, CONTAINERD, others).containers)
    assert container.warnings == ()


@pytest.mark.parametrize(
    ("holder", "result"),
    [
        (holding("other", "main", GPU), Result.REFUSED),
        (holding("other", "main", "vendor.com/gpu=nothing"), Result.INJECTED),
        # The same pod as it is now; a new one of that name comes when it is gone.
        (holding("train", "main", GPU), Result.INJECTED),
        (holding("train", "sidecar", GPU), Result.REFUSED),
    ],
)
def test_who_holds_an_exclusive_device_keeps_it(
    registry: Registry, holder: Holder, result: Result
) -> None:
    asked = pod(ASKS)
    explained = explain(asked, registry, CONTAINERD, EXCLUSIVE, (holder,))
    container = only(explained.containers)
    assert (container.result, container.warnings) == (result, ())
    held = f"{GPU} is exclusive, and held by {holder}"
    assert (held in container.error) is (result is Result.REFUSED)


def test_the_containers_of_a_pod_exclude_each_other_while_they_live(
    registry: Registry,
) -> None:
    types = {"prepare": "initContainer", "a": "container", "b": "container"}
    containers = tuple(Container(name=name, type=types[name]) for name in types)
    asked = replace(pod(ASKS), containers=containers)
    explainer = Explainer(registry, CONTAINERD, EXCLUSIVE, ())
    for _ in "twice":
        prepare, first, second = explainer.explain(asked).containers
        assert prepare.result is first.result is Result.INJECTED
        assert second.result is Result.REFUSED
        assert "held by pod ml/train, container a" in second.error


def test_device_nodes_of_a_held_device_count_as_the_plugin_counts_them(
    tmp_path: Path,
) -> None:
    node = {"deviceNodes": [{"path": "/dev/null"}]}
    devices = [{"name": name, "containerEdits": node} for name in ("0", "uuid")]
    spec = {"cdiVersion": "1.1.0", "kind": "vendor.com/gpu", "devices": devices}
    (tmp_path / "gpu.json").write_text(json.dumps(spec))
    cache = Cache([str(tmp_path)])
    cache.refresh()
    holders = (holding("other", "main", "vendor.com/gpu=uuid"),)
    asked = pod({"cdi.k8s.io/gpu": "vendor.com/gpu=0"})
    explained = explain(asked, cache.registry, CONTAINERD, EXCLUSIVE, holders)
    assert "(as vendor.com/gpu=uuid)" in only(explained.containers).error


@pytest.mark.parametrize("validate", ["true", "only"])
def test_a_plugin_that_checks_is_explained_as_one_that_gives(
    registry: Registry, validate: str
) -> None:
    container = only(
        explain(pod(ASKS), registry, OLD, Config(validate=validate)).containers
    )
    assert container.result is Result.INJECTED


def test_a_pod_can_not_have_the_plugins_own_marks(registry: Registry) -> None:
    asked = pod({**ASKS, RESOLVED_MARK: GPU})
    container = only(explain(asked, registry, CONTAINERD).containers)
    assert "are the plugin's: a pod can't have them" in container.error
