"""What ``nri-cdi explain`` says of a pod, and what a runtime then makes of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import specs
from tests.e2e.node import Node
from tests.e2e.pluginprocess import PROGRAM

KIND = specs.KIND
LIMIT_S = 30

MARK = "nri-cdi/resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A pod with one container, as a manifest and a runtime's client have it."""

    annotations: Mapping[str, str]
    namespace: str = "research"
    labels: Mapping[str, str]
    env: Mapping[str, str]
    result: str

    def manifest(self) -> dict[str, Any]:
        env = [{"name": name, "value": value} for name, value in self.env.items()]
        return {
            "kind": "Pod",
            "metadata": {
                "name": "train",
                "namespace": self.namespace,
                "annotations": self.annotations,
                "labels": self.labels,
            },
            "spec": {"containers": [{"name": "main", "env": env}]},
        }


def asked(
    *devices: str,
    result: str = "injected",
    namespace: str = "research",
    key: str = "cdi.k8s.io/gpu",
    team: str = "vision",
    **env: str,
) -> Asked:
    names = ",".join(f"{KIND}={device}" for device in devices)
    return Asked(
        annotations={key: names} if devices else {},
        namespace=namespace,
        labels={"team": team},
        env=env,
        result=result,
    )


CASES = {
    "given": asked("0"),
    "audited": asked("0", namespace="watched"),
    "several": asked("0", "1"),
    "by-alias": asked("1", key="nvidia.cdi.k8s.io/container.main"),
    "by-variable": asked(GPUS="0,1"),
    "by-both": asked("0", GPUS="0,1"),
    "nothing": asked(GPUS="void", result="nothing"),
    "denied": asked("all", result="refused"),
    "not-allowed": asked("0", namespace="other", result="refused"),
    "another-team": asked("0", team="audio", result="refused"),
    "unknown": asked("9", result="refused"),
    "unreadable": asked("a b", result="refused"),
    "a-variable-unreadable": asked(GPUS="0,none", result="refused"),
    "no-node": asked("gone", result="refused"),
    "held": asked("held", result="refused"),
}


@pytest.fixture
def settings(tmp_path: Path) -> Mapping[str, Any]:
    return {
        "status": str(tmp_path / "status.sock"),
        "aliases": ["nvidia.cdi.k8s.io"],
        "environment": {"GPUS": KIND},
        "exclusive": [f"{KIND}=held"],
        "policy": {
            "default": "deny",
            "rules": [
                {"name": "no-all", "devices": [f"{KIND}=all"], "action": "deny"},
                {"name": "watched", "namespaces": ["watched"], "action": "audit"},
                {
                    "name": "research",
                    "namespaces": ["research"],
                    "labels": {"team": "v*"},
                    "action": "allow",
                },
            ],
        },
    }


@pytest.fixture
def furnished(node: Node) -> Iterator[Node]:
    """A node with some devices, of which one is held by a container."""
    null = {"path": "/dev/x0", "hostPath": "/dev/null"}
    gone = {"path": "/dev/gone", "hostPath": str(node.folder / "gone")}
    devices = {
        "0": {**specs.env(GPU_0="yes"), "deviceNodes": [null]},
        "1": specs.env(GPU_1="yes"),
        "all": specs.env(GPU_ALL="yes"),
        "gone": {"deviceNodes": [gone]},
        "held": specs.env(HELD="yes"),
    }
    specs.write(node.spec_dir / "devices.json", specs.spec(devices))
    holding = asked("held")
    with node.pod(
        holding.annotations, namespace=holding.namespace, labels=holding.labels
    ) as pod:
        pod.run("holder")
        yield node


def explained(node: Node, asking: Asked) -> dict[str, Any]:
    """What the verb says of the container, for the runtime that the plugin has."""
    flags = ["--config", "config.yaml", "--spec-dir", str(node.spec_dir)]
    ran = subprocess.run(
        [PROGRAM, "explain", "-", "-o", "json", *flags],
        input=json.dumps(asking.manifest()),
        cwd=node.folder,
        env=node.containerd.environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert ran.stderr == ""
    assert ran.returncode == (asking.result == "refused")
    value = json.loads(ran.stdout)
    runtime = node.runtime
    assert value["runtime"] == {
        "name": runtime.name,
        "version": runtime.version,
        "nriVersion": ".".join(map(str, runtime.nri_version)),
    }
    [container] = value["pods"][0]["containers"]
    found: dict[str, Any] = container
    return found


def test_what_is_explained_is_what_happens(furnished: Node) -> None:
    # One test for all: a runtime takes longer to start than they do.
    for name, asking in CASES.items():
        told = explained(furnished, asking)
        assert told["result"] == asking.result, name
        with furnished.pod(
            asking.annotations, namespace=asking.namespace, labels=asking.labels
        ) as pod:
            if asking.result == "refused":
                assert pod.refused(env=asking.env) == told["kubeletError"], name
                continue
            config = pod.create(env=asking.env).config()
        assert told["annotations"].get(MARK) == config["annotations"].get(MARK), name
        given = {entry for entry in config["process"]["env"] if "GPU_" in entry}
        assert given == set(told["env"]), name
        devices = config["linux"].get("devices", ())
        nodes = {each["path"]: each for each in devices}
        assert {each["path"] for each in told["devices"]} == {
            path for path in nodes if path.startswith("/dev/x")
        }, name
        for node in told["devices"]:
            assert node.items() <= nodes[node["path"]].items(), name
