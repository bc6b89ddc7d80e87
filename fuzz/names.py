"""The laws of device names and of the annotations that they stand in, for any text.

The text's first line is the name and the rest, line by line, are keys and values.
"""

from __future__ import annotations

from nri_cdi.cdi.annotations import (
    annotation_key,
    annotation_value,
    parse_annotations,
    update_annotations,
)
from nri_cdi.cdi.names import (
    is_qualified_name,
    parse_kind,
    parse_qualified_name,
    validate_class_name,
    validate_device_name,
    validate_vendor_name,
)
from nri_cdi.errors import AnnotationError, InvalidNameError
from nri_cdi.requests import requested_devices


def check(data: bytes) -> None:
    """Raises unless each text is a name or an error, and either as it should be."""
    name, *rest = data.decode(errors="replace").split("\n")
    check_name(name)
    check_kind(name)
    annotations = dict(zip(rest[::2], rest[1::2], strict=False))
    check_annotations(annotations)
    check_requests(annotations, name)


def check_name(text: str) -> None:
    """A qualified name is its parts, and each of them is a name of its kind."""
    try:
        name = parse_qualified_name(text)
    except InvalidNameError as error:
        assert not is_qualified_name(text)
        _check_message(error)
        return
    assert is_qualified_name(text)
    assert str(name) == text
    assert parse_kind(name.kind) == (name.vendor, name.class_)
    validate_vendor_name(name.vendor)
    validate_class_name(name.class_)
    validate_device_name(name.name)
    check_annotation(text)


def check_annotation(name: str) -> None:
    """An annotation that asks for a device is read as one that does."""
    assert annotation_value([name]) == name
    annotations = update_annotations({}, "plugin", "id", [name, name])
    assert parse_annotations(annotations) == (name, name)
    assert requested_devices(annotations, "any").devices == (name,)


def check_kind(text: str) -> None:
    """A kind is its vendor and its class."""
    try:
        vendor, class_ = parse_kind(text)
    except InvalidNameError as error:
        _check_message(error)
        return
    assert f"{vendor}/{class_}" == text
    assert is_qualified_name(f"{text}=0")


def check_annotations(annotations: dict[str, str]) -> None:
    """What annotations ask for can be asked for again."""
    try:
        names = parse_annotations(annotations)
    except AnnotationError as error:
        _check_message(error)
    else:
        assert all(map(is_qualified_name, names))
    for plugin, device_id in annotations.items():
        try:
            assert "/" in annotation_key(plugin, device_id)
        except AnnotationError as error:
            _check_message(error)


def check_requests(annotations: dict[str, str], container: str) -> None:
    """What a pod asks for are names, each once."""
    try:
        request = requested_devices(annotations, container)
    except AnnotationError as error:
        _check_message(error)
        return
    assert len(set(request.devices)) == len(request.devices)
    assert all(map(is_qualified_name, request.devices))
    assert set(request.sources) == set(request.devices)


def _check_message(error: Exception) -> None:
    assert str(error)
    assert str(error).isprintable(), error
