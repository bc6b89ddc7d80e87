"""Who may have what: policy, exclusive devices, containers that were there before."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.registry import Registry
from nri_cdi.config import Config
from nri_cdi.errors import ConfigError, Problem
from nri_cdi.injection import DELEGATED_MARK, RESOLVED_MARK
from nri_cdi.ledger import Result
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import RuntimeInfo
from nri_cdi.nri.events import subscription
from nri_cdi.plugin import CdiPlugin
from nri_cdi.policy import Action, Policy, Rule
from nri_cdi.ttrpc.status import Code, RpcError
from testbed.standin import containerd

KIND = "v.com/gpu"
NODES = {"0": ["/dev/null"], "1": ["/dev/zero"], "all": ["/dev/null", "/dev/zero"]}


@dataclass
class ReadSpecs:
    """Specs that have been read, or are about to be."""

    registry: Registry
    loaded: bool = True
    version: int = 1

    def settling(self) -> None:
        return None

    def scanning(self) -> None:
        return None

    async def rescan(self) -> None:
        return


@pytest.fixture
def specs(tmp_path: Path) -> ReadSpecs:
    return read_specs(tmp_path)


def read_specs(folder: Path) -> ReadSpecs:
    """Specs of one kind, with the device nodes of `NODES`."""
    spec = {
        "cdiVersion": "0.6.0",
        "kind": KIND,
        "devices": [
            {
                "name": name,
                "containerEdits": {
                    "deviceNodes": [{"path": path} for path in paths],
                    "env": [f"GPU_{name}=yes"],
                },
            }
            for name, paths in NODES.items()
        ],
    }
    (folder / "gpu.json").write_text(json.dumps(spec))
    return ReadSpecs(Cache([str(folder)]).snapshot())


def serving(specs: ReadSpecs, version: str = "2.1.9", **settings: Any) -> CdiPlugin:
    plugin = CdiPlugin(specs, Config(**settings))
    plugin.configure(RuntimeInfo.from_configure(containerd(version)), "")
    return plugin


def asking(
    *devices: str, pod: str = "pod-1", container: str = "main", namespace: str = "ns"
) -> api.CreateContainerRequest:
    """A container of that name, whose id and pod's uid follow from its names."""
    request = api.CreateContainerRequest()
    request.pod.id, request.pod.uid = f"sandbox-{pod}", f"uid-{pod}"
    request.pod.name, request.pod.namespace = pod, namespace
    names = ",".join(f"{KIND}={device}" for device in devices)
    if devices:
        request.pod.annotations["cdi.k8s.io/gpu"] = names
    request.container.id = f"{pod}-{container}"
    request.container.pod_sandbox_id = request.pod.id
    request.container.name = container
    return request


def given_env(answer: object) -> set[str]:
    assert isinstance(answer, api.CreateContainerResponse)
    return {each.key for each in answer.adjust.env}


def refusal(plugin: CdiPlugin, request: api.CreateContainerRequest) -> RpcError:
    with pytest.raises(RpcError) as raised:
        plugin.create_container(request)
    return raised.value


# Policy


def closed(*rules: Rule) -> Policy:
    return Policy(default=Action.DENY, rules=rules)


def test_a_denied_device_fails_the_container_with_the_rules_name(
    specs: ReadSpecs,
) -> None:
    rule = Rule(name="no-all", action=Action.DENY, devices=(f"{KIND}=all",))
    plugin = serving(specs, policy=Policy(rules=(rule,)))
    error = refusal(plugin, asking("0", "all"))
    assert error.code == Code.PERMISSION_DENIED
    assert error.message == (
        "nri-cdi: the policy's rule 'no-all' denies v.com/gpu=all; asked for by "
        "annotation cdi.k8s.io/gpu"
    )
    assert given_env(plugin.create_container(asking("0"))) == {"GPU_0"}
    assert plugin.ledger.denied_by_rule == {"no-all": 1}
    [denied, _] = plugin.ledger.decisions
    assert (denied.result, denied.rule) == (Result.DENIED, "no-all")


def test_what_no_rule_allows_is_denied_by_default(specs: ReadSpecs) -> None:
    rule = Rule(name="ours", action=Action.ALLOW, namespaces=("research-*",))
    plugin = serving(specs, policy=closed(rule))
    error = refusal(plugin, asking("0", namespace="other"))
    assert "no rule of the policy allows v.com/gpu=0" in error.message
    assert plugin.ledger.denied_by_rule == {"(default)": 1}
    allowed = plugin.create_container(asking("0", namespace="research-a"))
    assert given_env(allowed) == {"GPU_0"}


