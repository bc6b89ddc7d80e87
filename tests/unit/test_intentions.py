"""Warnings about annotations of other plugins: off, misread, or of no account."""

from __future__ import annotations

import pytest

from nri_cdi.intentions import doubts
from nri_cdi.manifests import Container, Pod
from nri_cdi.requests import ALIASES, dialects

GPU = "vendor.com/gpu=0"
NEW, OLD, NVIDIA = ALIASES


def warnings(
    annotations: dict[str, str],
    *aliases: str,
    containers: tuple[str, ...] = ("train", "log"),
    outer: tuple[str, ...] = (),
) -> list[str]:
    pod = Pod(
        path="pod.yaml",
        kind="Deployment",
        name="a",
        namespace="",
        annotations=annotations,
        outer_annotations=outer,
        containers=tuple(Container(name=name, type="container") for name in containers),
    )
    return list(doubts(pod, dialects(aliases)))


@pytest.mark.parametrize(
    ("annotations", "aliases"),
    [
        ({NVIDIA: GPU}, [NVIDIA]),
        ({f"{NVIDIA}/pod": GPU}, [NVIDIA]),
        ({f"{NVIDIA}/pod": GPU, f"{NVIDIA}/container.train": GPU}, [NVIDIA]),
        ({f"{NEW}/container.log": f"[{GPU}]"}, [NEW, OLD]),
        # Off, and not such as the plugin would read if it were on.
        ({f"{NVIDIA}/": GPU, f"{NVIDIA}/gpu": GPU, f"{NVIDIA}x/pod": "x"}, []),
        # What that other plugin doesn't read either.
        ({"devices.noderesource.dev/gpu": "x", "sysctl.nri.io": "x"}, [NEW]),
    ],
)
def test_what_is_read_as_it_is_written_gives_no_warning(
    annotations: dict[str, str], aliases: list[str]
) -> None:
    assert warnings(annotations, *aliases) == []


@pytest.mark.parametrize("scope", ["", "/pod", "/container.train", "/container.other"])
@pytest.mark.parametrize("alias", ALIASES)
def test_an_annotation_of_an_alias_that_is_off_is_named(alias: str, scope: str) -> None:
    others = [other for other in ALIASES if other != alias]
    assert warnings({alias + scope: "x"}, *others) == [
        f"annotation '{alias}{scope}' asks for devices in the way of {alias}, "
        "which is off: see aliases in the configuration"
    ]


@pytest.mark.parametrize("key", ["/", "/gpu", "/pods", "/container", "/container."])
def test_a_key_that_an_alias_does_not_have_is_named(key: str) -> None:
    assert warnings({NVIDIA + key: GPU}, NVIDIA) == [
        f"annotation '{NVIDIA}{key}' asks for nothing: it must be "
        f"{NVIDIA}/container.<container>, {NVIDIA}/pod or {NVIDIA}"
    ]


def test_an_alias_for_a_container_that_is_not_there_is_named() -> None:
    assert warnings({f"{OLD}/container.trian": f"[{GPU}]"}, OLD) == [
        f"annotation '{OLD}/container.trian' is for a container that the pod does not "
        "have (near: train)"
    ]


@pytest.mark.parametrize(
    ("keys", "idle"),
    [
        ([NVIDIA, f"{NVIDIA}/pod"], NVIDIA),
        ([NEW, OLD], OLD),
        ([NEW, f"{OLD}/pod"], NEW),
        ([f"{NEW}/container.log", f"{OLD}/container.log"], f"{OLD}/container.log"),
        (
            [f"{NEW}/pod", f"{NEW}/container.log", f"{OLD}/container.train"],
            f"{NEW}/pod",
        ),
    ],
)
def test_a_key_that_others_go_before_for_every_container_is_named(
    keys: list[str], idle: str
) -> None:
    assert warnings(dict.fromkeys(keys, "x"), *ALIASES) == [
        f"annotation '{idle}' does not count: for each container that it is about, "
        "another goes before it"
    ]


@pytest.mark.parametrize(
    ("key", "value", "alias"),
    [
        ("nvidia.cdi.k8s.oi/pod", GPU, NVIDIA),
        ("nvidia.cdi.k8s.oi", GPU, NVIDIA),
        ("nvidia.\u0441di.k8s.io/pod", GPU, NVIDIA),
        ("Nvidia.CDI.k8s.io/pod", GPU, NVIDIA),
        ("cdi-device.noderesource.dev/pod", f"- x\n- '{GPU}'\n", NEW),
        ("cdi-devices.nri.oi", f"[{GPU},{GPU}]", OLD),
    ],
)
def test_a_key_that_looks_like_an_alias_is_named(
    key: str, value: str, alias: str
) -> None:
    assert warnings({key: value}, *ALIASES) == [
        f"annotation {key!r} names devices, but asks for none: "
        f"its prefix is not {alias}"
    ]


@pytest.mark.parametrize("scope", ["", "/pod", "/container.train", "/container.other"])
@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("devices.noderesource.dev", "device nodes"),
        ("devices.nri.io", "device nodes"),
        ("mounts.noderesource.dev", "mounts"),
        ("network-devices.nri.io", "network devices"),
        ("memory-policy.noderesource.dev", "a memory policy"),
        ("sysctl.noderesource.dev", "sysctls"),
    ],
)
def test_what_another_plugin_is_asked_for_is_named(
    key: str, what: str, scope: str
) -> None:
    value = "- path: /dev/null"
    assert warnings({key + scope: value}, NEW, OLD) == [
        f"annotation '{key}{scope}' asks another plugin (device-injector) for {what}; "
        "nri-cdi gives nothing for it"
    ]


def test_a_workloads_own_alias_is_not_its_pods() -> None:
    key = f"{NVIDIA}/pod"
    assert warnings({}, NVIDIA, outer=(key, f"{NEW}/pod")) == [
        f"annotation '{key}' is on the Deployment, and not on its pods: "
        "put it into spec.template.metadata.annotations"
    ]


@pytest.mark.parametrize(
    ("start", "aliases", "rest"),
    [
        (f"{NVIDIA}/x", [NVIDIA], f"that start with {NVIDIA} ask for nothing"),
        (
            f"{NVIDIA}/container.",
            [],
            f"ask for devices in the way of {NVIDIA}, which is off",
        ),
        (
            "mounts.nri.io/container.",
            [],
            "ask another plugin (device-injector) for mounts",
        ),
        (
            f"{NVIDIA}/container.",
            [NVIDIA],
            "are for containers that the pod does not have",
        ),
    ],
)
def test_of_many_alike_only_some_have_a_warning_each(
    start: str, aliases: list[str], rest: str
) -> None:
    found = warnings({f"{start}{index:02}": "x" for index in range(12)}, *aliases)
    assert len(found) == 11
    assert found[-1] == f"2 more annotations {rest}"
