"""Who may have what, on a real runtime: policy, exclusive devices, drift, reloading."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import specs
from tests.e2e.node import Node, asking
from tests.e2e.pluginprocess import SERVING

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
    furnished.plugin.await_line("to be looked at by policy rule look")


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
        furnished.plugin.start()
        line = furnished.plugin.await_line("runs without devices")
        assert "container without" in line
        assert f"{KIND}=0" in line
        furnished.plugin.await_serving()
        # What it has not got is free.
        second.create()


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
