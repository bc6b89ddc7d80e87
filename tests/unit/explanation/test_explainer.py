"""What containers would get: the plugin's own answers."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.adjustment.plain import to_plain
from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.registry import Registry, build_registry
from nri_cdi.explanation import (
    ContainerExplanation,
    RequestedDevice,
    Result,
)
from nri_cdi.explanation.explainer import finished
from nri_cdi.injection import RESOLVED_MARK
from nri_cdi.manifests import Container, Pod
from nri_cdi.nri.capabilities import RuntimeInfo
from tests.unit.explanation.asking import CONTAINERD, CRI_O, OLD, explain, only, pod


def test_a_container_that_asks_for_nothing_gets_nothing(registry: Registry) -> None:
    explained = explain(pod({"other/key": "x"}), registry, CONTAINERD)
    assert explained.warnings == ()
    assert only(explained.containers) == ContainerExplanation(
        container=Container(name="main", type="container"),
        requests=(),
        result=Result.NOTHING,
    )


def test_each_container_gets_what_is_for_it(registry: Registry, tmp_path: Path) -> None:
    annotations = {
        "cdi.k8s.io/gpu": "vendor.com/gpu=env",
        "cdi.k8s.io/container.b": "vendor.com/gpu=env, vendor.com/gpu=nothing",
    }
    first, second = explain(pod(annotations, "a", "b"), registry, CONTAINERD).containers
    path = str(tmp_path / "gpu.json")
    assert first.result is second.result is Result.INJECTED
    assert to_plain(first.adjustment)["env"] == ["GPU=yes"]
    assert first.requests == (
        RequestedDevice(
            name="vendor.com/gpu=env", annotations=("cdi.k8s.io/gpu",), path=path
        ),
    )
    assert second.requests == (
        RequestedDevice(
            name="vendor.com/gpu=env",
            annotations=("cdi.k8s.io/container.b", "cdi.k8s.io/gpu"),
            path=path,
        ),
        RequestedDevice(
            name="vendor.com/gpu=nothing",
            annotations=("cdi.k8s.io/container.b",),
            path=path,
        ),
    )


def test_what_changes_nothing_is_injected_all_the_same(registry: Registry) -> None:
    asked = pod({"cdi.k8s.io/gpu": "vendor.com/gpu=nothing"})
    container = only(explain(asked, registry, CONTAINERD).containers)
    assert container.result is Result.INJECTED
    container.adjustment.annotations.pop(RESOLVED_MARK)
    assert not container.adjustment.ByteSize()


WRAPPED = (
    "failed to create containerd container: failed to get NRI adjustment for "
    "container: rpc error: code = FailedPrecondition desc = "
)


def test_an_unknown_device_is_refused_as_the_kubelet_shows_it(
    registry: Registry,
) -> None:
    asked = pod({"cdi.k8s.io/gpu": "vendor.com/gpu=evn"})
    container = only(explain(asked, registry, CONTAINERD).containers)
    error = (
        "nri-cdi: unresolvable CDI device: 'vendor.com/gpu=evn' is in no spec "
        "(near: env); asked for by annotation cdi.k8s.io/gpu"
    )
    assert container == ContainerExplanation(
        container=Container(name="main", type="container"),
        requests=(
            RequestedDevice(
                name="vendor.com/gpu=evn", annotations=("cdi.k8s.io/gpu",), path=""
            ),
        ),
        result=Result.REFUSED,
        error=error,
        kubelet_error=f"{WRAPPED}{error}",
    )


def test_the_words_of_cri_o_are_not_known(registry: Registry) -> None:
    asked = pod({"cdi.k8s.io/gpu": "vendor.com/gpu=evn"})
    container = only(explain(asked, registry, CRI_O).containers)
    assert container.error.startswith("nri-cdi: unresolvable CDI device: ")
    assert container.kubelet_error == ""


def test_an_annotation_that_can_not_be_read_is_refused(registry: Registry) -> None:
    asked = pod({"cdi.k8s.io/gpu": "gpu0"})
    container = only(explain(asked, registry, CONTAINERD).containers)
    assert container.result is Result.REFUSED
    assert container.requests == ()
    assert container.error == (
        "nri-cdi: annotation 'cdi.k8s.io/gpu': 'gpu0' is not a qualified device name "
        "(vendor/class=name): it has no '='"
    )


def test_a_files_name_that_is_no_text_is_escaped_as_on_the_wire(
    tmp_path: Path,
) -> None:
    (tmp_path / os.fsdecode(b"\xff.json")).write_text("{}")
    cache = Cache([str(tmp_path)])
    cache.refresh()
    asked = pod({"cdi.k8s.io/gpu": "vendor.com/gpu=a"})
    container = only(explain(asked, cache.registry, CONTAINERD).containers)
    assert f"did not load: {tmp_path}/\\udcff.json:1:1: " in container.error
    assert container.kubelet_error == f"{WRAPPED}{container.error}"


def test_a_node_that_the_host_lacks_is_refused(registry: Registry) -> None:
    asked = pod({"cdi.k8s.io/gpu": "vendor.com/gpu=no-node"})
    container = only(explain(asked, registry, CONTAINERD).containers)
    assert "host path '/nonexistent/x': no such file or directory" in container.error
    assert container.unsupported == ()


def test_all_that_the_runtime_can_not_do_is_listed(
    registry: Registry, tmp_path: Path
) -> None:
    asked = pod({"cdi.k8s.io/gpu": "vendor.com/gpu=net,vendor.com/gpu=gids"})
    container = only(explain(asked, registry, OLD).containers)
    spec = tmp_path / "gpu.json"
    old = "containerd 1.7.24 (NRI 0.6)"
    remedy = "let the gid or fileMode of the device node give the access"
    first = (
        f"device vendor.com/gpu=net ({spec}): netDevices[0]: {old} can't move network "
        "devices; it needs NRI 0.11 (containerd 2.2.1, CRI-O 1.35)"
    )
    assert container.error == (
        f"nri-cdi: {first}; asked for by annotation cdi.k8s.io/gpu"
    )
    assert container.unsupported == (
        first,
        f"device vendor.com/gpu=gids ({spec}): additionalGids[0]: {old} can't add "
        f"group 5 to a process through NRI; {remedy}",
        f"device vendor.com/gpu=gids ({spec}): additionalGids[1]: {old} can't add "
        f"group 6 to a process through NRI; {remedy}",
    )


def test_what_only_the_host_shows_to_be_impossible_is_listed_too(
    registry: Registry,
) -> None:
    asked = pod({"cdi.k8s.io/gpu": "vendor.com/gpu=fifo"})
    container = only(explain(asked, registry, OLD).containers)
    [unsupported] = container.unsupported
    assert "a node of type 'p', through NRI" in unsupported
    assert unsupported in container.error


@pytest.mark.parametrize(
    ("runtime", "owner"),
    [(CONTAINERD, {"uid": 1000, "gid": 50}), (OLD, {})],
    ids=str,
)
def test_nodes_belong_to_the_containers_user_where_the_runtime_tells_it(
    registry: Registry, runtime: RuntimeInfo, owner: dict[str, int]
) -> None:
    asked = Pod(
        path="pod.yaml",
        kind="Pod",
        name="train",
        namespace="",
        annotations={"cdi.k8s.io/gpu": "vendor.com/gpu=user"},
        outer_annotations=(),
        containers=(Container(name="a", type="container", user=1000, group=50),),
    )
    container = only(explain(asked, registry, runtime).containers)
    [node] = to_plain(container.adjustment)["devices"]
    assert {key: node[key] for key in ("uid", "gid") if key in node} == owner


@pytest.mark.parametrize(
    ("has", "options"),
    [(False, ["bind", "rprivate"]), (True, ["bind", "rprivate", "idmap"])],
)
def test_mounts_are_mapped_into_a_user_namespace(
    registry: Registry, *, has: bool, options: list[str]
) -> None:
    asked = Pod(
        path="pod.yaml",
        kind="Pod",
        name="train",
        namespace="",
        annotations={"cdi.k8s.io/gpu": "vendor.com/gpu=mount"},
        outer_annotations=(),
        containers=(Container(name="a", type="container"),),
        has_user_namespace=has,
    )
    container = only(explain(asked, registry, CONTAINERD).containers)
    assert to_plain(container.adjustment)["mounts"][0]["options"] == options


DEVICE = "vendor.com/gpu=env"
KEY = "cdi.k8s.io/container."
LONG_S = 10
WARNINGS = [
    (
        {"cdi.k8s.io/container.trian": DEVICE},
        [
            "annotation 'cdi.k8s.io/container.trian' is for a container that the pod "
            "does not have (near: train)"
        ],
    ),
    (
        {"cdi.k8s.io/container.x": DEVICE},
        [
            "annotation 'cdi.k8s.io/container.x' is for a container that the pod "
            "does not have (known: train, log)"
        ],
    ),
    *(
        (
            {key: DEVICE},
            [
                f"annotation '{key}' asks for every container of the pod: for one "
                "alone it is cdi.k8s.io/container.train"
            ],
        )
        for key in (
            "cdi.k8s.io/Container.train",
            "cdi.k8s.io/containers.train",
            "cdi.k8s.io/container_train",
            "cdi.k8s.io/initContainer.train",
            "cdi.k8s.io/init-containers-train",
        )
    ),
    *(
        (
            {key: f"x, {DEVICE}"},
            [
                f"annotation '{key}' names devices, but asks for none: its prefix is "
                "not cdi.k8s.io/"
            ],
        )
        for key in ("cdi.k8s.oi/gpu", "CDI.k8s.io/gpu", "cdi.k8s.io", "cid.k8s.io/gpu")
    ),
    ({"cdi.k8s.io/gpu": DEVICE, "cdi.k8s.io/container.log": DEVICE}, []),
    # Nothing but what anybody may write.
    ({"cdi.k8s.io/container_other": DEVICE}, []),
    ({"cdi.k8s.io/container.": DEVICE}, []),
    ({"csi.k8s.io/volume": "vendor.com/volume"}, []),
    ({"example.com/devices": DEVICE, "devices": DEVICE}, []),
]


@pytest.mark.parametrize(("annotations", "warnings"), WARNINGS)
def test_what_is_hardly_meant_so_is_warned_of(
    annotations: dict[str, str], warnings: list[str]
) -> None:
    asked = pod(annotations, "train", "log")
    explained = explain(asked, build_registry([]), CONTAINERD)
    assert list(explained.warnings) == warnings


def test_thousands_of_containers_and_annotations_for_others_take_no_time(
    registry: Registry,
) -> None:
    number = 3000
    alias = "nvidia.cdi.k8s.io/container."
    annotations = {
        f"{key}other-{index:04}": DEVICE
        for key in (KEY, alias)
        for index in range(number)
    }
    asked = pod(
        {f"{KEY}c0": DEVICE, **annotations}, *(f"c{index}" for index in range(number))
    )
    start = time.monotonic()
    explained = explain(asked, registry, CONTAINERD)
    # It took half a minute, and a hundred megabytes of warnings.
    assert time.monotonic() - start < LONG_S
    results = [container.result for container in explained.containers]
    assert results == [Result.INJECTED, *[Result.NOTHING] * (number - 1)]
    assert explained.warnings[0] == (
        "annotation 'cdi.k8s.io/container.other-0000' is for a container that the pod "
        "does not have (known: c0, c1, c2 and 2997 more)"
    )
    assert explained.warnings[10] == (
        "2990 more annotations are for containers that the pod does not have"
    )


def test_an_annotation_for_a_container_without_a_name_is_an_error_of_all(
    registry: Registry,
) -> None:
    explained = explain(pod({KEY: DEVICE}, "a", "b"), registry, CONTAINERD)
    for container in explained.containers:
        assert container.result is Result.REFUSED
        assert "it needs a container's name" in container.error


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("Deployment", "spec.template.metadata.annotations"),
        ("CronJob", "spec.jobTemplate.spec.template.metadata.annotations"),
        ("PodTemplate", "template.metadata.annotations"),
    ],
)
def test_a_workloads_own_annotations_are_not_its_pods(kind: str, place: str) -> None:
    outer = ("cdi.k8s.io/there", "cdi.k8s.io/gpu", "example.com/x")
    asked = pod({"cdi.k8s.io/there": DEVICE}, kind=kind, outer=outer)
    assert explain(asked, build_registry([]), CONTAINERD).warnings == (
        f"annotation 'cdi.k8s.io/gpu' is on the {kind}, and not on its pods: "
        f"put it into {place}",
    )


@given(
    st.dictionaries(
        st.sampled_from(
            ["cdi.k8s.io/", "cdi.k8s.io/container.", "cdi.k8s.oi/", ""]
        ).flatmap(lambda prefix: st.text(max_size=8).map(lambda name: prefix + name)),
        st.text(max_size=20) | st.sampled_from([DEVICE, f"{DEVICE},{DEVICE}"]),
        max_size=3,
    ),
    st.sampled_from([CONTAINERD, OLD, CRI_O]),
)
def test_any_annotation_has_an_explanation(
    annotations: dict[str, str], runtime: RuntimeInfo
) -> None:
    explained = explain(pod(annotations), build_registry([]), runtime)
    container = only(explained.containers)
    # There are no specs, so there is nothing to be injected.
    asks = any(key.startswith("cdi.k8s.io/") for key in annotations)
    assert container.result is not Result.INJECTED
    assert (container.result is Result.REFUSED) is bool(container.error)
    assert asks or container.result is Result.NOTHING


async def _after_a_look() -> str:
    return "found"


def test_an_answer_may_be_there_at_once_or_after_what_is_done_at_once() -> None:
    assert finished("known") == "known"
    assert finished(_after_a_look()) == "found"


def test_an_answer_that_waits_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="there is nothing to wait for"):
        finished(asyncio.sleep(0))