def test_the_policy_does_not_tell_which_devices_exist(specs: ReadSpecs) -> None:
    plugin = serving(specs, policy=closed())
    known, unknown = (refusal(plugin, asking(name)) for name in ("0", "9"))
    assert known.message.replace("gpu=0", "gpu=9") == unknown.message


def test_labels_and_the_runtime_handler_count(specs: ReadSpecs) -> None:
    rule = Rule(
        name="r",
        action=Action.ALLOW,
        labels=(("team", "vision"),),
        runtime_handlers=("nvidia",),
    )
    plugin = serving(specs, policy=closed(rule))
    request = asking("0")
    refusal(plugin, request)
    request.pod.labels["team"] = "vision"
    refusal(plugin, request)
    request.pod.runtime_handler = "nvidia"
    assert given_env(plugin.create_container(request)) == {"GPU_0"}


def test_an_audited_device_is_given_and_spoken_of(
    specs: ReadSpecs, caplog: pytest.LogCaptureFixture
) -> None:
    rule = Rule(name="look", action=Action.AUDIT)
    plugin = serving(specs, policy=Policy(rules=(rule,)))
    with caplog.at_level(logging.WARNING):
        assert given_env(plugin.create_container(asking("0"))) == {"GPU_0"}
    [line] = [record.getMessage() for record in caplog.records]
    assert line == (
        "pod ns/pod-1, container main: given, as the policy's rule look wants it "
        "audited: v.com/gpu=0"
    )
    assert plugin.ledger.audited_by_rule == {"look": 1}
    [decision] = plugin.ledger.decisions
    assert (decision.result, decision.rule) == (Result.INJECTED, "look")


def test_a_new_configuration_holds_from_the_next_container_on(
    specs: ReadSpecs,
) -> None:
    plugin = serving(specs)
    assert given_env(plugin.create_container(asking("0"))) == {"GPU_0"}
    plugin.use(Config(policy=closed()))
    assert refusal(plugin, asking("0")).code == Code.PERMISSION_DENIED
    plugin.use(Config())
    assert given_env(plugin.create_container(asking("0"))) == {"GPU_0"}


def test_what_the_kubelet_gives_is_not_under_the_policy(specs: ReadSpecs) -> None:
    plugin = serving(specs, policy=closed())
    request = asking("0")
    request.container.CDI_devices.add(name=f"{KIND}=0")
    assert plugin.create_container(request) is None


# Exclusive devices


def test_an_exclusive_device_is_refused_to_a_second_container(
    specs: ReadSpecs,
) -> None:
    plugin = serving(specs, exclusive=(f"{KIND}=*",))
    plugin.create_container(asking("0", pod="first"))
    error = refusal(plugin, asking("0", pod="second"))
    assert error.message == (
        "nri-cdi: v.com/gpu=0 is exclusive, and held by pod ns/first, container main; "
        "asked for by annotation cdi.k8s.io/gpu"
    )
    assert plugin.ledger.requests[Result.HELD] == 1
    assert given_env(plugin.create_container(asking("1", pod="second"))) == {"GPU_1"}


def test_the_same_device_by_another_name_is_refused_too(specs: ReadSpecs) -> None:
    plugin = serving(specs, exclusive=(f"{KIND}=[0-9]",))
    plugin.create_container(asking("0", pod="first"))
    error = refusal(plugin, asking("all", pod="second"))
    assert "v.com/gpu=all is exclusive, and held by pod ns/first" in error.message
    assert "(as v.com/gpu=0)" in error.message


@pytest.mark.parametrize("event", ["stop_container", "remove_container"])
def test_a_device_is_free_when_its_container_is_gone(
    specs: ReadSpecs, event: str
) -> None:
    plugin = serving(specs, exclusive=("*",))
    first = asking("0", pod="first")
    plugin.create_container(first)
    gone = api.StopContainerRequest(pod=first.pod, container=first.container)
    getattr(plugin, event)(gone)
    assert given_env(plugin.create_container(asking("0", pod="second"))) == {"GPU_0"}


