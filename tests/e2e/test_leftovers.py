"""The search for leftovers at the end of the session finds what a runtime has."""

from __future__ import annotations

from tests.e2e.leftovers import Leftovers
from tests.e2e.node import Node


def test_a_runtime_that_runs_is_full_of_leftovers(node: Node) -> None:
    search = Leftovers()
    search.watch(node.containerd.run_dir)
    with node.running():
        found = search.find()

    kinds = {each.partition(" ")[0] for each in found}
    assert kinds == {"process", "mount", "socket", "cgroup", "folder"}
    assert f"process {node.plugin.pid}" in found
    assert f"socket {node.containerd.nri_socket}" in found
