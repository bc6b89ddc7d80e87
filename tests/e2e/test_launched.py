"""The plugin as a program that the runtime starts, from its plugin directory."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nri_cdi.doctor import Facts, Node, Plugin
from testbed.containerd import Containerd
from tests.e2e import specs
from tests.e2e.leftovers import Leftovers
from tests.e2e.node import Pod, asking
from tests.e2e.pluginprocess import PROGRAM

NAME = "10-nri-cdi"
DEVICE = f"{specs.KIND}=one"
ENDING_S = 5
POLL_S = 0.02

Install = Callable[[Path], object]


def linked(path: Path) -> None:
    path.symlink_to(PROGRAM)


def copied(path: Path) -> None:
    shutil.copy(PROGRAM, path)


@contextmanager
def launching(
    version: str, leftovers: Leftovers, config: str | None, install: Install = linked
) -> Iterator[Containerd]:
    """A runtime of the test's own that starts the plugin, with this configuration."""
    configs = {} if config is None else {f"{NAME}.conf": config}
    private = Containerd(version, plugin_configs=configs)
    leftovers.watch(private.run_dir)
    install(private.settings.plugin_dir / NAME)
    with private:
        yield private


@contextmanager
def pod_of(containerd: Containerd, *devices: str) -> Iterator[Pod]:
    with containerd.cri.pod("pod", annotations=asking(*devices)) as pod_id:
        yield Pod(cri=containerd.cri, id=pod_id)


@pytest.fixture
def config(spec_dir: Path) -> str:
    """A configuration that names the one place with the test's device."""
    specs.write(spec_dir / "one.json", specs.spec({"one": specs.env(GIVEN="yes")}))
    return f"# of the test\nspec_dirs: [{spec_dir}]\n"


def plugins_of(containerd: Containerd) -> list[Path]:
    """The processes, in ``/proc``, that the runtime started as its plugin."""
    argument = str(containerd.settings.plugin_dir / NAME).encode()
    return [
        path.parent
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if argument in _read(path).split(b"\0")
    ]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the process has ended
        return b""


@pytest.mark.parametrize("install", [linked, copied])
def test_a_launched_plugin_serves_with_the_runtimes_configuration(
    version: str, leftovers: Leftovers, config: str, install: Install
) -> None:
    with launching(version, leftovers, config, install) as containerd:
        (process,) = plugins_of(containerd)
        environ = _read(process / "environ").decode().split("\0")
        with pod_of(containerd, DEVICE) as pod:
            given = pod.run().env().get("GIVEN")

    assert {entry.partition("=")[0] for entry in environ if entry} == {
        "NRI_PLUGIN_SOCKET",
        "NRI_PLUGIN_NAME",
        "NRI_PLUGIN_IDX",
    }
    assert given == "yes"


def test_a_launched_plugin_ends_with_its_runtime_and_is_back_with_it(
    version: str, leftovers: Leftovers, config: str
) -> None:
    with (
        launching(version, leftovers, config) as containerd,
        pod_of(containerd, DEVICE) as pod,
    ):
        (before,) = plugins_of(containerd)
        containerd.kill()
        await_end(before)
        containerd.start()
        (after,) = plugins_of(containerd)
        given = pod.run().env().get("GIVEN")

    assert before != after
    assert given == "yes"


def await_end(process: Path) -> None:
    deadline = time.monotonic() + ENDING_S
    while _read(process / "cmdline"):
        assert time.monotonic() < deadline, f"{process} has not ended in {ENDING_S} s"
        time.sleep(POLL_S)


BROKEN = (
    ("not YAML", "spec_dirs: [", ":1:"),
    ("no mapping", "- spec_dirs", "expected a mapping of settings"),
    (
        "a misspelt key",
        "spec_dir: [/etc/cdi]",
        "unknown setting 'spec_dir'; did you mean",
    ),
    ("a wrong type", "spec_dirs: {a: b}", "spec_dirs: expected a list of directories"),
)


@pytest.mark.parametrize(
    ("config", "message"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_with_a_broken_configuration_only_containers_that_ask_are_refused(
    version: str, leftovers: Leftovers, config: str, message: str
) -> None:
    with launching(version, leftovers, config) as containerd:
        with pod_of(containerd, DEVICE) as pod:
            refusal = pod.refused()
        with pod_of(containerd) as pod:
            hostname = pod.run().output("/bin/hostname")

    assert "the plugin can't serve before its configuration is mended" in refusal
    assert message in refusal
    assert hostname


def test_without_a_configuration_the_plugin_has_the_defaults(
    version: str, leftovers: Leftovers
) -> None:
    with (
        launching(version, leftovers, None) as containerd,
        pod_of(containerd, "nobody.test/has=this") as pod,
    ):
        assert "'nobody.test/has=this' is in no spec" in pod.refused()


def test_the_doctor_reads_what_the_runtime_has_for_its_plugin(
    version: str, leftovers: Leftovers, config: str, spec_dir: Path
) -> None:
    with launching(version, leftovers, config) as containerd:
        path = containerd.settings.plugin_config_dir / f"{NAME}.conf"
        (process,) = plugins_of(containerd)
        facts = Facts(Node(), Plugin())
        [started] = [each for each in facts.processes if str(each.pid) == process.name]
        # Another test may have a runtime that started a plugin.
        facts.processes = tuple(
            each
            for each in facts.processes
            if each.pid in (started.pid, started.parent)
        )
        plugin = facts.launched

    assert plugin is not None
    assert plugin.launcher_pid == started.parent
    assert plugin.config_path == str(path)
    assert plugin.config.spec_dirs == (str(spec_dir),)
