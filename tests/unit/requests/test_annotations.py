"""Annotations of CDI's own: which are read, in which order, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi._pb.nri.api_pb2 import PodSandbox
from nri_cdi.cdi.names import parse_qualified_name
from nri_cdi.errors import AnnotationError
from nri_cdi.requests import (
    MAX_NAMES,
    MAX_PROBLEMS,
    NO_REQUEST,
    Place,
    Request,
    Source,
    requested_devices,
)

GPU_0, GPU_1, NET = "vendor.com/gpu=0", "vendor.com/gpu=1", "vendor.com/net=eth1"


def refused(annotations: Mapping[str, str]) -> str:
    with pytest.raises(AnnotationError) as raised:
        requested_devices(annotations, "main")
    return str(raised.value)


@pytest.mark.parametrize(
    "annotations",
    [
        {},
        {"kubernetes.io/config.source": "api"},
        {"cdi.k8s.io": GPU_0},
        {"x.cdi.k8s.io/gpu": GPU_0},
        {"CDI.k8s.io/gpu": GPU_0},
        {"cdi.k8s.io/container.other": GPU_0},
        {"cdi.k8s.io/container.main2": GPU_0},
        {"cdi.k8s.io/container.mai": "not looked at"},
    ],
)
def test_without_an_annotation_that_applies_nothing_is_requested(
    annotations: dict[str, str],
) -> None:
    assert requested_devices(annotations, "main") is NO_REQUEST


@pytest.mark.parametrize(
    ("annotations", "devices"),
    [
        ({"cdi.k8s.io/gpu": GPU_0}, (GPU_0,)),
        ({"cdi.k8s.io/pod": GPU_0}, (GPU_0,)),
        ({"cdi.k8s.io/container.main": GPU_0}, (GPU_0,)),
        ({"cdi.k8s.io/containers": GPU_0}, (GPU_0,)),
        ({"cdi.k8s.io/container": GPU_0}, (GPU_0,)),
        ({"cdi.k8s.io/gpu": f"{GPU_1},{GPU_0}"}, (GPU_1, GPU_0)),
        ({"cdi.k8s.io/gpu": f" {GPU_1} ,\t{GPU_0}\r\n"}, (GPU_1, GPU_0)),
        ({"cdi.k8s.io/gpu": f"{GPU_1},{GPU_0},{GPU_1}"}, (GPU_1, GPU_0)),
        ({"cdi.k8s.io/b": GPU_0, "cdi.k8s.io/a": GPU_1}, (GPU_1, GPU_0)),
        (
            {
                "cdi.k8s.io/pod": f"{NET},{GPU_0}",
                "cdi.k8s.io/container.main": f"{GPU_1},{NET}",
                "cdi.k8s.io/container.other": "not looked at",
            },
            (GPU_1, NET, GPU_0),
        ),
        ({"cdi.k8s.io/gpu": "vendor.com/gpu=a:b_c.d-e"}, ("vendor.com/gpu=a:b_c.d-e",)),
    ],
)
def test_names_come_in_the_order_of_keys_and_each_once(
    annotations: dict[str, str], devices: tuple[str, ...]
) -> None:
    assert requested_devices(annotations, "main").devices == devices


def test_a_protobuf_map_is_read_like_a_dict() -> None:
    annotations = {"cdi.k8s.io/b": GPU_0, "cdi.k8s.io/a": GPU_1, "other": "x"}
    pod = PodSandbox(annotations=annotations)
    assert requested_devices(pod.annotations, "main") == requested_devices(
        annotations, "main"
    )


def test_a_request_tells_every_annotation_that_names_a_device() -> None:
    annotations = {
        "cdi.k8s.io/z": f"{GPU_0},{GPU_0}",
        "cdi.k8s.io/a": f"{GPU_1},{GPU_0}",
    }
    a, z = (Source(place=Place.ANNOTATION, name=f"cdi.k8s.io/{name}") for name in "az")
    sources = requested_devices(annotations, "main").sources
    assert sources == {GPU_1: (a,), GPU_0: (a, z)}


EMPTY = (
    "it is empty; it takes device names, comma separated: "
    "vendor/class=name, vendor/class=name"
)
NO_KEY = "it needs a name behind the slash: cdi.k8s.io/<any name>"
NO_CONTAINER = "it needs a container's name: cdi.k8s.io/container.<container>"


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("cdi.k8s.io/gpu", "", EMPTY),
        ("cdi.k8s.io/gpu", " \t\r\n", EMPTY),
        ("cdi.k8s.io/container.main", "", EMPTY),
        ("cdi.k8s.io/", GPU_0, NO_KEY),
        ("cdi.k8s.io/", "", NO_KEY),
        ("cdi.k8s.io/container.", GPU_0, NO_CONTAINER),
        (
            "cdi.k8s.io/gpu",
            f"{GPU_0},",
            "name 2 of 2 is empty: there is a comma too many",
        ),
        (
            "cdi.k8s.io/gpu",
            f"{GPU_0}, ,{GPU_1}",
            "name 2 of 3 is empty: there is a comma too many",
        ),
        (
            "cdi.k8s.io/gpu",
            "vendor.com/gpu",
            "'vendor.com/gpu' is not a qualified device name (vendor/class=name): "
            "it has no '='",
        ),
        (
            "cdi.k8s.io/gpu",
            f"{GPU_0} {GPU_1}",
            "'vendor.com/gpu=0 vendor.com/gpu=1' is not a qualified device name "
            "(vendor/class=name): device name '0 vendor.com/gpu=1' has ' ' in it; "
            "only letters, digits, '_', '.', ':' and '-' are allowed",
        ),
        (
            "cdi.k8s.io/gpu",
            "a\x1b[31m",
            "'a\\x1b[31m' is not a qualified device name (vendor/class=name): "
            "it has no '='",
        ),
        (
            "cdi.k8s.io/gpu",
            "x" * 1_000_000,
            f"'{'x' * 64}'... (1000000 characters) is not a qualified device name "
            "(vendor/class=name): it has no '='",
        ),
        (
            "cdi.k8s.io/gpu",
            "," * MAX_NAMES,
            "with it the container requests more than 1024 names",
        ),
        (
            "cdi.k8s.io/gpu",
            "," * 3_000_000,
            "with it the container requests more than 1024 names",
        ),
    ],
)
def test_a_bad_annotation_is_refused_with_its_key_and_reason(
    key: str, value: str, problem: str
) -> None:
    assert refused({key: value}) == f"annotation {key!r}: {problem}"


def test_an_annotation_key_is_quoted_and_clipped() -> None:
    key = "cdi.k8s.io/\n" + "x" * 10_000
    assert refused({key: ""}) == f"annotation {key[:317]!r}: {EMPTY}"


def test_all_that_is_wrong_about_a_container_is_in_one_error() -> None:
    annotations = {
        "cdi.k8s.io/b": f"{GPU_0},x,{GPU_1},",
        "cdi.k8s.io/": GPU_0,
        "cdi.k8s.io/a": "",
        "cdi.k8s.io/container.other": "y",
    }
    assert refused(annotations) == (
        f"annotation 'cdi.k8s.io/': {NO_KEY}; "
        f"annotation 'cdi.k8s.io/a': {EMPTY}; "
        "annotation 'cdi.k8s.io/b': 'x' is not a qualified device name "
        "(vendor/class=name): it has no '='; "
        "annotation 'cdi.k8s.io/b': name 4 of 4 is empty: there is a comma too many"
    )


def test_an_error_lists_only_so_many_problems() -> None:
    message = refused({"cdi.k8s.io/gpu": ",".join(["x"] * (MAX_PROBLEMS + 3))})
    assert message.count("annotation") == MAX_PROBLEMS
    assert message.endswith("; and 3 more")


def test_as_many_names_as_allowed_are_read() -> None:
    names = [f"vendor.com/gpu={number}" for number in range(MAX_NAMES)]
    half = MAX_NAMES // 2
    annotations = {
        "cdi.k8s.io/a": ",".join(names[:half]),
        "cdi.k8s.io/b": ",".join(names[half:]),
    }
    assert requested_devices(annotations, "main").devices == tuple(names)


def test_the_names_of_all_annotations_count_together() -> None:
    names = ",".join([GPU_0] * (MAX_NAMES // 2 + 1))
    assert refused({"cdi.k8s.io/a": names, "cdi.k8s.io/b": names}) == (
        "annotation 'cdi.k8s.io/b': with it the container requests more than 1024 names"
    )


keys = st.sampled_from(
    ["", "a", "pod", "container.", "container.main", "container.other"]
).map("cdi.k8s.io/".__add__) | st.text(max_size=20)
values = st.text(max_size=40) | st.lists(
    st.sampled_from([GPU_0, GPU_1, NET, " ", ""]), max_size=4
).map(",".join)


@given(annotations=st.dictionaries(keys, values, max_size=5), container=st.text())
def test_any_annotations_give_whole_names_or_one_error(
    annotations: dict[str, str], container: str
) -> None:
    try:
        request = requested_devices(annotations, container)
    except AnnotationError as error:
        assert str(error).isprintable()
        return
    assert [str(parse_qualified_name(name)) for name in request.devices] == list(
        dict.fromkeys(request.devices)
    )
    assert set(request.sources) == set(request.devices)


@given(
    annotations=st.dictionaries(keys, values, max_size=5),
    value=values,
)
def test_annotations_of_other_containers_change_nothing(
    annotations: dict[str, str], value: str
) -> None:
    def outcome(more: dict[str, str]) -> Request | str:
        try:
            return requested_devices(annotations | more, "main")
        except AnnotationError as error:
            return str(error)

    annotations.pop("cdi.k8s.io/container.third", None)
    assert outcome({"cdi.k8s.io/container.third": value}) == outcome({})
