"""All that a container requests: by annotations, by its environment, or by both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from nri_cdi.errors import RequestError
from nri_cdi.requests import NO_REQUEST, dialects, requested, requested_devices

GPU_0, GPU_1 = "vendor.com/gpu=0", "vendor.com/gpu=1"
ANNOTATIONS = {"cdi.k8s.io/gpu": GPU_0}
VARIABLES = (("GPUS", "vendor.com/gpu"),)
SPOKEN = dialects(())


class _Untouched(Sequence[str]):
    """An environment that must not be looked at."""

    def __getitem__(self, index: Any) -> Any:
        raise AssertionError("the environment was looked at")

    def __len__(self) -> int:
        raise AssertionError("the environment was looked at")


def test_without_variables_the_environment_is_not_looked_at() -> None:
    found = requested(ANNOTATIONS, "main", _Untouched(), SPOKEN, ())
    assert found is requested_devices(ANNOTATIONS, "main")


@pytest.mark.parametrize(
    ("annotations", "env", "devices"),
    [
        ({}, ["GPUS=none"], ()),
        ({}, ["GPUS=1"], (GPU_1,)),
        (ANNOTATIONS, ["GPUS="], (GPU_0,)),
        (ANNOTATIONS, ["GPUS=1"], (GPU_0, GPU_1)),
        (ANNOTATIONS, ["GPUS=1,0"], (GPU_0, GPU_1)),
        (ANNOTATIONS, ["GPUS=none"], (GPU_0,)),
    ],
)
def test_annotations_and_variables_add_up(
    annotations: dict[str, str], env: list[str], devices: tuple[str, ...]
) -> None:
    found = requested(annotations, "main", env, SPOKEN, VARIABLES)
    assert found.devices == devices
    assert bool(found) is (found is not NO_REQUEST)


def test_a_device_that_both_name_comes_once_and_has_both_to_blame() -> None:
    found = requested(ANNOTATIONS, "main", ["GPUS=0"], SPOKEN, VARIABLES)
    assert found.devices == (GPU_0,)
    assert found.blame(found.devices) == (
        "asked for by annotation cdi.k8s.io/gpu and variable GPUS"
    )


@pytest.mark.parametrize(
    ("annotations", "env", "what"),
    [
        ({"cdi.k8s.io/gpu": "x"}, ["GPUS=1"], "annotation 'cdi.k8s.io/gpu': "),
        (ANNOTATIONS, ["GPUS=!"], "variable 'GPUS': "),
        ({"cdi.k8s.io/gpu": "x"}, ["GPUS=!"], "annotation 'cdi.k8s.io/gpu': "),
    ],
)
def test_what_is_wrong_in_either_is_an_error(
    annotations: dict[str, str], env: list[str], what: str
) -> None:
    with pytest.raises(RequestError) as raised:
        requested(annotations, "main", env, SPOKEN, VARIABLES)
    assert str(raised.value).startswith(what)