def test_a_device_is_free_when_the_pod_has_stopped(specs: ReadSpecs) -> None:
    # As on CRI-O, if another plugin has failed the container.
    plugin = serving(specs, exclusive=("*",))
    first = asking("0")
    plugin.create_container(first)
    plugin.stop_pod_sandbox(api.StopPodSandboxRequest(pod=first.pod))
    assert given_env(plugin.create_container(asking("0", pod="pod-2"))) == {"GPU_0"}


def test_a_refused_container_holds_nothing(specs: ReadSpecs) -> None:
    plugin = serving(specs, exclusive=("*",))
    plugin.create_container(asking("0", pod="first"))
    refusal(plugin, asking("0", "1", pod="second"))
    assert given_env(plugin.create_container(asking("1", pod="third"))) == {"GPU_1"}


def test_what_the_kubelet_has_given_is_held(specs: ReadSpecs) -> None:
    plugin = serving(specs, exclusive=("*",))
    first = asking(pod="first")
    first.container.CDI_devices.add(name=f"{KIND}=0")
    assert plugin.create_container(first) is None
    for name in ("0", "all"):
        assert (
            "held by pod ns/first"
            in refusal(plugin, asking(name, pod="second")).message
        )


def test_without_exclusive_devices_everything_is_shared(specs: ReadSpecs) -> None:
    plugin = serving(specs)
    for pod in ("first", "second"):
        assert given_env(plugin.create_container(asking("0", pod=pod))) == {"GPU_0"}
    assert len(plugin.holders.of(f"{KIND}=0")) == 2


# Containers that were there before


def existing(
    request: api.CreateContainerRequest,
    *nodes: str,
    state: str = "CONTAINER_RUNNING",
    **marks: str,
) -> tuple[api.PodSandbox, api.Container]:
    container = api.Container()
    container.CopyFrom(request.container)
    container.state = api.ContainerState.Value(state)
    for path in nodes:
        container.linux.devices.add(path=path)
    container.annotations.update(marks)
    return request.pod, container


def synchronize(
    plugin: CdiPlugin, *there: tuple[api.PodSandbox, api.Container]
) -> None:
    plugin.synchronize([pod for pod, _ in there], [each for _, each in there])


def test_holders_are_found_again_after_a_restart(specs: ReadSpecs) -> None:
    plugin = serving(specs, exclusive=("*",))
    synchronize(plugin, existing(asking("0", pod="first"), "/dev/null"))
    assert "held by pod ns/first" in refusal(plugin, asking("0", pod="second")).message
    assert plugin.ledger.drifted == ()


STOPPED = (("CONTAINER_STOPPED", False), ("CONTAINER_CREATED", True))


@pytest.mark.parametrize(("state", "holds"), STOPPED)
def test_a_container_that_has_stopped_holds_nothing(
    specs: ReadSpecs, state: str, holds: bool
) -> None:
    plugin = serving(specs)
    synchronize(plugin, existing(asking("0"), "/dev/null", state=state))
    assert bool(plugin.holders.all()) == holds


def test_a_container_without_its_devices_is_found(
    specs: ReadSpecs, caplog: pytest.LogCaptureFixture
) -> None:
    plugin = serving(specs, exclusive=("*",))
    with caplog.at_level(logging.WARNING):
        synchronize(plugin, existing(asking("0", "1", pod="first"), "/dev/null"))
    [drifted] = plugin.ledger.drifted
    assert (drifted.pod, drifted.lacks) == ("first", (f"{KIND}=1",))
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith(
        "pod ns/first, container main: runs without devices that it asks for: "
        "v.com/gpu=1; it was created while the plugin was away"
    )
    # It holds what it has, and nothing else.
    assert given_env(plugin.create_container(asking("1", pod="second"))) == {"GPU_1"}
    refusal(plugin, asking("0", pod="third"))
    plugin.remove_container(
        api.RemoveContainerRequest(container=asking("0", pod="first").container)
    )
    assert plugin.ledger.drifted == ()


def test_who_would_be_denied_now_is_not_told_to_delete_the_pod(
    specs: ReadSpecs, caplog: pytest.LogCaptureFixture
) -> None:
    rule = Rule(name="some", action=Action.ALLOW, devices=(f"{KIND}=1",))
    plugin = serving(specs, policy=closed(rule))
    with caplog.at_level(logging.WARNING):
        synchronize(
            plugin,
            existing(asking("0", pod="denied")),
            existing(asking("0", "1", pod="in-part")),
            existing(asking("1", pod="allowed")),
        )
    ends = [line.rpartition("away: ")[2] for line in caplog.messages]
    assert ends == [
        "the policy denies them to it, so it would be refused now",
        "the policy denies v.com/gpu=0, so it would be refused now",
        "delete the pod to mend it",
    ]


