"""Fixtures: real runtimes, each private; a plugin and a spec directory for each test.

The tests run once for each runtime. What to expect of it is asked of its version at the
time, so that they are right for later releases, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.containerd import Containerd
from tests.e2e.leftovers import Leftovers
from tests.e2e.node import Node, runtime_info
from tests.e2e.pluginprocess import STATUS, PluginProcess, serving

CONTAINERDS = ("2.1", "1.7")
"""The versions of `testbed.containerd.Containerd`."""

RUNTIMES = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RUNTIMES] = []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for runtime in config.stash[RUNTIMES]:
        terminalreporter.write_line(f"ran against {runtime}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def leftovers() -> Iterator[Leftovers]:
    """What the runtimes of the session must not leave behind, looked for at its end."""
    assert os.geteuid() == 0, "the tests against real runtimes need root"
    leftovers = Leftovers()
    yield leftovers
    found = leftovers.find()
    assert not found, f"left behind: {found}"


@pytest.fixture(scope="session", params=CONTAINERDS, ids=lambda v: f"containerd-{v}")
def version(request: pytest.FixtureRequest) -> str:
    """Which containerd; it decides nothing but which one is started."""
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="session")
def containerd(
    version: str, leftovers: Leftovers, pytestconfig: pytest.Config
) -> Iterator[Containerd]:
    """A runtime that runs, as released; its own CDI, where that is on, has no specs."""
    with Containerd(version) as containerd:
        leftovers.watch(containerd.run_dir)
        pytestconfig.stash[RUNTIMES].append(str(runtime_info(containerd)))
        yield containerd


@pytest.fixture
def resolving(version: str, leftovers: Leftovers) -> Iterator[Containerd]:
    """A runtime of the test's own that resolves the names of CDI devices itself."""
    with Containerd(version, enable_cdi=True) as containerd:
        leftovers.watch(containerd.run_dir)
        yield containerd


@pytest.fixture
def spec_dir(tmp_path: Path) -> Path:
    path = tmp_path / "cdi"
    path.mkdir()
    return path


@pytest.fixture
def settings() -> Mapping[str, Any]:
    """What the plugin's configuration file has; a module or a test may have its own."""
    return {}


@pytest.fixture
def config_file(settings: Mapping[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(dict(settings)))
    return path


@pytest.fixture
def plugin(
    containerd: Containerd,
    spec_dir: Path,
    settings: Mapping[str, Any],
    config_file: Path,
    tmp_path: Path,
) -> Iterator[PluginProcess]:
    """The plugin, connected to the runtime and serving."""
    arguments = ["--socket", str(containerd.nri_socket), "--spec-dir", str(spec_dir)]
    arguments += ["--config", str(config_file)]
    others = [STATUS] if "status" in settings else []
    with serving(containerd, arguments, tmp_path / "plugin.log", *others) as plugin:
        yield plugin


@pytest.fixture
def node(
    containerd: Containerd, plugin: PluginProcess, spec_dir: Path, tmp_path: Path
) -> Node:
    """The runtime with the plugin."""
    return Node(
        containerd=containerd, plugin=plugin, spec_dir=spec_dir, folder=tmp_path
    )
