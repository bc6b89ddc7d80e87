"""Requests in other plugins' annotations, and in variables of the container itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.containerd import Containerd
from tests.e2e import specs
from tests.e2e.node import Node, Pod
from tests.e2e.pluginprocess import PluginProcess

KIND = "vendor.test/gpu"
ONE, TWO, ALL = (f"{KIND}={name}" for name in ("one", "two", "all"))
NEW, OLD = "cdi-devices.noderesource.dev", "cdi-devices.nri.io"
NVIDIA = "nvidia.cdi.k8s.io"
VISIBLE = "NVIDIA_VISIBLE_DEVICES"

Start = Callable[[Mapping[str, Any]], Node]


@pytest.fixture
def start(containerd: Containerd, spec_dir: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts the plugin with settings in its file, on a node that has some devices."""
    devices = {name: {"env": [f"{name.upper()}=yes"]} for name in ("one", "two", "all")}
    specs.write(spec_dir / "gpu.json", specs.spec(devices, kind=KIND))
    with ExitStack() as stack:

        def started(settings: Mapping[str, Any]) -> Node:
            path = tmp_path / "config.yaml"
            where = {"socket": str(containerd.nri_socket), "spec_dirs": [str(spec_dir)]}
            path.write_text(yaml.safe_dump({**where, **settings}))
            plugin = PluginProcess(
                ["--config", str(path)],
                log=tmp_path / "plugin.log",
                environment=containerd.environment,
            )
            stack.enter_context(plugin).await_serving()
            return Node(
                containerd=containerd,
                plugin=plugin,
                spec_dir=spec_dir,
                folder=tmp_path,
            )

        yield started


def given(pod: Pod, name: str = "main", **settings: Any) -> set[str]:
    """The variables that devices have left in a new container of the pod."""
    env = pod.create(name, **settings).config()["process"]["env"]
    return {
        name
        for name, _, value in (each.partition("=") for each in env)
        if value == "yes"
    }


def listed(*devices: str) -> str:
    return "".join(f"- {device}\n" for device in devices)


def comma_separated(*devices: str) -> str:
    return ", ".join(devices)


ALIASES = [(NEW, listed), (OLD, listed), (NVIDIA, comma_separated)]


@pytest.mark.parametrize(("alias", "value"), ALIASES)
def test_an_alias_that_is_on_asks_for_devices(
    start: Start, alias: str, value: Callable[..., str]
) -> None:
    node = start({"aliases": [alias]})
    annotations = {
        f"{alias}/container.own": value(TWO, ONE, TWO),
        f"{alias}/pod": value(ONE),
        alias: value(ALL),
    }
    with node.pod(annotations) as pod:
        assert given(pod, "own") == {"ONE", "TWO"}
        assert given(pod, "other") == {"ONE"}
    with node.pod({alias: value(ALL)}) as pod:
        assert given(pod) == {"ALL"}


def test_what_is_off_asks_for_nothing_and_harms_nothing(start: Start) -> None:
    node = start({})
    annotations = {NEW: listed(ONE), OLD: "{", f"{NVIDIA}/pod": "no device"}
    with node.pod(annotations) as pod:
        assert given(pod, env={VISIBLE: "all"}) == set()
    with node.pod({**annotations, "cdi.k8s.io/gpu": TWO}) as pod:
        assert given(pod, env={VISIBLE: "!"}) == {"TWO"}


def test_the_example_of_the_device_injector_works_as_it_stands(start: Start) -> None:
    """Source: NRI, plugins/device-injector/README.md, CDI device annotations."""
    node = start({"aliases": [NEW, OLD]})
    for vendor, names in (
        ("vendor0", ("null", "zero", "dev0", "all")),
        ("vendor1", ("dev0", "dev1")),
    ):
        devices = {name: {"env": [f"{vendor}_{name}=yes"]} for name in names}
        spec = specs.spec(devices, kind=f"{vendor}.com/device")
        specs.write(node.spec_dir / f"{vendor}.json", spec)
    annotations = {
        f"{NEW}/container.c0": "- vendor0.com/device=null\n",
        f"{NEW}/container.c1": "- vendor0.com/device=zero\n",
        f"{NEW}/container.c2": (
            "- vendor0.com/device=dev0\n"
            "- vendor1.com/device=dev0\n"
            "- vendor1.com/device=dev1\n"
        ),
        f"{NEW}/container.mgmt": "- vendor0.com/device=all\n",
    }
    with node.pod(annotations) as pod:
        assert {name: given(pod, name) for name in ("c0", "c1", "c2", "mgmt", "x")} == {
            "c0": {"vendor0_null"},
            "c1": {"vendor0_zero"},
            "c2": {"vendor0_dev0", "vendor1_dev0", "vendor1_dev1"},
            "mgmt": {"vendor0_all"},
            "x": set(),
        }


def test_a_device_that_is_asked_for_in_every_way_comes_once(start: Start) -> None:
    node = start({"aliases": [NVIDIA, OLD, NEW], "environment": {VISIBLE: KIND}})
    annotations = {"cdi.k8s.io/a": ONE, NEW: listed(ONE), NVIDIA: ONE}
    with node.pod(annotations) as pod:
        env = pod.create(env={VISIBLE: "one"}).config()["process"]["env"]
    assert env.count("ONE=yes") == 1


@pytest.mark.parametrize(
    ("value", "devices"),
    [
        ("one", {"ONE"}),
        ("one, two", {"ONE", "TWO"}),
        ("all", {"ALL"}),
        (TWO, {"TWO"}),
        ("none", set()),
        ("void", set()),
        ("", set()),
    ],
)
def test_a_variable_asks_for_devices_of_its_kind(
    variable: Node, value: str, devices: set[str]
) -> None:
    with variable.pod() as pod:
        assert given(pod, env={VISIBLE: value}) == devices


@pytest.fixture
def variable(start: Start) -> Node:
    return start({"environment": {VISIBLE: KIND}})


def test_a_variable_and_an_annotation_add_up(variable: Node) -> None:
    with variable.pod({"cdi.k8s.io/gpu": TWO}) as pod:
        assert given(pod, "one", env={VISIBLE: "one"}) == {"ONE", "TWO"}
        assert given(pod, "none", env={VISIBLE: "none"}) == {"TWO"}
        assert given(pod, "unset") == {"TWO"}


@pytest.mark.parametrize(
    ("annotations", "env", "message"),
    [
        (
            {f"{OLD}/container.main": ONE},
            {},
            f"annotation '{OLD}/container.main': line 1, column 1: it takes a YAML "
            "list of device names",
        ),
        (
            {OLD: "- &a x\n- *a\n"},
            {},
            f"annotation '{OLD}': line 2, column 3: a device name is a string, and "
            "this is an alias",
        ),
        (
            {},
            {VISIBLE: "one two"},
            f"variable '{VISIBLE}': device name 'one two' has ' ' in it",
        ),
        (
            {OLD: listed(f"{KIND}=three")},
            {VISIBLE: "three"},
            f"'{KIND}=three' is in no spec",
        ),
        (
            {OLD: listed(f"{KIND}=three")},
            {VISIBLE: "three"},
            f"asked for by annotation {OLD} and variable {VISIBLE}",
        ),
    ],
)
def test_a_bad_request_is_refused_in_words(
    start: Start,
    annotations: Mapping[str, str],
    env: Mapping[str, str],
    message: str,
) -> None:
    node = start({"aliases": [OLD], "environment": {VISIBLE: KIND}})
    with node.pod(annotations) as pod:
        assert message in pod.refused(env=env)
