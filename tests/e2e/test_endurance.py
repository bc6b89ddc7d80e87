"""Many containers in a row: nothing of the plugin grows."""

from __future__ import annotations

from tests.e2e import specs
from tests.e2e.node import Node, Pod, asking
from tests.e2e.pluginprocess import descriptors, resident_kib

DEVICE = f"{specs.KIND}=one"
WARM_UP = 30
CONTAINERS = 300
GROWTH_KIB = 512
"""It comes to some 10 KiB. To keep but the bytes of each request, 3 KB at least, would
come to 900 KiB."""


def test_descriptors_and_memory_do_not_grow(node: Node) -> None:
    host = specs.make_node(node.folder / "host", "c", 1, 3)
    device = {
        "deviceNodes": [{"path": "/dev/given", "hostPath": str(host)}],
        **specs.env(GIVEN="yes"),
    }
    specs.write(node.spec_dir / "one.json", specs.spec({"one": device}))
    pid = node.plugin.pid

    with node.pod(asking(DEVICE)) as pod:
        run_and_remove(pod, WARM_UP)
        open_before, memory_before = descriptors(pid), resident_kib(pid)
        run_and_remove(pod, CONTAINERS)
        open_after, memory_after = descriptors(pid), resident_kib(pid)

    assert open_after == open_before
    assert memory_after <= memory_before + GROWTH_KIB
    injections = node.plugin.log_text().count(f"injected {DEVICE}")
    assert injections == WARM_UP + CONTAINERS


def run_and_remove(pod: Pod, count: int) -> None:
    for number in range(count):
        pod.run(f"container-{number}").remove()
