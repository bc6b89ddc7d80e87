"""The pods in a file of Kubernetes manifests.

Read as ``kubectl apply`` reads them, with Go's rules for scalars: what an API server
would refuse in the fields that matter here is an error, with its place. All other
fields are left alone.

Source: Kubernetes API reference, core/v1 Pod, PodTemplateSpec; sigs.k8s.io/yaml.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from nri_cdi.cdi.document import decode, load_all
from nri_cdi.cdi.events import MalformedError
from nri_cdi.cdi.pointers import at_index, at_key
from nri_cdi.cdi.positions import locate_all
from nri_cdi.cdi.problems import ProblemLog, in_order
from nri_cdi.cdi.rules import Rule
from nri_cdi.errors import ManifestError, Problem
from nri_cdi.manifests.fields import REFUSED, FieldReader, Fields
from nri_cdi.manifests.model import TEMPLATES, Container, Manifests, Pod

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

# What Kubernetes makes something else of. Source: Kubernetes API reference, EnvVar.
_EXPANDED = ("$(", "$$")

# Source: Kubernetes API reference, SecurityContext: numbers of the kernel's uid_t.
_MAX_ID = 2**31 - 1


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


class _Reading(FieldReader):
    """What was found so far; pointers start with the index of the document."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self.pods: list[Pod] = []
        self.skipped: list[str] = []

    def add(self, value: object, pointer: str, default_kind: str = "") -> None:
        """An object; ``default_kind`` is that of an item in a list of one kind."""
        found = self.mapping(value, pointer)
        if found is REFUSED:
            return
        kind = self.text(found, "kind", pointer) or default_kind
        group = self.text(found, "apiVersion", pointer).rpartition("/")[0]
        if group in _GROUPS and kind.endswith(_LIST):
            at = at_key(pointer, "items")
            for index, item in enumerate(self.items(found, "items", pointer)):
                self.add(item, at_index(at, index), kind.removesuffix(_LIST))
        elif group in _GROUPS and kind in TEMPLATES:
            self._add_pod(kind, found, pointer)
        else:
            self.skipped.append(_in_words(kind, group, found))

    def _add_pod(self, kind: str, found: Fields, pointer: str) -> None:
        metadata, of_metadata = self.inner(found, "metadata", pointer)
        template, of_template = found, pointer
        for key in TEMPLATES[kind]:
            template, of_template = self.needed(template, key, of_template)
        annotations = self._texts(template, "annotations", of_template)
        outer: Collection[str] = ()
        if template is not found:
            outer = self._texts(found, "annotations", pointer)
        spec, of_spec = self.needed(template, "spec", of_template)
        self.pods.append(
            Pod(
                path=self._path,
                kind=kind,
                name=self._name(metadata, of_metadata),
                namespace=self.text(metadata, "namespace", of_metadata),
                annotations=annotations,
                outer_annotations=tuple(outer),
                containers=self._containers(spec, of_spec),
                has_user_namespace=spec.get("hostUsers") is False,
                labels=self._texts(template, "labels", of_template),
                runtime_class=self.text(spec, "runtimeClassName", of_spec),
            )
        )

    def _name(self, metadata: Fields, pointer: str) -> str:
        prefix = self.text(metadata, "generateName", pointer)
        return prefix or self.needed_text(metadata, "name", pointer)

    def _texts(self, found: Fields, field: str, pointer: str) -> Mapping[str, str]:
        """The annotations or the labels of an object, as ``field`` says."""
        metadata, of_metadata = self.inner(found, "metadata", pointer)
        texts, at = self.inner(metadata, field, of_metadata)
        return {key: self.text(texts, key, at) for key in texts}

    def _containers(self, spec: Fields, pointer: str) -> tuple[Container, ...]:
        context, _ = self.inner(spec, "securityContext", pointer)
        containers = [
            self._container(
                item, at_index(at_key(pointer, field), index), type_, context
            )
            for field, type_ in _CONTAINER_LISTS.items()
            for index, item in enumerate(self.items(spec, field, pointer))
        ]
        self.need(spec, "containers", pointer)
        return tuple(containers)

    def _container(
        self, item: object, pointer: str, type_: str, of_pod: Fields
    ) -> Container:
        found = self.mapping(item, pointer)
        context, _ = self.inner(found, "securityContext", pointer)
        values = self._env(found, pointer)
        return Container(
            name=self.needed_text(found, "name", pointer),
            type=type_,
            user=_id("runAsUser", context, of_pod),
            group=_id("runAsGroup", context, of_pod),
            env=tuple(
                f"{name}={value}" for name, value in values.items() if value is not None
            ),
            unknown_env=tuple(name for name, value in values.items() if value is None),
        )

    def _env(self, found: Fields, pointer: str) -> Mapping[str, str | None]:
        """A container's variables; the value of one that is not known is None."""
        values: dict[str, str | None] = {}
        for index, item in enumerate(self.items(found, "env", pointer)):
            at = at_index(at_key(pointer, "env"), index)
            variable = self.mapping(item, at)
            name = self.needed_text(variable, "name", at)
            value = self.text(variable, "value", at)
            _, of_origin = self.inner(variable, "valueFrom", at)
            is_literal = variable.get("valueFrom") is None
            if value and not is_literal:
                message = "may not stand beside a value"
                self.refuse(of_origin, message, Rule.INVALID_ENV)
            if "=" in name:
                message = "must not have '=' in it"
                self.refuse(at_key(at, "name"), message, Rule.INVALID_ENV)
            is_known = is_literal and not any(sign in value for sign in _EXPANDED)
            # Of two with one name, the later is the container's.
            values[name] = value if is_known else None
        return values


def _id(key: str, *contexts: Fields) -> int:
    """The number of the first context that has one; 0 if none has a good one."""
    values = (context.get(key) for context in contexts)
    value = next((value for value in values if value is not None), 0)
    return value if type(value) is int and 0 <= value <= _MAX_ID else 0


def _in_words(kind: str, group: str, found: Fields) -> str:
    words = kind or "an object without a kind"
    metadata = found.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if isinstance(name, str):
        words += f" {name}"
    return f"{words} of {group}" if group not in _GROUPS else words
