"""Pods that ask for devices, and their explanation."""

from __future__ import annotations

from nri_cdi.cdi.registry import Registry
from nri_cdi.config import Config
from nri_cdi.explanation import ContainerExplanation, Explainer, PodExplanation
from nri_cdi.holders import Holder
from nri_cdi.manifests import Container, Pod
from nri_cdi.nri.capabilities import RuntimeInfo, runtime_named

CONTAINERD = runtime_named("containerd:2.3.0")
OLD = runtime_named("containerd:1.7.24")
CRI_O = runtime_named("cri-o:1.34")


def pod(
    annotations: dict[str, str],
    *containers: str,
    kind: str = "Pod",
    outer: tuple[str, ...] = (),
) -> Pod:
    return Pod(
        path="pod.yaml",
        kind=kind,
        name="train",
        namespace="ml",
        annotations=annotations,
        outer_annotations=outer,
        containers=tuple(
            Container(name=name, type="container") for name in containers or ("main",)
        ),
    )


def explain(
    asked: Pod,
    registry: Registry,
    runtime: RuntimeInfo,
    config: Config | None = None,
    holders: tuple[Holder, ...] | None = None,
) -> PodExplanation:
    return Explainer(registry, runtime, config, holders).explain(asked)


def only(explained: tuple[ContainerExplanation, ...]) -> ContainerExplanation:
    [container] = explained
    return container