@pytest.mark.parametrize("mark", [RESOLVED_MARK, DELEGATED_MARK])
def test_a_mark_tells_what_a_container_got(specs: ReadSpecs, mark: str) -> None:
    """Its spec may be another one by now, or none at all."""
    plugin = serving(specs)
    names = f"{KIND}=0,{KIND}=gone"
    synchronize(plugin, existing(asking("0", "gone"), **{mark: names}))
    assert plugin.ledger.drifted == ()
    assert [each.devices for each in plugin.holders.all()] == [
        (f"{KIND}=0", f"{KIND}=gone")
    ]


def test_a_device_of_no_spec_that_no_mark_names_was_not_given(
    specs: ReadSpecs,
) -> None:
    plugin = serving(specs)
    synchronize(plugin, existing(asking("gone"), "/dev/null"))
    [drifted] = plugin.ledger.drifted
    assert drifted.lacks == (f"{KIND}=gone",)


def test_a_request_that_can_not_be_read_is_found_too(specs: ReadSpecs) -> None:
    plugin = serving(specs)
    request = asking()
    request.pod.annotations["cdi.k8s.io/gpu"] = "gpu0"
    synchronize(plugin, existing(request))
    [drifted] = plugin.ledger.drifted
    assert "cdi.k8s.io/gpu" in drifted.lacks[0]


def test_what_is_there_is_looked_at_once_the_specs_are_read(specs: ReadSpecs) -> None:
    plugin = serving(specs)
    specs.loaded = False
    synchronize(
        plugin,
        existing(asking("0", pod="a")),
        existing(asking("1", pod="b"), "/dev/zero"),
        existing(asking("1", pod="c")),
    )
    assert not plugin.ledger.drifted_total
    assert len(plugin.holders.all()) == 3
    plugin.stop_container(api.StopContainerRequest(container=asking(pod="c").container))
    specs.loaded = True
    plugin.take_stock()
    assert [each.pod for each in plugin.ledger.drifted] == ["a"]
    assert plugin.holders.of(f"{KIND}=0") == ()
    assert [each.pod for each in plugin.holders.of(f"{KIND}=1")] == ["b"]


def test_each_synchronization_starts_anew(specs: ReadSpecs) -> None:
    plugin = serving(specs)
    plugin.create_container(asking("0", pod="first"))
    synchronize(plugin, existing(asking("1", pod="second"), "/dev/zero"))
    assert [each.pod for each in plugin.holders.all()] == ["second"]


# Two instances, and validation


def seen_after(
    request: api.CreateContainerRequest, answer: object
) -> api.CreateContainerRequest:
    """A request as the runtime shows it to a second instance, after the first one."""
    assert isinstance(answer, api.CreateContainerResponse)
    second = api.CreateContainerRequest()
    second.CopyFrom(request)
    second.container.env.extend(f"{e.key}={e.value}" for e in answer.adjust.env)
    second.container.annotations.update(answer.adjust.annotations)
    return second


def test_what_another_instance_has_given_is_not_given_again(specs: ReadSpecs) -> None:
    first, second = (serving(specs, exclusive=("*",)) for _ in range(2))
    request = asking("0")
    seen = seen_after(request, first.create_container(request))
    assert second.create_container(seen) is None
    assert "held by pod ns/pod-1" in refusal(second, asking("0", pod="other")).message


def test_what_another_instance_has_left_out_is_added(specs: ReadSpecs) -> None:
    """They may have other configurations; what both give is taken over."""
    request = asking("0")
    seen = seen_after(request, serving(specs).create_container(request))
    seen.pod.annotations["cdi.k8s.io/more"] = f"{KIND}=1"
    seen.container.env.append("GPU_1=yes")
    answer = serving(specs).create_container(seen)
    assert given_env(answer) == {"GPU_1", "-GPU_1"}


def test_the_policy_of_the_second_instance_counts_too(specs: ReadSpecs) -> None:
    request = asking("0")
    seen = seen_after(request, serving(specs).create_container(request))
    refusal(serving(specs, policy=closed()), seen)


