"""Containers with a user namespace, where files of the host belong to nobody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testbed.cri import CriError
from tests.e2e import specs
from tests.e2e.node import Node, Pod, asking

DEVICE = f"{specs.KIND}=one"
HOST_ID = 100_000


@pytest.fixture
def pod(node: Node) -> Iterator[Pod]:
    """A pod with a user namespace that asks for a device with mounts."""
    file = specs.make_file(node.folder / "file", "of the host")
    options = {
        "/mnt/bind": ["ro", "bind"],
        "/mnt/rbind": ["ro", "rbind"],
        "/mnt/mapped": ["ro", "rbind", "idmap"],
    }
    mounts = [
        {"hostPath": str(file), "containerPath": path, "options": words}
        for path, words in options.items()
    ]
    tmpfs = {"hostPath": "tmpfs", "containerPath": "/mnt/tmpfs", "type": "tmpfs"}
    device = {"mounts": [*mounts, tmpfs]}
    specs.write(node.spec_dir / "one.json", specs.spec({"one": device}))
    pod_id = node.cri.run_pod(
        "mapped", annotations=asking(DEVICE), user_namespace=HOST_ID
    )
    yield Pod(cri=node.cri, id=pod_id)
    node.cri.remove_pod(pod_id)


def test_bind_mounts_are_mapped_to_the_users_of_the_container(pod: Pod) -> None:
    mounts = pod.create().config()["mounts"]

    options = {mount["destination"]: mount["options"] for mount in mounts}
    assert options["/mnt/bind"] == ["ro", "bind", "rprivate", "idmap"]
    assert options["/mnt/rbind"] == ["ro", "rbind", "rprivate", "ridmap"]
    assert options["/mnt/mapped"] == ["ro", "rbind", "idmap", "rprivate"]
    assert options["/mnt/tmpfs"] == ["rprivate"]


def test_a_mapped_container_runs_where_the_runtime_can_run_one(pod: Pod) -> None:
    container = pod.create()
    try:
        container.start()
    except CriError as error:
        # containerd 2 asks runc first, and runc has it from 1.2 on.
        assert "idmap mounts not supported" in error.details
    else:
        assert container.output("/bin/cat", "/mnt/bind") == "of the host"
        assert str(HOST_ID) in container.output("/bin/cat", "/proc/self/uid_map")
