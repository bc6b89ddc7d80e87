"""The plugin against odd orders of events, odd pods, and other plugins."""

from __future__ import annotations

import asyncio
import json
import logging
import tracemalloc
from collections.abc import Awaitable
from pathlib import Path

import pytest

from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.registry import Registry
from nri_cdi.config import Config
from nri_cdi.injection import DELEGATED_MARK, RESOLVED_MARK
from nri_cdi.ledger import Result
from nri_cdi.nri import api
from nri_cdi.plugin import CdiPlugin
from nri_cdi.policy import Action, Judge, Policy, Rule
from nri_cdi.ttrpc.status import Code, RpcError
from tests.unit.test_plugin_terms import (
    KIND,
    ReadSpecs,
    asking,
    closed,
    existing,
    given_env,
    refusal,
    serving,
    synchronize,
    validated,
)

NODES = {"0": ["/dev/null"], "1": ["/dev/zero"], "all": ["/dev/null", "/dev/zero"]}
GROUPED = "v.com/grouped=g"
DENIES_0 = Rule(name="no-0", action=Action.DENY, devices=(f"{KIND}=0",))


def write_specs(folder: Path, nodes: dict[str, list[str]]) -> ReadSpecs:
    gpu = {
        "cdiVersion": "0.6.0",
        "kind": KIND,
        "containerEdits": {"env": ["GPUS=yes"]},
        "devices": [
            {
                "name": name,
                "containerEdits": {
                    "deviceNodes": [{"path": path} for path in paths],
                    "env": [f"GPU_{name}=yes"],
                },
            }
            for name, paths in nodes.items()
        ],
    }
    grouped = {
        "cdiVersion": "0.7.0",
        "kind": "v.com/grouped",
        "containerEdits": {
            "env": ["GROUPED=yes"],
            "mounts": [{"hostPath": "/srv", "containerPath": "/srv"}],
        },
        "devices": [{"name": "g", "containerEdits": {"additionalGids": [4242]}}],
    }
    (folder / "gpu.json").write_text(json.dumps(gpu))
    (folder / "grouped.json").write_text(json.dumps(grouped))
    return ReadSpecs(Cache([str(folder)]).snapshot())


@pytest.fixture
def specs(tmp_path: Path) -> ReadSpecs:
    return write_specs(tmp_path, NODES)


def of_kubelet(
    request: api.CreateContainerRequest, *devices: str
) -> api.CreateContainerRequest:
    """The same container, with devices that the kubelet has it get."""
    for device in devices:
        request.container.CDI_devices.add(name=f"{KIND}={device}")
    return request


def marked(
    request: api.CreateContainerRequest, mark: str, *devices: str
) -> api.CreateContainerRequest:
    """The same container, as another instance of the plugin has left it."""
    request.container.annotations[mark] = ",".join(f"{KIND}={each}" for each in devices)
    return request


def stopped(request: api.CreateContainerRequest) -> api.StopContainerRequest:
    return api.StopContainerRequest(pod=request.pod, container=request.container)


# Exclusive devices


def test_what_the_kubelet_gives_is_not_refused_beside_what_a_pod_asks_for(
    specs: ReadSpecs,
) -> None:
    plugin = serving(specs, exclusive=("*",))
    plugin.create_container(asking("0", pod="first"))
    second = of_kubelet(asking("1", pod="second"), "0")
    assert given_env(plugin.create_container(second)) == {"GPU_1"}
    assert [each.pod for each in plugin.holders.of(f"{KIND}=0")] == ["first", "second"]


def test_devices_are_exclusive_from_the_reload_on_by_any_name(
    specs: ReadSpecs,
) -> None:
    plugin = serving(specs)
    plugin.create_container(asking("0", pod="first"))
    plugin.use(Config(exclusive=(f"{KIND}=*",)))
    error = refusal(plugin, asking("all", pod="second"))
    assert "(as v.com/gpu=0)" in error.message


