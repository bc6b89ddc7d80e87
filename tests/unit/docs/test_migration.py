"""What docs/migration.md shows works: configurations, annotations and variables."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from nri_cdi.config import Config, parse_config
from nri_cdi.policy import Action
from nri_cdi.requests import dialects, requested
from tests.unit.docs.pages import blocks, read
from tests.unit.judging import Subject, verdict

TEXTS = blocks(read("docs/migration.md"), "yaml")
LOADED: list[dict[str, Any]] = [yaml.safe_load(text) for text in TEXTS]

INJECTOR, NVIDIA, VARIABLES, SCHEDULER = (
    parse_config(text, "example")
    for text, loaded in zip(TEXTS, LOADED, strict=True)
    if not {"metadata", "cdiVersion"} & loaded.keys()
)
OLD, WITH_NODES, NEW = (
    loaded["metadata"]["annotations"] for loaded in LOADED if "metadata" in loaded
)
[SPEC] = (loaded for loaded in LOADED if "cdiVersion" in loaded)


def _asked(
    config: Config,
    annotations: dict[str, str],
    container: str = "c0",
    env: tuple[str, ...] = (),
) -> tuple[str, ...]:
    spoken = dialects(config.aliases)
    request = requested(annotations, container, env, spoken, config.environment)
    return request.devices


def _action(config: Config, namespace: str, device: str) -> Action:
    subject = Subject(namespace=namespace, pod="pod")
    return verdict(config.policy, subject, device).action


@pytest.mark.parametrize(
    ("container", "device"),
    [("c0", "vendor0.com/device=null"), ("c1", "vendor0.com/device=zero")],
)
def test_annotations_of_the_device_injector_are_read_as_it_reads_them(
    container: str, device: str
) -> None:
    assert _asked(INJECTOR, OLD, container) == (device,)
    assert _asked(Config(), OLD, container) == ()


def test_its_annotation_of_device_nodes_asks_for_nothing() -> None:
    assert _asked(INJECTOR, WITH_NODES) == ()


def test_the_spec_and_the_annotation_that_take_its_place_fit_together() -> None:
    [device] = SPEC["devices"]
    assert _asked(Config(), NEW) == (f"{SPEC['kind']}={device['name']}",)
    [node] = device["containerEdits"]["deviceNodes"]
    key = "devices.noderesource.dev/container.c0"
    assert [node["path"]] == [each["path"] for each in yaml.safe_load(WITH_NODES[key])]


@pytest.mark.parametrize(
    ("namespace", "device", "action"),
    [
        ("gpu-operator", "management.nvidia.com/gpu=all", Action.ALLOW),
        ("default", "management.nvidia.com/gpu=all", Action.DENY),
        ("default", "nvidia.com/gpu=all", Action.ALLOW),
        ("default", "vendor.com/camera=front", Action.ALLOW),
    ],
)
def test_the_policy_of_the_toolkits_plugin_is_rebuilt(
    namespace: str, device: str, action: Action
) -> None:
    assert NVIDIA.aliases == ("nvidia.cdi.k8s.io",)
    assert _action(NVIDIA, namespace, device) is action


@pytest.mark.parametrize(
    ("value", "devices"),
    [
        ("0,1", ("nvidia.com/gpu=0", "nvidia.com/gpu=1")),
        ("all", ("nvidia.com/gpu=all",)),
        ("GPU-5d5ba0d6", ("nvidia.com/gpu=GPU-5d5ba0d6",)),
        ("0:1", ("nvidia.com/gpu=0:1",)),
        ("vendor.com/gpu=0", ("vendor.com/gpu=0",)),
        ("none", ()),
        ("void", ()),
        ("", ()),
    ],
)
def test_values_of_the_variable_ask_for_what_the_table_says(
    value: str, devices: tuple[str, ...]
) -> None:
    env = (f"NVIDIA_VISIBLE_DEVICES={value}",)
    assert _asked(VARIABLES, {}, env=env) == devices


@pytest.mark.parametrize(
    ("device", "action"),
    [
        ("nvidia.com/gpu=GPU-5d5ba0d6", Action.ALLOW),
        ("k8s.device-plugin.nvidia.com/gpu=GPU-5d5ba0d6", Action.ALLOW),
        ("nvidia.com/gpu=all", Action.DENY),
        ("nvidia.com/gpu=0", Action.DENY),
    ],
)
def test_a_scheduler_names_gpus_by_their_uuid(device: str, action: Action) -> None:
    assert _action(SCHEDULER, "research-nlp", device) is action
