"""Annotations that ask for CDI devices: their keys, and how devices stand in them.

These are the ones that a device plugin puts on a container. What pod authors may write
is decided elsewhere.

Source: CDI pkg/cdi/annotations.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from nri_cdi.cdi.names import parse_qualified_name
from nri_cdi.errors import AnnotationError, InvalidNameError
from nri_cdi.quoting import quoted

ANNOTATION_PREFIX = "cdi.k8s.io/"

MAX_ANNOTATION_NAME = 63
"""Characters of an annotation's name, which is what follows the slash.

Source: Kubernetes, "Annotations", "Syntax and character set".
"""

_NAME = re.compile("[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")


def annotation_key(plugin: str, device_id: str) -> str:
    """The key for ``device_id`` of a device plugin; slashes in the id become ``_``.

    Raises:
        AnnotationError: the two don't make the name of an annotation.
    """
    if not plugin:
        raise AnnotationError("the name of the plugin is empty")
    if not device_id:
        raise AnnotationError("the id of the device is empty")
    name = f"{plugin}_{device_id.replace('/', '_')}"
    if len(name) > MAX_ANNOTATION_NAME:
        raise AnnotationError(
            f"{quoted(name)} has over {MAX_ANNOTATION_NAME} characters, "
            "the most that an annotation's name can have"
        )
    if not _NAME.fullmatch(name):
        raise AnnotationError(
            f"{quoted(name)} can't be an annotation's name: it must be letters, "
            "digits, '_', '.' and '-', starting and ending with a letter or digit"
        )
    return f"{ANNOTATION_PREFIX}{name}"


def annotation_value(devices: Iterable[str]) -> str:
    """The value that asks for ``devices``, at least one.

    Raises:
        AnnotationError: there is none, or one is not a qualified name.
    """
    names = list(devices)
    if not names:
        raise AnnotationError("an annotation must ask for one device at least")
    for name in names:
        _check(name)
    return ",".join(names)


def update_annotations(
    annotations: Mapping[str, str], plugin: str, device_id: str, devices: Iterable[str]
) -> dict[str, str]:
    """``annotations`` and one that asks for ``devices``.

    Raises:
        AnnotationError: its key is in use, or it can't be made.
    """
    key = annotation_key(plugin, device_id)
    if key in annotations:
        raise AnnotationError(f"the annotation {key} is in use already")
    return {**annotations, key: annotation_value(devices)}


def parse_annotations(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """The devices that annotations ask for: in the order of the keys, repeats kept.

    The reference gives them in an order that changes from call to call.

    Raises:
        AnnotationError: something else than a qualified name stands in one.
    """
    names: list[str] = []
    for key in sorted(annotations):
        if key.startswith(ANNOTATION_PREFIX):
            for name in annotations[key].split(","):
                _check(name, f"annotation {quoted(key)}: ")
                names.append(name)
    return tuple(names)


def _check(name: str, where: str = "") -> None:
    try:
        parse_qualified_name(name)
    except InvalidNameError as error:
        raise AnnotationError(f"{where}{error}") from error