def test_a_renamed_device_is_held_under_its_new_name(
    specs: ReadSpecs, tmp_path: Path
) -> None:
    plugin = serving(specs, exclusive=("*",))
    plugin.create_container(asking("0", pod="first"))
    specs.registry = write_specs(tmp_path, {"renamed": NODES["0"]}).registry
    specs.version += 1
    error = refusal(plugin, asking("renamed", pod="second"))
    assert "(as v.com/gpu=0)" in error.message


def test_a_pod_that_is_stopped_holds_nothing(specs: ReadSpecs) -> None:
    """A container that could not be started has no stop event of its own."""
    plugin = serving(specs, exclusive=("*",))
    first = asking("0", pod="first")
    other = asking("1", pod="other")
    for request in (first, other):
        plugin.create_container(request)
    plugin.stop_pod_sandbox(api.StopPodSandboxRequest(pod=first.pod))
    assert given_env(plugin.create_container(asking("0", pod="second")))
    refusal(plugin, asking("1", pod="third"))


def test_a_pod_whose_sandbox_is_new_still_holds(specs: ReadSpecs) -> None:
    """The runtime says of the old sandbox that it is stopped, maybe again."""
    plugin = serving(specs, exclusive=("*",))
    request = asking("0", pod="first")
    old = api.PodSandbox()
    old.CopyFrom(request.pod)
    request.pod.id = request.container.pod_sandbox_id = "sandbox-new"
    plugin.create_container(request)
    plugin.stop_pod_sandbox(api.StopPodSandboxRequest(pod=old))
    assert "held by pod ns/first" in refusal(plugin, asking("0", pod="second")).message


def test_a_rejected_container_holds_nothing(specs: ReadSpecs) -> None:
    plugin = serving(specs, "2.2.1", validate="true", exclusive=("*",))
    first = asking("0", pod="first")
    plugin.create_container(first)
    assert validated(plugin, first)
    assert plugin.holders.all() == ()


def test_what_another_instance_gave_by_a_variable_is_held_here_too(
    specs: ReadSpecs,
) -> None:
    """The device has set the variable to void, so nothing seems to be asked for."""
    plugin = serving(specs, exclusive=("*",), environment=(("VISIBLE", KIND),))
    first = marked(asking(pod="first"), RESOLVED_MARK, "0")
    first.container.env.append("VISIBLE=void")
    assert plugin.create_container(first) is None
    assert "held by pod ns/first" in refusal(plugin, asking("0", pod="second")).message


def test_a_survivor_does_not_take_the_place_of_its_successor(
    specs: ReadSpecs,
) -> None:
    plugin = serving(specs, exclusive=("*",))
    specs.loaded = False
    synchronize(plugin, existing(asking("0", pod="first"), "/dev/null"))
    successor = of_kubelet(asking(pod="first"), "1")
    successor.container.id = "successor"
    plugin.create_container(successor)
    specs.loaded = True
    plugin.take_stock()
    assert [each.container_id for each in plugin.holders.all()] == ["successor"]


ORDERS = (
    ("stop and remove", ("stop", "remove")),
    ("remove alone", ("remove",)),
    ("remove, then a late stop", ("remove", "stop")),
    ("stop twice", ("stop", "stop")),
)


@pytest.mark.parametrize(
    "events", [events for _, events in ORDERS], ids=[name for name, _ in ORDERS]
)
def test_events_about_the_container_before_do_not_free_its_successors_device(
    specs: ReadSpecs, events: tuple[str, ...]
) -> None:
    plugin = serving(specs, exclusive=("*",))
    before, after = asking("0", pod="first"), asking("0", pod="first")
    after.container.id = "attempt-1"
    for request in (before, after):
        assert given_env(plugin.create_container(request))
    for event in events:
        getattr(plugin, f"{event}_container")(stopped(before))
    refusal(plugin, asking("0", pod="second"))
    for event in events:
        getattr(plugin, f"{event}_container")(stopped(after))
    assert plugin.holders.all() == ()


