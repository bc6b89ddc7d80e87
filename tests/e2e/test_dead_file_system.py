"""A file system that doesn't answer keeps no container of other devices waiting."""

from __future__ import annotations

import re
from signal import SIGHUP

import pytest

from testbed.deadfs import dead_file_system
from tests.e2e import specs
from tests.e2e.node import Node
from tests.e2e.pluginprocess import SERVING, serving, write_config

KIND = specs.KIND


@pytest.fixture
def furnished(node: Node) -> Node:
    """A node with a device on a file system that is still there, and one without."""
    folder = node.folder / "server"
    folder.mkdir()
    path = specs.make_node(folder / "far", "c", 1, 11)
    far = {"deviceNodes": [{"path": "/dev/far", "hostPath": str(path)}]}
    content = specs.spec({"far": far, "near": specs.env(NEAR="yes")})
    specs.write(node.spec_dir / "a.json", content)
    return node


def test_a_device_node_on_it_is_refused_and_others_are_given(furnished: Node) -> None:
    folder = furnished.folder / "server"
    with furnished.running(f"{KIND}=far") as container:
        assert container.output("/bin/stat", "-c", "%t:%T", "/dev/far") == "1:b\n"
    with dead_file_system(folder):
        assert (
            f"nri-cdi: device node '{folder}/far' of the host can't be looked at: no "
            "answer within 1 s; is its file system there?; asked for by annotation "
            "cdi.k8s.io/devices"
        ) in furnished.refusal(f"{KIND}=far")
        with furnished.running(f"{KIND}=near") as container:
            assert container.env()["NEAR"] == "yes"
        # Whoever comes next waits for nothing.
        refusal = furnished.refusal(f"{KIND}=far")
        assert f"'{folder}/far' of the host can't be looked at: an earlier" in refusal
        # The runtime has had an answer each time, and kept the plugin.
        assert furnished.plugin.log_text().count(SERVING) == 1
    with furnished.running(f"{KIND}=far") as container:
        assert container.has("/dev/far")
    assert furnished.plugin.stop() == 0


def test_the_plugin_ends_while_it_is_there(furnished: Node) -> None:
    with dead_file_system(furnished.folder / "server"):
        furnished.refusal(f"{KIND}=far")
        assert furnished.plugin.stop() == 0


def test_a_configuration_on_it_stays_as_it_was(furnished: Node) -> None:
    folder = furnished.folder / "etc"
    folder.mkdir()
    containerd, spec_dir = furnished.containerd, furnished.spec_dir
    furnished.plugin.stop()
    arguments = write_config(folder / "config.yaml", containerd, spec_dir, {})
    with (
        serving(containerd, arguments, furnished.folder / "other.log") as plugin,
        dead_file_system(folder),
    ):
        plugin.send(SIGHUP)
        plugin.await_line("SIGHUP")
        with furnished.running(f"{KIND}=near") as container:
            assert container.env()["NEAR"] == "yes"
        # It is being read all the time.
        assert "the configuration is read again" not in plugin.log_text()
        assert "the configuration stays as it was" not in plugin.log_text()
        assert plugin.stop() == 0


def test_specs_on_it_keep_the_plugin_from_nothing_else(furnished: Node) -> None:
    folder, config = furnished.folder / "dead", furnished.folder / "other.yaml"
    folder.mkdir()
    furnished.plugin.stop()
    containerd, spec_dir = furnished.containerd, furnished.spec_dir
    both = {"spec_dirs": [str(spec_dir), str(folder)]}
    with dead_file_system(folder):
        arguments = write_config(config, containerd, spec_dir, both)
        log = furnished.folder / "other.log"
        with serving(containerd, arguments, log) as plugin:
            # What is in the directory is not known, so nothing is given, and said so.
            assert re.search(
                # The runtime says how much is left when the request leaves it.
                "plugin nri-cdi had no answer to CreateContainer within the "
                r"(2|1\.9\d?) s that the runtime waits: the specs are still being "
                f"read, from {spec_dir}, {folder}$",
                furnished.refusal(f"{KIND}=near"),
            )
            with furnished.running() as container:
                assert container.env()["PATH"]
            # Without the directory it is well again.
            write_config(config, containerd, spec_dir, {})
            plugin.send(SIGHUP)
            plugin.await_line("the configuration is read again")
            with furnished.running(f"{KIND}=near") as container:
                assert container.env()["NEAR"] == "yes"
            assert plugin.stop() == 0
