"""What users ask for first: devices that a pod's annotations name."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from tests.e2e import specs
from tests.e2e.node import Node

MOCK = "mock.com/gpu"
MOCK_DEVICES = 8
BIND = ["ro", "nosuid", "nodev", "bind"]


@pytest.fixture
def mock_node(node: Node) -> Node:
    """A node with eight mock devices, each a device node and a library."""
    devices = {}
    for number in range(MOCK_DEVICES):
        name = f"device_{number}"
        host = specs.make_node(node.folder / f"dev/mock/{name}", "c", 1, 3)
        library = specs.make_file(node.folder / f"so/{name}.so", f"library {number}")
        devices[name] = {
            "deviceNodes": [{"hostPath": str(host), "path": f"/dev/mock/{name}"}],
            "mounts": [
                {
                    "hostPath": str(library),
                    "containerPath": f"/mock/so/{name}.so",
                    "options": BIND,
                }
            ],
        }
    script = specs.make_program(
        node.folder / "bin/list_device.sh", "#!/bin/sh\nls /dev/mock\n"
    )
    tool = {
        "hostPath": str(script),
        "containerPath": "/usr/local/bin/list_device.sh",
        "options": BIND,
    }
    mock = specs.spec(devices, kind=MOCK, edits={"mounts": [tool]})
    specs.write(node.spec_dir / "mock.json", mock)
    return node


def mock_names(numbers: Sequence[int]) -> list[str]:
    return [f"{MOCK}=device_{number}" for number in numbers]


def test_each_pod_of_the_tutorial_gets_its_own_devices(mock_node: Node) -> None:
    with (
        mock_node.running(*mock_names([0, 1, 2, 3])) as four,
        mock_node.running(*mock_names([4, 5, 6])) as three,
    ):
        first = four.output("/usr/local/bin/list_device.sh").split()
        second = three.output("/usr/local/bin/list_device.sh").split()
        libraries = three.output("/bin/cat", "/mock/so/device_5.so")

    assert first == [f"device_{number}" for number in (0, 1, 2, 3)]
    assert second == [f"device_{number}" for number in (4, 5, 6)]
    assert libraries == "library 5"


def test_a_container_gets_its_own_devices_in_addition_to_its_pods(
    mock_node: Node,
) -> None:
    annotations = {
        "cdi.k8s.io/all": "mock.com/gpu=device_0",
        "cdi.k8s.io/container.train": "mock.com/gpu=device_1, mock.com/gpu=device_0",
        "cdi.k8s.io/container.serve": "mock.com/gpu=device_2",
        "example.com/container.serve": "mock.com/gpu=device_3",
    }
    with mock_node.pod(annotations) as pod:
        got = {
            name: pod.run(name).output("/usr/local/bin/list_device.sh").split()
            for name in ("train", "serve", "log")
        }

    assert got == {
        "train": ["device_0", "device_1"],
        "serve": ["device_0", "device_2"],
        "log": ["device_0"],
    }


def test_one_annotation_can_name_64_devices(node: Node) -> None:
    host = specs.make_node(node.folder / "null", "c", 1, 3)
    names = [f"d{number:02}" for number in range(64)]
    devices = {
        name: {
            "deviceNodes": [{"hostPath": str(host), "path": f"/dev/many/{name}"}],
            **specs.env(**{f"HAS_{name}": "yes"}),
        }
        for name in names
    }
    specs.write(node.spec_dir / "many.json", specs.spec(devices))

    with node.running(*(f"{specs.KIND}={name}" for name in names)) as container:
        listed = container.output("/bin/ls", "/dev/many").split()
        env = container.env()

    assert listed == names
    assert [name for name in names if env.get(f"HAS_{name}") == "yes"] == names


@pytest.mark.parametrize(
    "value",
    [
        "mock.com/gpu=device_0,mock.com/gpu=device_6",
        "  mock.com/gpu=device_0 ,\tmock.com/gpu=device_6  ",
        "mock.com/gpu=device_0,\n  mock.com/gpu=device_6\n",
        "mock.com/gpu=device_0,mock.com/gpu=device_6,mock.com/gpu=device_0",
    ],
    ids=["plain", "blanks", "yaml block", "repeated"],
)
def test_blanks_line_ends_and_repetitions_do_not_matter(
    mock_node: Node, value: str
) -> None:
    with mock_node.pod({"cdi.k8s.io/gpus": value}) as pod:
        listed = pod.run().output("/usr/local/bin/list_device.sh").split()

    assert listed == ["device_0", "device_6"]


@pytest.mark.parametrize(
    "annotations",
    [{}, {"cdi.k8s.io.example.com/gpu": "mock.com/gpu=device_0"}],
    ids=["none", "alike"],
)
def test_a_container_that_asks_for_nothing_is_as_without_the_plugin(
    mock_node: Node, annotations: dict[str, str]
) -> None:
    with mock_node.pod(annotations) as pod:
        present = pod.create()
        with_plugin = json.dumps(present.config()).replace(present.id, "ID")
        present.remove()
        assert mock_node.plugin.stop() == 0
        absent = pod.create()
        without_plugin = json.dumps(absent.config()).replace(absent.id, "ID")

    assert json.loads(with_plugin) == json.loads(without_plugin)