def test_two_containers_of_one_pod_do_not_share_an_exclusive_device(
    specs: ReadSpecs,
) -> None:
    plugin = serving(specs, exclusive=("*",))
    init, main = (asking("0", container=name) for name in ("init", "main"))
    plugin.create_container(init)
    assert "container init" in refusal(plugin, main).message
    plugin.stop_container(stopped(init))
    assert given_env(plugin.create_container(main))


def test_pods_without_uid_do_not_free_each_others_devices(specs: ReadSpecs) -> None:
    plugin = serving(specs, exclusive=("*",))
    first, second = asking("0", pod="first"), asking("0", "1", pod="second")
    first.pod.uid = second.pod.uid = ""
    plugin.create_container(first)
    refusal(plugin, second)


# Policy


def test_what_another_instance_delegated_is_under_the_policy(specs: ReadSpecs) -> None:
    """Were the mark not its own, the pod would hold what it may not have."""
    policy = Policy(rules=(DENIES_0,))
    plugin = serving(specs, policy=policy, exclusive=("*",))
    error = refusal(plugin, marked(asking("0"), DELEGATED_MARK, "0"))
    assert error.code == Code.PERMISSION_DENIED
    assert plugin.holders.all() == ()


def test_what_another_instance_delegated_is_held(specs: ReadSpecs) -> None:
    plugin = serving(specs, exclusive=("*",))
    first = marked(asking("0", pod="first"), DELEGATED_MARK, "0")
    assert plugin.create_container(first) is None
    second = marked(asking("0", pod="second"), DELEGATED_MARK, "0")
    assert "held by pod ns/first" in refusal(plugin, second).message


def test_a_mark_that_comes_from_elsewhere_makes_no_holder(specs: ReadSpecs) -> None:
    """As from the image of a checkpoint, where the runtime restores annotations."""
    policy = closed(Rule(name="1", action=Action.ALLOW, devices=(f"{KIND}=1",)))
    variables = (("VISIBLE", KIND),)
    plugin = serving(specs, policy=policy, exclusive=("*",), environment=variables)
    for asks in (asking("1"), asking()):
        plugin.create_container(marked(asks, RESOLVED_MARK, "0", "all"))
        assert plugin.holders.of(f"{KIND}=0") == plugin.holders.of(f"{KIND}=all") == ()


