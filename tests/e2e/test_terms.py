"""Who may have what, on a real runtime: policy, exclusive devices, drift, reloading."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.cri import CriError
from tests.e2e import specs
from tests.e2e.node import Container, Node, asking
from tests.e2e.pluginprocess import POLL_S, SERVING, PluginProcess

ENDED_S = 10

KIND = specs.KIND
SETTINGS = {
    "policy": {
        "default": "deny",
        "rules": [
            {
                "name": "no-all",
                "devices": [f"{KIND}=all"],
                "action": "deny",
            },
            {
                "name": "research",
                "namespaces": ["research-*"],
                "labels": {"team": "*"},
                "devices": [f"{KIND}=*"],
                "action": "allow",
            },
            {"name": "look", "namespaces": ["watched"], "action": "audit"},
        ],
    },
    "exclusive": [f"{KIND}=[0-9]"],
}
RESEARCH: Mapping[str, Any] = {
    "namespace": "research-a",
    "labels": {"team": "vision"},
}


@pytest.fixture
def settings() -> Mapping[str, Any]:
    return SETTINGS


@pytest.fixture
def furnished(node: Node) -> Node:
    """A node with devices 0 and 1, and one that is both."""
    nodes = {"0": ["null"], "1": ["zero"], "all": ["null", "zero"]}
    devices = {
        name: {
            **specs.env(**{f"GIVEN_{name}": "yes"}),
            "deviceNodes": [
                {"path": f"/dev/x{each}", "hostPath": f"/dev/{each}"} for each in paths
            ],
        }
        for name, paths in nodes.items()
    }
    specs.write(node.spec_dir / "devices.json", specs.spec(devices))
    return node


def test_a_rule_decides_who_gets_a_device(furnished: Node) -> None:
    request = asking(f"{KIND}=0")
    with furnished.pod(request, **RESEARCH) as pod:
        assert pod.run().env()["GIVEN_0"] == "yes"
    for settings in ({}, {"namespace": "research-a"}, {"labels": {"team": "vision"}}):
        with furnished.pod(request, **settings) as pod:
            refusal = pod.refused()
        assert f"no rule of the policy allows {KIND}=0" in refusal
        assert "asked for by annotation cdi.k8s.io/devices" in refusal
    with furnished.pod(asking(f"{KIND}=all"), **RESEARCH) as pod:
        assert f"the policy's rule 'no-all' denies {KIND}=all" in pod.refused()
    with furnished.pod(asking(f"{KIND}=0"), namespace="watched") as pod:
        pod.create()
    furnished.plugin.await_line("rule look wants it audited")


def test_an_exclusive_device_has_one_living_container(furnished: Node) -> None:
    request = asking(f"{KIND}=0")
    with (
        furnished.pod(request, **RESEARCH) as first,
        furnished.pod(request, **RESEARCH) as second,
    ):
        holder = first.run("holder")
        refusal = second.refused()
        assert f"{KIND}=0 is exclusive, and held by pod research-a/pod-" in refusal
        assert "container holder" in refusal
        furnished.cri.stop_container(holder.id)
        second.create("next")
        assert "container next" in first.refused("again")


def test_a_container_that_ends_by_itself_holds_nothing(furnished: Node) -> None:
    request = asking(f"{KIND}=1")
    with (
        furnished.pod(request, **RESEARCH) as first,
        furnished.pod(request, **RESEARCH) as second,
    ):
        brief = first.create(command=["/bin/true"])
        brief.start()
        furnished.cri.wait_exit(brief.id)
        second.create()


def killed(node: Node, container: Container) -> None:
    info = json.loads(node.cri.container_status(container.id).info["info"])
    os.kill(info["pid"], signal.SIGKILL)


def removed_with_its_pod(node: Node, container: Container) -> None:
    [pod_id] = [
        each.pod_sandbox_id
        for each in node.cri.list_containers()
        if each.id == container.id
    ]
    node.cri.remove_pod(pod_id)


def stopped_by_a_new_runtime(node: Node, container: Container) -> None:
    node.containerd.restart()
    node.plugin.await_serving()
    node.cri.stop_container(container.id)


ENDS = (killed, removed_with_its_pod, stopped_by_a_new_runtime)


@pytest.mark.parametrize("end", ENDS)
def test_a_device_is_free_however_its_container_ends(
    furnished: Node, end: Callable[[Node, Container], None]
) -> None:
    request = asking(f"{KIND}=0")
    with (
        furnished.pod(request, **RESEARCH) as first,
        furnished.pod(request, **RESEARCH) as second,
    ):
        holder = first.run("holder")
        assert "container holder" in second.refused()
        end(furnished, holder)
        eventually(second.create)


def eventually(create: Callable[[], Container]) -> Container:
    """A container, once the runtime has said that the one before it has ended."""
    deadline = time.monotonic() + ENDED_S
    while True:
        try:
            return create()
        except CriError:
            assert time.monotonic() < deadline, "its device is never free"
            time.sleep(POLL_S)


def test_a_container_that_can_not_start_holds_its_device_as_long_as_its_pod(
    furnished: Node,
) -> None:
    """The runtime says nothing of its end."""
    request = asking(f"{KIND}=0")
    with (
        furnished.pod(request, **RESEARCH) as first,
        furnished.pod(request, **RESEARCH) as second,
    ):
        failing = first.create(command=["/no/such/program"])
        with pytest.raises(CriError):
            failing.start()
        furnished.cri.stop_pod(first.id)
        second.create()


def test_a_container_that_another_plugin_refuses_holds_nothing(
    furnished: Node, tmp_path: Path
) -> None:
    """The other one is asked later, so that this one has given the device by then."""
    config = tmp_path / "other.yaml"
    config.write_text(yaml.safe_dump({"policy": {"default": "deny"}}))
    arguments = ["--socket", str(furnished.containerd.nri_socket)]
    arguments += ["--spec-dir", str(furnished.spec_dir), "--config", str(config)]
    other = PluginProcess(
        [*arguments, "--name", "other", "--index", "99"],
        log=tmp_path / "other.log",
        environment=furnished.containerd.environment,
    )
    request = asking(f"{KIND}=0")
    with (
        furnished.pod(request, **RESEARCH) as first,
        furnished.pod(request, **RESEARCH) as second,
    ):
        with other:
            other.await_serving()
            assert "other: no rule of the policy allows" in first.refused()
            furnished.plugin.await_line(f"injected {KIND}=0")
        second.create()


def test_holders_are_known_after_a_restart(furnished: Node) -> None:
    request = asking(f"{KIND}=0")
    with (
        furnished.pod(request, **RESEARCH) as first,
        furnished.pod(request, **RESEARCH) as second,
    ):
        holder = first.run("holder")
        furnished.plugin.stop()
        furnished.plugin.start()
        furnished.plugin.await_serving()
        assert "container holder" in second.refused()
        holder.remove()
        second.create()


def test_a_container_made_while_the_plugin_was_away_is_found(furnished: Node) -> None:
    request = asking(f"{KIND}=0")
    with (
        furnished.pod(request, **RESEARCH) as first,
        furnished.pod(request, **RESEARCH) as second,
    ):
        furnished.plugin.stop()
        without = first.run("without")
        assert "GIVEN_0" not in without.env()
        seen = len(furnished.plugin.log_text())
        furnished.plugin.start()
        line = furnished.plugin.await_line("runs without devices")
        # That may come before it or after it: the specs are read meanwhile.
        await_text(furnished, SERVING, seen)
        assert "container without" in line
        assert f"{KIND}=0" in line
        # What it has not got is free.
        second.create()


def await_text(node: Node, text: str, seen: int) -> None:
    """Wait for a text in the plugin's log behind its first ``seen`` characters."""
    deadline = time.monotonic() + ENDED_S
    while text not in node.plugin.log_text()[seen:]:
        assert time.monotonic() < deadline, f"no {text!r}"
        time.sleep(POLL_S)


