"""Kubernetes manifests: the pods in them, and the pods that they are templates of.

Read as ``kubectl apply`` reads them, with Go's rules for scalars: what an API server
would refuse in the fields that matter here is an error, with its place. All other
fields are left alone.

Source: Kubernetes API reference, core/v1 Pod, PodTemplateSpec; sigs.k8s.io/yaml.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from nri_cdi.cdi.document import decode, load_all
from nri_cdi.cdi.events import MalformedError
from nri_cdi.cdi.pointers import at_index, at_key
from nri_cdi.cdi.positions import locate_all
from nri_cdi.cdi.problems import ProblemLog, in_order, problem
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.scalars import describe
from nri_cdi.errors import ManifestError, Problem
from nri_cdi.quoting import quoted

MISSING_FIELD = "missing-field"

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
# The API groups of these kinds, now and earlier; others have kinds of the same names.
_GROUPS = frozenset({"", "apps", "batch", "extensions"})
_LIST = "List"

# In the order in which they start.
_CONTAINER_LISTS: Mapping[str, str] = MappingProxyType(
    {
        "initContainers": "initContainer",
        "containers": "container",
        "ephemeralContainers": "ephemeralContainer",
    }
)

# Source: Kubernetes API reference, SecurityContext: numbers of the kernel's uid_t.
_MAX_ID = 2**31 - 1

_Mapping = Mapping[str, Any]
_ABSENT: _Mapping = MappingProxyType({})
# Stands for what was refused already: nothing more is to be said of it.
_REFUSED: _Mapping = MappingProxyType({})
_EMPTY: tuple[object, ...] = (None, "", [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container of a pod.

    ``type`` is ``container``, ``initContainer`` or ``ephemeralContainer``. ``user`` and
    ``group`` are the numbers that its process has; 0 where the image says it, too.
    """

    name: str
    type: str
    user: int = 0
    group: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod, or what the pods of a workload have in common.

    ``path`` is the file. ``kind``, ``name`` and ``namespace`` are the manifest's; the
    namespace is empty where that has none. ``outer_annotations`` are the keys of those
    that a workload has itself, and that its pods don't get.
    """

    path: str
    kind: str
    name: str
    namespace: str
    annotations: Mapping[str, str]
    outer_annotations: tuple[str, ...]
    containers: tuple[Container, ...]
    has_user_namespace: bool = False

    def __str__(self) -> str:
        """The pod in a message or a heading: ``Deployment ml/train``."""
        return f"{self.kind} {'/'.join(filter(None, (self.namespace, self.name)))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """What is in a file: the pods, and the other objects in words."""

    pods: tuple[Pod, ...]
    skipped: tuple[str, ...]


def parse_manifests(data: bytes, path: str) -> Manifests:
    """The pods in ``data``, YAML or JSON; ``path`` is where it came from.

    Raises:
        ManifestError: it can't be read, or an API server would refuse it; the error has
            every problem, with its place.
    """
    try:
        text = decode(data, "a manifest")
        documents = load_all(text)
    except MalformedError as error:
        raise ManifestError(path, (error.problem,)) from error
    flaws = [flaw for document in documents for flaw in document.flaws]
    if flaws:
        raise ManifestError(path, in_order(flaws))
    reading = _Reading(path)
    for index, document in enumerate(documents):
        if document.value is not None:
            reading.add(document.value, at_index("", index))
    if reading.problems:
        raise ManifestError(path, in_order(_placed(text, reading.problems)))
    return Manifests(pods=tuple(reading.pods), skipped=tuple(reading.skipped))


def _placed(text: str, problems: ProblemLog) -> Iterator[Problem]:
    """The problems, each once, with their lines, which tell the documents apart."""
    positions = locate_all(text, {found.pointer for found in problems})
    for found in dict.fromkeys(problems):
        line, column = positions.get(found.pointer, (None, None))
        _, _, pointer = found.pointer.partition("]")
        pointer = pointer.removeprefix(".")
        yield replace(found, pointer=pointer, line=line, column=column)


class _Reading:
    """What was found so far; pointers start with the index of the document."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.pods: list[Pod] = []
        self.skipped: list[str] = []
        self.problems = ProblemLog()

    def add(self, value: object, pointer: str, default_kind: str = "") -> None:
        """An object; ``default_kind`` is that of an item in a list of one kind."""
        found = self._mapping(value, pointer)
        if found is _REFUSED:
            return
        kind = self._text(found, "kind", pointer) or default_kind
        group = self._text(found, "apiVersion", pointer).rpartition("/")[0]
        if group in _GROUPS and kind.endswith(_LIST):
            at = at_key(pointer, "items")
            for index, item in enumerate(self._list(found, "items", pointer)):
                self.add(item, at_index(at, index), kind.removesuffix(_LIST))
        elif group in _GROUPS and kind in TEMPLATES:
            self._add_pod(kind, found, pointer)
        else:
            self.skipped.append(_in_words(kind, group, found))

    def _add_pod(self, kind: str, found: _Mapping, pointer: str) -> None:
        metadata, of_metadata = self._inner(found, "metadata", pointer)
        template, of_template = found, pointer
        for key in TEMPLATES[kind]:
            template, of_template = self._needed(template, key, of_template)
        annotations = self._annotations(template, of_template)
        outer = self._annotations(found, pointer) if template is not found else ()
        spec, of_spec = self._needed(template, "spec", of_template)
        self.pods.append(
            Pod(
                path=self._path,
                kind=kind,
                name=self._name(metadata, of_metadata),
                namespace=self._text(metadata, "namespace", of_metadata),
                annotations=annotations,
                outer_annotations=tuple(outer),
                containers=self._containers(spec, of_spec),
                has_user_namespace=spec.get("hostUsers") is False,
            )
        )

    def _name(self, metadata: _Mapping, pointer: str) -> str:
        prefix = self._text(metadata, "generateName", pointer)
        return prefix or self._needed_text(metadata, "name", pointer)

    def _annotations(self, found: _Mapping, pointer: str) -> Mapping[str, str]:
        metadata, of_metadata = self._inner(found, "metadata", pointer)
        annotations, at = self._inner(metadata, "annotations", of_metadata)
        return {key: self._text(annotations, key, at) for key in annotations}

    def _containers(self, spec: _Mapping, pointer: str) -> tuple[Container, ...]:
        context, _ = self._inner(spec, "securityContext", pointer)
        containers = [
            self._container(
                item, at_index(at_key(pointer, field), index), type_, context
            )
            for field, type_ in _CONTAINER_LISTS.items()
            for index, item in enumerate(self._list(spec, field, pointer))
        ]
        self._need(spec, "containers", pointer)
        return tuple(containers)

    def _container(
        self, item: object, pointer: str, type_: str, of_pod: _Mapping
    ) -> Container:
        found = self._mapping(item, pointer)
        context, _ = self._inner(found, "securityContext", pointer)
        return Container(
            name=self._needed_text(found, "name", pointer),
            type=type_,
            user=_id("runAsUser", context, of_pod),
            group=_id("runAsGroup", context, of_pod),
        )

    def _needed(self, found: _Mapping, key: str, pointer: str) -> tuple[_Mapping, str]:
        """A mapping that must be there, and its place."""
        self._need(found, key, pointer)
        inner, at = self._inner(found, key, pointer)
        return (_REFUSED if inner is _ABSENT else inner), at

    def _inner(self, found: _Mapping, key: str, pointer: str) -> tuple[_Mapping, str]:
        """A mapping that may be missing, and its place."""
        value, at = found.get(key), at_key(pointer, key)
        return (_ABSENT if value is None else self._mapping(value, at)), at

    def _mapping(self, value: object, pointer: str) -> _Mapping:
        if isinstance(value, dict):
            return value
        self._refuse(pointer, f"must be a mapping, not {describe(value)}")
        return _REFUSED

    def _list(self, found: _Mapping, key: str, pointer: str) -> list[Any]:
        value = found.get(key)
        if value is None or isinstance(value, list):
            return value or []
        self._refuse(at_key(pointer, key), f"must be a list, not {describe(value)}")
        return []

    def _text(self, found: _Mapping, key: str, pointer: str) -> str:
        """A string; null is an empty one, as it is for an API server."""
        value = found.get(key)
        if value is None or isinstance(value, str):
            return value or ""
        remedy = "" if isinstance(value, (dict, list)) else ": put it in quotes"
        at = at_key(pointer, key)
        self._refuse(at, f"must be a string, not {describe(value)}{remedy}")
        return ""

    def _needed_text(self, found: _Mapping, key: str, pointer: str) -> str:
        self._need(found, key, pointer)
        return self._text(found, key, pointer)

    def _need(self, found: _Mapping, key: str, pointer: str) -> None:
        """Refuse what has nothing at ``key``, unless it was refused already."""
        if found is not _REFUSED and found.get(key) in _EMPTY:
            missing = Problem(
                rule=MISSING_FIELD, message=f"it needs {quoted(key)}", pointer=pointer
            )
            self.problems.add(missing)

    def _refuse(self, pointer: str, message: str) -> None:
        self.problems.add(problem(Rule.WRONG_TYPE, pointer, message))


def _id(key: str, *contexts: _Mapping) -> int:
    """The number of the first context that has one; 0 if none has a good one."""
    values = (context.get(key) for context in contexts)
    value = next((value for value in values if value is not None), 0)
    return value if type(value) is int and 0 <= value <= _MAX_ID else 0


def _in_words(kind: str, group: str, found: _Mapping) -> str:
    words = kind or "an object without a kind"
    metadata = found.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if isinstance(name, str):
        words += f" {name}"
    return f"{words} of {group}" if group not in _GROUPS else words