class SlowSpecs(ReadSpecs):
    """Specs whose files are about to be read, as long as the test wants."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        self.read = asyncio.Event()

    def settling(self) -> Awaitable[None]:  # type: ignore[override]
        return self._settled()

    async def _settled(self) -> None:
        await self.read.wait()


async def answered_after(
    specs: ReadSpecs, before: Config, after: Config, request: api.CreateContainerRequest
) -> object:
    """The answer to a container that waits while the configuration changes."""
    slow = SlowSpecs(specs.registry)
    plugin = CdiPlugin(slow, before)
    answer = plugin.create_container(request)
    assert isinstance(answer, Awaitable)
    waiting = asyncio.ensure_future(answer)
    plugin.use(after)
    slow.read.set()
    return await waiting


def test_a_container_that_waits_comes_under_the_policy_of_its_answer(
    specs: ReadSpecs,
) -> None:
    deny, allow = Config(policy=closed()), Config()
    with pytest.raises(RpcError, match="no rule of the policy allows"):
        asyncio.run(answered_after(specs, allow, deny, asking("0")))


def test_a_container_that_waits_asks_in_the_words_of_its_answer(
    specs: ReadSpecs,
) -> None:
    request = asking()
    request.pod.annotations["nvidia.cdi.k8s.io"] = f"{KIND}=0"
    alias, none = Config(aliases=("nvidia.cdi.k8s.io",)), Config()
    assert asyncio.run(answered_after(specs, alias, none, request)) is None


def test_only_audited_devices_are_said_to_be_audited(
    specs: ReadSpecs, caplog: pytest.LogCaptureFixture
) -> None:
    rule = Rule(name="look", action=Action.AUDIT, devices=(f"{KIND}=1",))
    plugin = serving(specs, policy=Policy(rules=(rule,)))
    with caplog.at_level(logging.WARNING):
        plugin.create_container(asking("0", "1"))
    assert caplog.messages[0].endswith("rule look wants it audited: v.com/gpu=1")


def test_audited_devices_are_not_counted_when_another_one_is_denied(
    specs: ReadSpecs,
) -> None:
    look = Rule(name="look", action=Action.AUDIT)
    plugin = serving(specs, policy=Policy(rules=(DENIES_0, look)))
    refusal(plugin, asking("0", "1"))
    assert not plugin.ledger.audited_by_rule
    assert plugin.ledger.denied_by_rule == {"no-0": 1}


LOOKALIKES = (
    "v.com/gpu=*",
    "v.com/gpu=[0]",
    "v.com/gpu=?",
    "V.com/gpu=0",
    "v.com/GPU=0",
    "v.com/gpu=\N{FULLWIDTH DIGIT ZERO}",
    "v.com/gpu=0\N{ZERO WIDTH SPACE}",
    "v\N{ONE DOT LEADER}com/gpu=0",
    "v.com/gpu=0\n",
    "v.com/gpu=0=0",
    "v.com/gpu=../0",
)


@pytest.mark.parametrize("name", LOOKALIKES)
def test_no_other_spelling_of_a_denied_name_gets_its_device(
    specs: ReadSpecs, name: str
) -> None:
    plugin = serving(specs, policy=Policy(rules=(DENIES_0,)))
    request = asking()
    request.pod.annotations["cdi.k8s.io/gpu"] = name
    with pytest.raises(RpcError):
        asyncio.run(answered(plugin, request))


async def answered(plugin: CdiPlugin, request: api.CreateContainerRequest) -> object:
    answer = plugin.create_container(request)
    # For an unknown name the files are read again before it is refused.
    return await answer if isinstance(answer, Awaitable) else answer


def test_names_that_pods_make_up_take_no_memory() -> None:
    """Of the longest nothing is kept, and of others what fits."""
    rules = (Rule(name=f"r{n}", action=Action.DENY) for n in range(256))
    judge = Judge(closed(*rules))
    tracemalloc.start()
    try:
        for pod in range(8):
            names = tuple(f"v.com/gpu={pod}-{n}" + "x" * 250 for n in range(1024))
            judge.judgement("ns", "pod", {}, "", names)
            judge.judgement("ns", "pod", {}, "", (f"v.com/gpu={pod}" + "x" * 250_000,))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 512 * 1024 + 1024 * 250 * 2


def test_more_names_than_can_be_judged_in_time_are_refused(specs: ReadSpecs) -> None:
    rules = (
        Rule(name=f"r{n}", action=Action.ALLOW, devices=(f"v.com/{n}=*",))
        for n in range(1000)
    )
    plugin = serving(specs, policy=closed(*rules))
    many = asking(*(str(n) for n in range(201)))
    assert refusal(plugin, many).message == (
        "nri-cdi: 201 devices are too many for a policy that has 1000 patterns of "
        "devices: 200 are the most; asked for by annotation cdi.k8s.io/gpu"
    )
    fewer = asking(*(str(n) for n in range(200)))
    assert refusal(plugin, fewer).code == Code.PERMISSION_DENIED


# Containers that were there before


def test_a_container_without_its_devices_is_counted_once(specs: ReadSpecs) -> None:
    plugin = serving(specs)
    there = existing(asking("0", pod="first"))
    for _ in range(3):
        synchronize(plugin, there)
    assert plugin.ledger.drifted_total == 1
    synchronize(plugin, there, existing(asking("1", pod="second")))
    assert plugin.ledger.drifted_total == 2
    synchronize(plugin)
    assert plugin.ledger.drifted == ()


def test_a_synchronization_while_a_container_waits_keeps_its_answer(
    specs: ReadSpecs,
) -> None:
    async def run() -> None:
        slow = SlowSpecs(specs.registry)
        plugin = CdiPlugin(slow, Config(exclusive=("*",)))
        answer = plugin.create_container(asking("0", pod="second"))
        assert isinstance(answer, Awaitable)
        synchronize(plugin, existing(asking("0", pod="first"), "/dev/null"))
        slow.read.set()
        with pytest.raises(RpcError, match="held by pod ns/first"):
            await answer

    asyncio.run(run())


# Validation


def adjusted(
    plugin: CdiPlugin, request: api.CreateContainerRequest
) -> api.ContainerAdjustment:
    answer = plugin.create_container(request)
    assert isinstance(answer, api.CreateContainerResponse)
    return answer.adjust


def mixed() -> api.CreateContainerRequest:
    request = asking()
    request.pod.annotations["cdi.k8s.io/mixed"] = f"{KIND}=0,{GROUPED}"
    return request


def test_devices_delegated_and_resolved_side_by_side_pass(specs: ReadSpecs) -> None:
    plugin = serving(specs, "2.2.1", validate="true")
    adjust = adjusted(plugin, mixed())
    assert [each.name for each in adjust.CDI_devices] == [GROUPED]
    assert validated(plugin, mixed(), adjust) == ""


def test_a_group_that_only_the_runtime_can_add_is_missed(specs: ReadSpecs) -> None:
    plugin = serving(specs, "2.2.1", validate="only")
    request = asking()
    request.pod.annotations["cdi.k8s.io/g"] = GROUPED
    adjust = api.ContainerAdjustment()
    adjust.env.add(key="GROUPED", value="yes")
    adjust.mounts.add(destination="/srv")
    assert "no additional group 4242" in validated(plugin, request, adjust)
    request.container.user.additional_gids.append(4242)
    assert validated(plugin, request, adjust) == ""


def test_a_mount_that_a_plugin_took_away_is_missed(specs: ReadSpecs) -> None:
    plugin = serving(specs, "2.2.1", validate="only")
    request = asking()
    request.pod.annotations["cdi.k8s.io/g"] = GROUPED
    request.container.user.additional_gids.append(4242)
    request.container.mounts.add(destination="/srv")
    adjust = api.ContainerAdjustment()
    adjust.env.add(key="GROUPED", value="yes")
    assert validated(plugin, request, adjust) == ""
    adjust.mounts.add(destination="-/srv")
    assert "no mount '/srv'" in validated(plugin, request, adjust)
    adjust.mounts.add(destination="/srv")
    assert validated(plugin, request, adjust) == ""


def test_a_validator_that_is_behind_the_files_looks_again(
    specs: ReadSpecs, tmp_path: Path
) -> None:
    """The other instance has seen the change; this one is about to."""
    newer = write_specs(tmp_path, {"0": ["/dev/full"]})
    request = asking("0")
    adjust = adjusted(serving(newer, "2.2.1"), request)

    async def run() -> object:
        slow = SlowSpecs(specs.registry)
        plugin = serving(slow, "2.2.1", validate="only")
        answer = plugin.validate_container_adjustment(
            api.ValidateContainerAdjustmentRequest(
                pod=request.pod, container=request.container, adjust=adjust
            )
        )
        assert isinstance(answer, Awaitable)
        slow.registry = newer.registry
        slow.version += 1
        slow.read.set()
        return await answer

    assert asyncio.run(run()) is None


def test_a_validation_that_is_late_is_counted(specs: ReadSpecs) -> None:
    async def run() -> CdiPlugin:
        plugin = serving(SlowSpecs(specs.registry), "2.2.1", validate="only")
        request = asking("0")
        answer = plugin.validate_container_adjustment(
            api.ValidateContainerAdjustmentRequest(
                pod=request.pod, container=request.container
            )
        )
        assert isinstance(answer, Awaitable)
        waiting = asyncio.ensure_future(answer)
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        return plugin

    plugin = asyncio.run(run())
    assert plugin.ledger.requests == {Result.LATE: 1}