def change(config_file: Path, **settings: Any) -> None:
    config_file.write_text(yaml.safe_dump({**SETTINGS, **settings}))


def test_sighup_takes_the_new_configuration(furnished: Node, config_file: Path) -> None:
    request = asking(f"{KIND}=0")
    with furnished.pod(request) as pod:
        pod.refused()
        change(config_file, policy={"default": "allow"})
        furnished.plugin.send(signal.SIGHUP)
        furnished.plugin.await_line("the configuration is read again")
        pod.create()


def test_a_bad_configuration_leaves_the_old_one_in_force(
    furnished: Node, config_file: Path
) -> None:
    config_file.write_text("policy:\n  default: alow\n")
    furnished.plugin.send(signal.SIGHUP)
    line = furnished.plugin.await_line("alow")
    assert f"{config_file}:2:" in line
    furnished.plugin.await_line("the configuration stays as it was")
    with furnished.pod(asking(f"{KIND}=0")) as pod:
        assert "no rule of the policy allows" in pod.refused()
    change(config_file, policy={"default": "allow"}, index="77")
    furnished.plugin.send(signal.SIGHUP)
    furnished.plugin.await_line("take a restart: index")
    with furnished.pod(asking(f"{KIND}=0")) as pod:
        pod.create()
    assert furnished.plugin.log_text().count(SERVING) == 1


def test_the_last_sighup_counts_while_a_long_file_is_read(
    furnished: Node, config_file: Path
) -> None:
    rules = [
        {
            "name": f"r{number}",
            "namespaces": [f"ns-{number}-{each}" for each in range(20)],
            "action": "allow" if number % 2 else "deny",
        }
        for number in range(1000)
    ]
    last = yaml.safe_dump({"policy": {"default": "allow"}})
    change(config_file, policy={"default": "deny", "rules": rules})
    furnished.plugin.send(signal.SIGHUP)
    furnished.plugin.await_line("SIGHUP")
    config_file.write_text(last)
    furnished.plugin.send(signal.SIGHUP)
    for _ in range(2):
        furnished.plugin.await_line("the configuration is read again")
    with furnished.pod(asking(f"{KIND}=0")) as pod:
        pod.create()


def test_what_was_shared_until_now_is_exclusive_for_the_next(
    furnished: Node, config_file: Path
) -> None:
    change(config_file, exclusive=[])
    furnished.plugin.send(signal.SIGHUP)
    furnished.plugin.await_line("the configuration is read again")
    with (
        furnished.pod(asking(f"{KIND}=0"), **RESEARCH) as first,
        furnished.pod(asking(f"{KIND}=all"), namespace="watched") as second,
    ):
        first.create("one")
        change(config_file, policy={"default": "allow"})
        furnished.plugin.send(signal.SIGHUP)
        furnished.plugin.await_line("the configuration is read again")
        assert f"container one (as {KIND}=0)" in second.refused()
