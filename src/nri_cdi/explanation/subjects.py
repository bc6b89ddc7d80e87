"""What a runtime tells a plugin of a container, as far as a manifest has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from nri_cdi.manifests import Container, Pod
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import RuntimeInfo
from nri_cdi.requests import ALIASES, CONTAINER_KEY
from nri_cdi.requests.aliases import CONTAINER_SCOPE

# An API server puts five such letters behind a name that it is to complete, and a
# Deployment the hash of its template before these. A CronJob has the minute in between.
# Source: k8s.io/apiserver pkg/storage/names; Kubernetes, the pages of the workloads.
_LETTERS = "x2x7k"
_SUFFIXES: Mapping[str, str] = MappingProxyType(
    {
        "Pod": "",
        "Deployment": f"-5d8f7c9b64-{_LETTERS}",
        "StatefulSet": "-0",
        "CronJob": f"-29000000-{_LETTERS}",
    }
)
_OTHER_SUFFIX = f"-{_LETTERS}"

# No name ends so but one that is to be completed.
_INCOMPLETE = "-"

# What stands before the name of the one container that an annotation is about.
_OF_ONE = (CONTAINER_KEY, *(alias + CONTAINER_SCOPE for alias in ALIASES))

_POD = "explained"


def pod_name(pod: Pod) -> str:
    """The name of the pod, or such a one as its pods will have."""
    completed = pod.name + _LETTERS if pod.name.endswith(_INCOMPLETE) else pod.name
    return completed + _SUFFIXES.get(pod.kind, _OTHER_SUFFIX)


def creations(
    pod: Pod, runtime: RuntimeInfo
) -> Iterator[tuple[Container, api.CreateContainerRequest]]:
    """Each container in its turn, and what the runtime asks before it creates it."""
    for number, (seen, container) in enumerate(_with_annotations_of_concern(pod)):
        creation = _creation(seen, container, runtime)
        creation.container.id = f"{_POD}-{number}"
        yield container, creation


def _with_annotations_of_concern(pod: Pod) -> Iterator[tuple[Pod, Container]]:
    """Each container, and the pod without the annotations for other containers alone.

    They mean nothing for this one. With thousands of each, to have the plugin find that
    out again and again takes many seconds.
    """
    annotations = pod.annotations
    shared = {
        key: value
        for key, value in annotations.items()
        if not key.startswith(_OF_ONE) or key == CONTAINER_KEY
    }
    for container in pod.containers:
        keys = [start + container.name for start in _OF_ONE]
        own = {key: annotations[key] for key in keys if key in annotations}
        concern = {**shared, **own} if own else shared
        yield replace(pod, annotations=concern), container


def _creation(
    pod: Pod, container: Container, runtime: RuntimeInfo
) -> api.CreateContainerRequest:
    request = api.CreateContainerRequest()
    request.pod.id = request.pod.uid = request.container.pod_sandbox_id = _POD
    request.pod.name = pod_name(pod)
    request.pod.namespace = pod.namespace
    request.pod.annotations.update(pod.annotations)
    request.pod.labels.update(pod.labels)
    request.pod.runtime_handler = pod.runtime_class
    request.container.name = container.name
    request.container.env.extend(container.env)
    if runtime.capabilities.container_user:
        request.container.user.uid = container.user
        request.container.user.gid = container.group
    if pod.has_user_namespace:
        request.container.linux.namespaces.add(type="user")
    return request
