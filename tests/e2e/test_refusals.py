"""What can't be had is refused: with the reason, and without a trace."""

from __future__ import annotations

import pytest

from testbed.cri import CriError
from tests.e2e import specs
from tests.e2e.node import Node

KIND = specs.KIND
PREFIX = "nri-cdi: "
MESSAGE_LIMIT = 4096
"""More than anyone reads in the events of a pod."""


@pytest.fixture
def furnished(node: Node) -> Node:
    """A node with good devices and with such as can't be had."""
    missing = {"path": "/dev/given", "hostPath": str(node.folder / "missing")}
    mount = {"hostPath": str(node.folder / "gone"), "containerPath": "/mnt/gone"}
    devices = {
        "good": specs.env(GOOD="yes"),
        "no-node": {"deviceNodes": [missing]},
        "no-source": {"mounts": [{**mount, "options": ["bind"]}]},
        "twice": specs.env(FROM="a"),
    }
    specs.write(node.spec_dir / "a.json", specs.spec(devices))
    twice = specs.spec({"twice": specs.env(FROM="b")})
    specs.write(node.spec_dir / "b.json", twice)
    (node.spec_dir / "broken.yaml").write_text("cdiVersion: 0.6.0\n}")
    return node


NAMES = (
    (
        "unknown device",
        f"{KIND}=godo",
        f"unresolvable CDI device: '{KIND}=godo' is in no spec (near: good)",
    ),
    (
        "unknown kind",
        "vendor.test/devise=good",
        "unresolvable CDI device: 'vendor.test/devise=good' is in no spec, nor is its "
        f"kind (near: {KIND})",
    ),
    (
        "one known, one not",
        f"{KIND}=good,{KIND}=none",
        f"unresolvable CDI device: '{KIND}=none' is in no spec",
    ),
    (
        "conflict",
        f"{KIND}=twice",
        f"unresolvable CDI device: '{KIND}=twice' is defined more than once, "
        "in {dir}/a.json, {dir}/b.json; keep only one",
    ),
    (
        "missing device node",
        f"{KIND}=no-node",
        f"device {KIND}=no-node ({{dir}}/a.json): deviceNodes[0]: ",
    ),
)


@pytest.mark.parametrize(
    ("names", "message"), [row[1:] for row in NAMES], ids=[row[0] for row in NAMES]
)
def test_a_device_that_can_not_be_had_is_refused(
    furnished: Node, names: str, message: str
) -> None:
    refusal = furnished.refusal(*names.split(","))

    assert PREFIX + message.format(dir=furnished.spec_dir) in refusal
    assert_served(furnished)


def test_a_refusal_names_the_specs_that_did_not_load(furnished: Node) -> None:
    refusal = furnished.refusal(f"{KIND}=none")

    assert f"did not load: {furnished.spec_dir}/broken.yaml:2" in refusal


VALUES = (
    ("empty", "", "annotation 'cdi.k8s.io/x': it is empty; it takes device names"),
    ("blank", " \n\t", "annotation 'cdi.k8s.io/x': it is empty; it takes device names"),
    ("no kind", "gpu0", "annotation 'cdi.k8s.io/x': "),
    ("no device", f"{KIND}=", "annotation 'cdi.k8s.io/x': "),
    ("bad vendor", "-vendor/class=name", "annotation 'cdi.k8s.io/x': "),
    (
        "a comma too many",
        f"{KIND}=good,,{KIND}=good",
        "annotation 'cdi.k8s.io/x': name 2 of 3 is empty: there is a comma too many",
    ),
    ("names a line each", f"{KIND}=good\n{KIND}=good", "annotation 'cdi.k8s.io/x': "),
    ("a list", f'["{KIND}=good"]', "annotation 'cdi.k8s.io/x': "),
    ("control characters", f"{KIND}=good\x00\x1b[31m", "annotation 'cdi.k8s.io/x': "),
    ("other scripts", "vendör.test/gerät=eins", "annotation 'cdi.k8s.io/x': "),
    ("long", "x" * 100_000, "annotation 'cdi.k8s.io/x': "),
    ("long list", "x," * 50_000, "annotation 'cdi.k8s.io/x': "),
    ("a path", "../../etc/passwd", "annotation 'cdi.k8s.io/x': "),
)


@pytest.mark.parametrize(
    ("value", "message"), [row[1:] for row in VALUES], ids=[row[0] for row in VALUES]
)
def test_an_annotation_that_makes_no_sense_is_refused(
    furnished: Node, value: str, message: str
) -> None:
    with furnished.pod({"cdi.k8s.io/x": value}) as pod:
        refusal = pod.refused()

    assert PREFIX + message in refusal
    assert refusal.isprintable()
    assert len(refusal) < MESSAGE_LIMIT
    assert_served(furnished)


def test_only_the_container_that_is_meant_is_refused(furnished: Node) -> None:
    annotations = {
        "cdi.k8s.io/container.bad": f"{KIND}=none",
        "cdi.k8s.io/container.good": f"{KIND}=good",
    }
    with furnished.pod(annotations) as pod:
        assert f"'{KIND}=none' is in no spec" in pod.refused("bad")
        assert pod.run("good").env()["GOOD"] == "yes"
        assert "GOOD" not in pod.run("other").env()


def test_a_refused_container_can_be_created_once_its_spec_is_there(node: Node) -> None:
    with node.pod({"cdi.k8s.io/x": f"{KIND}=late"}) as pod:
        for _ in range(3):
            assert f"'{KIND}=late' is in no spec" in pod.refused()
        late = specs.spec({"late": specs.env(LATE="yes")})
        specs.write(node.spec_dir / "late.json", late)
        assert pod.run().env()["LATE"] == "yes"


def test_a_mount_without_its_source_fails_the_container_alone(furnished: Node) -> None:
    # The plugin can't tell, as it may see another file system than the runtime does.
    with (
        furnished.created(f"{KIND}=no-source") as container,
        pytest.raises(CriError, match="gone"),
    ):
        container.start()
    assert_served(furnished)


def assert_served(node: Node) -> None:
    """The plugin is still connected: the next container gets its device."""
    with node.created(f"{KIND}=good") as container:
        assert "GOOD=yes" in container.config()["process"]["env"]
