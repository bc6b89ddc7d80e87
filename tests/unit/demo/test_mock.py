from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import yaml

from demo import mock
from demo.mock import GPUS, Node, camera_spec, gpu_spec, make_gpus


def test_every_gpu_has_a_node_and_a_library(tmp_path: Path) -> None:
    nodes = make_gpus(tmp_path / "mock")
    assert tuple(nodes) == GPUS
    for name, node in nodes.items():
        assert stat.S_ISCHR(node.path.stat().st_mode)
        library = tmp_path / f"mock/so/{name}.so"
        assert library.read_text() == f"library of {name}\n"


def test_where_no_node_can_be_made_null_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "mknod", refuse)
    assert mock.make_node(tmp_path / "node", 1) == Node(
        path=Path("/dev/null"), numbers=(1, 3)
    )


def test_the_spec_of_a_gpu() -> None:
    node = Node(path=Path("/host/device_3"), numbers=(240, 3))
    document = yaml.safe_load(gpu_spec(Path("/host"), {"device_3": node}))
    options = ["ro", "nosuid", "nodev", "bind"]
    assert document == {
        "cdiVersion": "0.5.0",
        "kind": "mock.com/gpu",
        "devices": [
            {
                "name": "device_3",
                "containerEdits": {
                    "deviceNodes": [
                        {
                            "path": "/dev/mock/device_3",
                            "hostPath": "/host/device_3",
                            "type": "c",
                            "permissions": "rw",
                        }
                    ],
                    "mounts": [
                        {
                            "hostPath": "/host/so/device_3.so",
                            "containerPath": "/mock/so/device_3.so",
                            "options": options,
                        }
                    ],
                },
            }
        ],
        "containerEdits": {
            "mounts": [
                {
                    "hostPath": "/host/list_device.sh",
                    "containerPath": "/usr/local/bin/list_device.sh",
                    "options": options,
                }
            ]
        },
    }


def test_the_spec_of_the_camera_has_a_variable() -> None:
    node = Node(path=Path("/host/camera"), numbers=(240, 100))
    (device,) = yaml.safe_load(camera_spec(node))["devices"]
    assert device["name"] == "front"
    assert device["containerEdits"]["env"] == ["MOCK_CAMERA=front"]
