"""Two plugins for the same annotation, as there are for a while during a migration.

The other one does with a pod's annotation what the plugin of NVIDIA's toolkit does: it
hands the names in it to the runtime.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from testbed.containerd import Containerd
from tests.e2e import specs
from tests.e2e.node import Node, Pod
from tests.e2e.pluginprocess import PluginProcess

ALIAS = "nvidia.cdi.k8s.io"
DEVICE = f"{specs.KIND}=one"

OTHER = f"""\
#!{sys.executable}
import sys
from nri_cdi.nri import Plugin, api, run

class Other(Plugin):
    def create_container(self, request):
        response = api.CreateContainerResponse()
        value = request.pod.annotations.get({ALIAS!r}, "")
        for name in filter(None, value.split(",")):
            response.adjust.CDI_devices.add(name=name)
        return response

    def synchronized(self, runtime):
        print("synchronized", flush=True)

run(Other("other", "20"), sys.argv[-1])
"""


@contextmanager
def node_with_both(
    containerd: Containerd, folder: Path, injection: str
) -> Iterator[Node]:
    """The plugin with the other one's alias on, and the other one."""
    config, program = folder / "config.yaml", folder / "other"
    config.write_text(yaml.safe_dump({"aliases": [ALIAS], "injection": injection}))
    program.write_text(OTHER)
    program.chmod(0o755)
    socket, spec_dir = str(containerd.nri_socket), containerd.cdi_spec_dir
    ours = PluginProcess(
        ["--socket", socket, "--spec-dir", str(spec_dir), "--config", str(config)],
        log=folder / "plugin.log",
        environment=containerd.environment,
    )
    other = PluginProcess(
        [socket],
        log=folder / "other.log",
        environment=containerd.environment,
        program=program,
    )
    with ours, other:
        for plugin in (ours, other):
            plugin.await_serving()
        yield Node(containerd=containerd, plugin=ours, spec_dir=spec_dir, folder=folder)


@contextmanager
def asking_pod(node: Node) -> Iterator[Pod]:
    """A pod that asks for a device in the way of the alias."""
    char = specs.make_node(node.folder / "char", "c", 1, 11)
    library = specs.make_file(node.folder / "library.so", "")
    edits = {
        "env": ["COLOUR=blue"],
        "deviceNodes": [{"path": "/dev/given", "hostPath": str(char)}],
        "mounts": [
            {
                "hostPath": str(library),
                "containerPath": "/library.so",
                "options": ["ro", "bind"],
            }
        ],
        "hooks": [
            {"hookName": "createContainer", "path": "/bin/true", "args": ["true", "1"]}
        ],
    }
    specs.write(node.spec_dir / "one.json", specs.spec({"one": edits}))
    with node.pod({ALIAS: DEVICE}) as pod:
        yield pod


def test_with_both_plugins_nodes_and_mounts_come_once_and_hooks_run_twice(
    resolving: Containerd, tmp_path: Path
) -> None:
    with node_with_both(resolving, tmp_path, "auto") as node, asking_pod(node) as pod:
        config = pod.create().config()
        times = 2 if node.runtime.capabilities.delegated_cdi else 1
    # A variable that is there twice has the same value twice.
    assert config["process"]["env"].count("COLOUR=blue") == times
    nodes = [device["path"] for device in config["linux"]["devices"]]
    assert nodes.count("/dev/given") == 1
    mounts = [mount["destination"] for mount in config["mounts"]]
    assert mounts.count("/library.so") == 1
    assert len(config["hooks"]["createContainer"]) == times


def test_with_both_plugins_a_name_that_both_delegate_fails_the_container(
    resolving: Containerd, tmp_path: Path
) -> None:
    with (
        node_with_both(resolving, tmp_path, "delegate") as node,
        asking_pod(node) as pod,
    ):
        refusal = pod.refused()
        honoured = node.runtime.capabilities.delegated_cdi
    words = "both tried to set" if honoured else "drops delegated devices"
    assert words in refusal
