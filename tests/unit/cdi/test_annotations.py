"""Annotations that ask for CDI devices."""

from __future__ import annotations

import pytest

from nri_cdi.cdi.annotations import (
    annotation_key,
    annotation_value,
    parse_annotations,
    update_annotations,
)
from nri_cdi.errors import AnnotationError

_NOT_A_NAME = (
    "can't be an annotation's name: it must be letters, "
    "digits, '_', '.' and '-', starting and ending with a letter or digit"
)


def test_a_key_has_the_plugin_and_the_device_in_it() -> None:
    assert annotation_key("vendor.class", "a/b") == "cdi.k8s.io/vendor.class_a_b"


@pytest.mark.parametrize(
    ("plugin", "device_id", "message"),
    [
        ("", "d", "the name of the plugin is empty"),
        ("p", "", "the id of the device is empty"),
        ("p", "d:1", f"'p_d:1' {_NOT_A_NAME}"),
        ("p/q", "d", f"'p/q_d' {_NOT_A_NAME}"),
        ("_p", "d", f"'_p_d' {_NOT_A_NAME}"),
        ("p", "d\n", rf"'p_d\n' {_NOT_A_NAME}"),
        (
            "p" * 62,
            "d",
            f"'{'p' * 62}_d' has over 63 characters, "
            "the most that an annotation's name can have",
        ),
    ],
)
def test_what_makes_no_key_is_refused(
    plugin: str, device_id: str, message: str
) -> None:
    with pytest.raises(AnnotationError) as caught:
        annotation_key(plugin, device_id)
    assert str(caught.value) == message


def test_a_value_has_the_names_in_order() -> None:
    assert annotation_value(["a/b=d", "a/b=c"]) == "a/b=d,a/b=c"


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        ([], "an annotation must ask for one device at least"),
        (
            ["a/b=c", "x"],
            "'x' is not a qualified device name (vendor/class=name): it has no '='",
        ),
    ],
)
def test_what_makes_no_value_is_refused(devices: list[str], message: str) -> None:
    with pytest.raises(AnnotationError) as caught:
        annotation_value(devices)
    assert str(caught.value) == message


def test_a_key_in_use_is_refused_and_nothing_is_changed() -> None:
    annotations = {"cdi.k8s.io/p_d": "a/b=c"}
    with pytest.raises(AnnotationError) as caught:
        update_annotations(annotations, "p", "d", ["a/b=d"])
    assert str(caught.value) == "the annotation cdi.k8s.io/p_d is in use already"
    assert annotations == {"cdi.k8s.io/p_d": "a/b=c"}


def test_devices_are_in_the_order_of_the_keys() -> None:
    annotations = {"cdi.k8s.io/b": "a/b=2,a/b=1", "other": "?", "cdi.k8s.io/a": "a/b=1"}
    assert parse_annotations(annotations) == ("a/b=1", "a/b=2", "a/b=1")


def test_a_bad_name_is_refused_with_its_annotation() -> None:
    with pytest.raises(AnnotationError) as caught:
        parse_annotations({"cdi.k8s.io/a": "a/b=1,"})
    assert str(caught.value) == (
        "annotation 'cdi.k8s.io/a': '' is not a qualified device name "
        "(vendor/class=name): it has no '='"
    )