def test_what_another_instance_has_delegated_is_not_given_again(
    specs: ReadSpecs,
) -> None:
    plugin = serving(specs)
    request = asking("0", "1")
    request.container.annotations[DELEGATED_MARK] = f"{KIND}=0"
    assert given_env(plugin.create_container(request)) == {"GPU_1"}


def test_who_delegates_leaves_what_another_instance_has_resolved(
    specs: ReadSpecs,
) -> None:
    plugin = serving(specs, injection="delegate")
    request = asking("0", "1")
    request.container.annotations[RESOLVED_MARK] = f"{KIND}=0"
    answer = plugin.create_container(request)
    assert isinstance(answer, api.CreateContainerResponse)
    assert [each.name for each in answer.adjust.CDI_devices] == [f"{KIND}=1"]


SUBSCRIBED = (
    ("false", {"create_container"}),
    ("true", {"create_container", "validate_container_adjustment"}),
    ("only", {"validate_container_adjustment"}),
)


@pytest.mark.parametrize(("validate", "events"), SUBSCRIBED)
def test_the_configuration_decides_what_the_plugin_hears_of(
    specs: ReadSpecs, validate: str, events: set[str]
) -> None:
    always = {"stop_container", "remove_container", "stop_pod_sandbox"}
    plugin = CdiPlugin(specs, Config(validate=validate))
    assert plugin.subscription == subscription(events | always)


def validated(
    plugin: CdiPlugin,
    creation: api.CreateContainerRequest,
    adjust: api.ContainerAdjustment | None = None,
) -> str:
    """Why an adjustment is rejected; "" if it is not."""
    answer = plugin.validate_container_adjustment(
        api.ValidateContainerAdjustmentRequest(
            pod=creation.pod, container=creation.container, adjust=adjust
        )
    )
    assert not isinstance(answer, Awaitable)
    if answer is None:
        return ""
    assert answer.reject
    return answer.reason


def test_a_container_with_all_it_asks_for_passes_validation(specs: ReadSpecs) -> None:
    plugin = serving(specs, "2.2.1", validate="true")
    request = asking("0")
    response = plugin.create_container(request)
    assert isinstance(response, api.CreateContainerResponse)
    assert validated(plugin, request, response.adjust) == ""
    assert validated(plugin, asking(pod="other")) == ""


def test_a_container_without_what_it_asks_for_is_rejected(specs: ReadSpecs) -> None:
    plugin = serving(specs, "2.2.1", validate="true")
    request = asking("0", "1")
    response = plugin.create_container(asking("0", pod="other"))
    assert isinstance(response, api.CreateContainerResponse)
    reason = validated(plugin, request, response.adjust)
    assert reason.startswith(
        "nri-cdi: it would be created without devices that it asks for: device "
        "v.com/gpu=1 ("
    )
    assert "no device node '/dev/zero', no variable 'GPU_1'" in reason
    assert reason.endswith("; asked for by annotation cdi.k8s.io/gpu")
    assert plugin.ledger.requests[Result.REJECTED] == 1


def test_a_rejected_container_holds_nothing(specs: ReadSpecs) -> None:
    plugin = serving(specs, "2.2.1", validate="true", exclusive=("*",))
    request = asking("0")
    plugin.create_container(request)
    assert validated(plugin, request)
    assert given_env(plugin.create_container(asking("0", pod="pod-2"))) == {"GPU_0"}


def test_a_delegated_device_passes_validation(specs: ReadSpecs) -> None:
    plugin = serving(specs, "2.2.1", validate="only")
    adjust = api.ContainerAdjustment()
    adjust.CDI_devices.add(name=f"{KIND}=0")
    assert validated(plugin, asking("0"), adjust) == ""


def test_a_request_that_can_not_be_read_is_rejected(specs: ReadSpecs) -> None:
    plugin = serving(specs, "2.2.1", validate="only")
    request = asking()
    request.pod.annotations["cdi.k8s.io/gpu"] = "gpu0"
    assert "annotation 'cdi.k8s.io/gpu'" in validated(plugin, request)


# Other runtimes, other terms


