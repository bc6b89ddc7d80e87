"""Values of a spec that a program made, and that are not what they should be."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings

from nri_cdi.cdi.model import ContainerEdits, Device, DeviceNode, Hook, IntelRdt, Spec
from nri_cdi.cdi.modeltypes import wrong_types
from nri_cdi.cdi.problems import MAX_PROBLEMS
from nri_cdi.errors import Problem
from tests.unit.cdi.strategies import specs


class Stage(StrEnum):
    """A text, and more than that."""

    PRESTART = "prestart"


class Number(IntEnum):
    """A number, and more than that."""

    ONE = 1


def node(**rest: Any) -> ContainerEdits:
    return ContainerEdits(device_nodes=(DeviceNode(**{"path": "/dev/a", **rest}),))


def hook(**rest: Any) -> ContainerEdits:
    return ContainerEdits(
        hooks=(Hook(**{"hook_name": "poststop", "path": "/", **rest}),)
    )


def edits(**rest: Any) -> ContainerEdits:
    return ContainerEdits(**rest)


def spec(**rest: Any) -> Spec:
    return Spec(**{"cdi_version": "1.1.0", "kind": "v.com/c", **rest})


NODE = "containerEdits.deviceNodes[0]"


@pytest.mark.parametrize(
    ("value", "pointer", "wanted", "given"),
    [
        (spec(cdi_version=1.1), "cdiVersion", "str", "float"),
        (spec(kind=None), "kind", "str", "NoneType"),
        (spec(annotations=None), "annotations", "Mapping", "NoneType"),
        (spec(annotations={"a": 5}), "annotations.a", "str", "int"),
        (spec(devices=[]), "devices", "tuple", "list"),
        (spec(devices="ab"), "devices", "tuple", "str"),
        (spec(devices=("a",)), "devices[0]", "Device", "str"),
        (spec(devices=(Device(name=b"a"),)), "devices[0].name", "str", "bytes"),  # type: ignore[arg-type]
        (spec(container_edits=None), "containerEdits", "ContainerEdits", "NoneType"),
        (spec(container_edits=edits(env="A=b")), "containerEdits.env", "tuple", "str"),
        (
            spec(container_edits=edits(env=("A=b", 1))),
            "containerEdits.env[1]",
            "str",
            "int",
        ),
        (
            spec(container_edits=edits(additional_gids=("1",))),
            "containerEdits.additionalGids[0]",
            "int",
            "str",
        ),
        (
            spec(container_edits=edits(intel_rdt={})),
            "containerEdits.intelRdt",
            "IntelRdt",
            "dict",
        ),
        (
            spec(container_edits=edits(intel_rdt=IntelRdt(schemata=["a"]))),  # type: ignore[arg-type]
            "containerEdits.intelRdt.schemata",
            "tuple",
            "list",
        ),
        (spec(container_edits=node(major=1.5)), f"{NODE}.major", "int", "float"),
        (spec(container_edits=node(major=True)), f"{NODE}.major", "int", "bool"),
        (
            spec(container_edits=node(minor=Number.ONE)),
            f"{NODE}.minor",
            "int",
            "Number",
        ),
        (spec(container_edits=node(file_mode="rw")), f"{NODE}.fileMode", "int", "str"),
        (
            spec(container_edits=node(host_path=None)),
            f"{NODE}.hostPath",
            "str",
            "NoneType",
        ),
        (
            spec(container_edits=hook(hook_name=Stage.PRESTART)),
            "containerEdits.hooks[0].hookName",
            "str",
            "Stage",
        ),
        ("a text", "", "Spec", "str"),
    ],
)
def test_a_value_of_another_type_is_named(
    value: object, pointer: str, wanted: str, given: str
) -> None:
    message = f"the value must be of type {wanted}, not {given}"
    assert wrong_types(value) == [
        Problem(rule="wrong-type", message=message, pointer=pointer)
    ]


def test_a_key_of_another_type_is_named() -> None:
    assert wrong_types(spec(annotations={5: "a"})) == [
        Problem(
            rule="wrong-type",
            message="a key must be of type str, not int",
            pointer="annotations",
        )
    ]


def test_any_mapping_is_one() -> None:
    for mapping in ({"a": "b"}, MappingProxyType({"a": "b"})):
        assert wrong_types(spec(annotations=mapping)) == []


def test_no_more_are_found_than_are_reported() -> None:
    many = spec(container_edits=edits(env=(1,) * (MAX_PROBLEMS + 1)))
    assert len(wrong_types(many)) == MAX_PROBLEMS


@given(specs)
@settings(max_examples=50)
def test_what_could_be_read_has_the_right_types(made: Spec) -> None:
    assert wrong_types(made) == []
