from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from types import MappingProxyType

import pytest

from nri_cdi.cdi.model import ContainerEdits, Device, Spec

SPEC = Spec(
    cdi_version="0.6.0",
    kind="vendor.com/device",
    annotations=MappingProxyType({"a": "b"}),
    devices=(Device(name="a", container_edits=ContainerEdits(env=("A=b",))),),
)


def _pickled(spec: Spec) -> Spec:
    again: Spec = pickle.loads(pickle.dumps(spec))  # noqa: S301  # our own
    return again


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, _pickled])
def test_a_spec_can_go_to_another_place(duplicate: Callable[[Spec], Spec]) -> None:
    again = duplicate(SPEC)
    assert again == SPEC
    assert again is not SPEC


@pytest.mark.parametrize("duplicate", [copy.deepcopy, _pickled])
def test_what_arrives_there_is_as_frozen(duplicate: Callable[[Spec], Spec]) -> None:
    with pytest.raises(TypeError):
        duplicate(SPEC).annotations["a"] = "c"  # type: ignore[index]  # that is tested
