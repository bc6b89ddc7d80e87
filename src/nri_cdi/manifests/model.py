"""Pods and their containers, as far as requests for devices depend on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

# Where each kind has what becomes a pod, from its root; a pod is one itself.
TEMPLATES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Pod": (),
        "PodTemplate": ("template",),
        "Deployment": ("spec", "template"),
        "ReplicaSet": ("spec", "template"),
        "ReplicationController": ("spec", "template"),
        "DaemonSet": ("spec", "template"),
        "StatefulSet": ("spec", "template"),
        "Job": ("spec", "template"),
        "CronJob": ("spec", "jobTemplate", "spec", "template"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container of a pod.

    ``type`` is ``container``, ``initContainer`` or ``ephemeralContainer``. ``user`` and
    ``group`` are the numbers that its process has; 0 where the image says it, too.
    ``env`` has the variables, ``NAME=value``, whose values stand in the manifest.
    ``unknown_env`` has the names of those that get theirs from elsewhere, or made of
    others; what ``envFrom`` and the image add is in neither.
    """

    name: str
    type: str
    user: int = 0
    group: int = 0
    env: tuple[str, ...] = ()
    unknown_env: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod, or what the pods of a workload have in common.

    ``path`` is the file. ``kind``, ``name`` and ``namespace`` are the manifest's; the
    namespace is empty where that has none. ``outer_annotations`` are the keys of those
    that a workload has itself, and that its pods don't get. ``runtime_class`` is empty
    where none is chosen.
    """

    path: str
    kind: str
    name: str
    namespace: str
    annotations: Mapping[str, str]
    outer_annotations: tuple[str, ...]
    containers: tuple[Container, ...]
    has_user_namespace: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    runtime_class: str = ""

    def __str__(self) -> str:
        """The pod in a message or a heading: ``Deployment ml/train``."""
        return f"{self.kind} {'/'.join(filter(None, (self.namespace, self.name)))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """What is in a file: the pods, and the other objects in words."""

    pods: tuple[Pod, ...]
    skipped: tuple[str, ...]