def test_docker_is_refused_in_words(
    specs: ReadSpecs, caplog: pytest.LogCaptureFixture
) -> None:
    plugin = CdiPlugin(specs)
    docker = api.ConfigureRequest(runtime_name="docker", runtime_version="29.7.2")
    with caplog.at_level(logging.ERROR):
        plugin.configure(RuntimeInfo.from_configure(docker), "")
    assert "docker run --device" in caplog.text
    request = api.CreateContainerRequest()
    request.container.name = "web"
    assert plugin.create_container(request) is None
    request.container.annotations["cdi.k8s.io/gpu"] = f"{KIND}=0"
    message = refusal(plugin, request).message
    assert "docker run --device vendor.com/class=name" in message


def test_a_variable_asks_where_the_configuration_says_so(specs: ReadSpecs) -> None:
    request = asking()
    request.container.env.append("VISIBLE=0,1")
    assert serving(specs).create_container(request) is None
    plugin = serving(specs, environment=(("VISIBLE", KIND),))
    assert given_env(plugin.create_container(request)) == {"GPU_0", "GPU_1"}
    plugin.use(Config(environment=(("VISIBLE", KIND),), policy=closed()))
    assert "variable VISIBLE" in refusal(plugin, request).message


def test_with_a_broken_configuration_nobody_gets_anything(specs: ReadSpecs) -> None:
    broken = ConfigError("c", [Problem(rule="r", message="no")])
    plugin = CdiPlugin(specs, broken=broken)
    plugin.configure(RuntimeInfo.from_configure(containerd("2.1.9")), "")
    assert "its configuration is mended" in refusal(plugin, asking("0")).message
    assert plugin.create_container(asking()) is None


def test_with_a_broken_configuration_every_way_to_ask_is_refused(
    specs: ReadSpecs,
) -> None:
    broken = ConfigError("c", [Problem(rule="r", message="no")])
    plugin = CdiPlugin(specs, broken=broken)
    request = asking()
    request.pod.annotations["nvidia.cdi.k8s.io/pod"] = f"{KIND}=0"
    assert "its configuration is mended" in refusal(plugin, request).message


def test_a_pod_can_not_have_the_plugins_own_marks(specs: ReadSpecs) -> None:
    """Where a runtime passes them on, it would seem to have its devices already."""
    plugin = serving(specs)
    for mark in (RESOLVED_MARK, DELEGATED_MARK):
        request = asking("0")
        request.pod.annotations[mark] = f"{KIND}=0"
        assert (
            "are the plugin's: a pod can't have them"
            in refusal(plugin, request).message
        )


def test_what_a_variable_asked_for_is_held_after_a_restart_too(
    specs: ReadSpecs,
) -> None:
    """Its value may be another one by then: specs set it to void."""
    plugin = serving(specs, exclusive=("*",), environment=(("VISIBLE", KIND),))
    request = asking(pod="first")
    request.container.env.append("VISIBLE=void")
    synchronize(plugin, existing(request, **{RESOLVED_MARK: f"{KIND}=0"}))
    assert "held by pod ns/first" in refusal(plugin, asking("0", pod="second")).message


def test_an_audit_by_default_has_a_name(specs: ReadSpecs) -> None:
    plugin = serving(specs, policy=Policy(default=Action.AUDIT))
    plugin.create_container(asking("0"))
    assert plugin.ledger.audited_by_rule == {"(default)": 1}


OLDER = (("true", True), ("only", False))


@pytest.mark.parametrize(("validate", "serves"), OLDER)
def test_a_runtime_that_asks_for_no_validation_is_named(
    specs: ReadSpecs,
    caplog: pytest.LogCaptureFixture,
    validate: str,
    serves: bool,
) -> None:
    plugin = CdiPlugin(specs, Config(validate=validate))
    older = RuntimeInfo.from_configure(containerd("2.1.9"))
    if serves:
        plugin.configure(older, "")
    else:
        with pytest.raises(RpcError, match="asks no plugin to validate"):
            plugin.configure(older, "")
        plugin.disconnected("the runtime closed the connection")
        assert "asks no plugin to validate" in plugin.ledger.link.reason
    assert f"validate is {validate}, but containerd 2.1.9 (NRI 0.8)" in caplog.text


def test_long_names_are_kept_in_part(specs: ReadSpecs) -> None:
    plugin = serving(specs, policy=closed())
    request = asking(*("x" * 200 + str(number) for number in range(1000)))
    refusal(plugin, request)
    [decision] = plugin.ledger.decisions
    assert len(decision.devices) == 64
