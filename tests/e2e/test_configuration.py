"""A plugin that runs on its own, with a configuration file and with flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from nri_cdi.config.writing import default_file
from testbed.containerd import Containerd
from testbed.cri import CriError
from tests.e2e import specs
from tests.e2e.node import Node
from tests.e2e.pluginprocess import PluginProcess

DEVICE = f"{specs.KIND}=one"
USAGE = 2


@pytest.fixture
def spec_dirs(tmp_path: Path) -> list[Path]:
    """Two directories with a spec each for the same device."""
    paths = [tmp_path / name for name in ("first", "second")]
    for path in paths:
        path.mkdir()
        spec = specs.spec({"one": specs.env(FROM=path.name)})
        specs.write(path / "one.json", spec)
    return paths


class Configured:
    """Starts plugins with a configuration file of the test's."""

    def __init__(self, containerd: Containerd, folder: Path) -> None:
        self._containerd = containerd
        self._folder = folder

    def plugin(
        self,
        settings: Mapping[str, Any],
        arguments: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> PluginProcess:
        """A plugin, not started, with these settings in a file, flags and variables."""
        path = self._folder / "config.yaml"
        path.write_text(yaml.safe_dump(dict(settings)))
        return PluginProcess(
            ["--config", str(path), *arguments],
            log=self._folder / "plugin.log",
            environment={**self._containerd.environment, **(variables or {})},
        )

    def origin(self, plugin: PluginProcess) -> str:
        """Where the device of the next container comes from."""
        node = Node(
            containerd=self._containerd,
            plugin=plugin,
            spec_dir=self._folder,
            folder=self._folder,
        )
        with node.running(DEVICE) as container:
            return container.env()["FROM"]


@pytest.fixture
def configured(containerd: Containerd, tmp_path: Path) -> Configured:
    return Configured(containerd, tmp_path)


def test_a_file_can_say_all(
    containerd: Containerd, configured: Configured, spec_dirs: list[Path]
) -> None:
    settings = {
        "socket": str(containerd.nri_socket),
        "spec_dirs": [str(spec_dirs[0])],
        "name": "of-the-file",
        "index": "07",
    }
    with configured.plugin(settings) as plugin:
        plugin.await_serving()
        assert configured.origin(plugin) == "first"

    assert "starts as 07-of-the-file" in plugin.log_text()
    assert "07-of-the-file" in containerd.log_text()


def test_a_flag_wins_over_the_file(
    containerd: Containerd, configured: Configured, spec_dirs: list[Path]
) -> None:
    settings = {"socket": "/nowhere", "index": "07", "spec_dirs": [str(spec_dirs[0])]}
    flags = ["--socket", str(containerd.nri_socket), "--spec-dir", str(spec_dirs[1])]
    with configured.plugin(settings, [*flags, "--index", "08"]) as plugin:
        plugin.await_serving()
        assert configured.origin(plugin) == "second"

    assert "starts as 08-nri-cdi" in plugin.log_text()


def test_the_last_directory_goes_first(
    containerd: Containerd, configured: Configured, spec_dirs: list[Path]
) -> None:
    settings = {
        "socket": str(containerd.nri_socket),
        "spec_dirs": [str(path) for path in spec_dirs],
    }
    with configured.plugin(settings) as plugin:
        plugin.await_serving()
        both = configured.origin(plugin)
        (spec_dirs[1] / "one.json").unlink()
        rest = configured.origin(plugin)

    assert (both, rest) == ("second", "first")


def test_a_broken_file_keeps_a_plugin_from_starting(configured: Configured) -> None:
    with configured.plugin({"index": "seven"}) as plugin:
        assert plugin.wait() == USAGE

    message = "index: 'seven' is not an index: two digits, such as '10'"
    assert message in plugin.log_text()


def test_a_variable_wins_over_the_file_and_a_flag_over_that(
    containerd: Containerd, configured: Configured, spec_dirs: list[Path]
) -> None:
    settings = {"socket": "/nowhere", "index": "07", "spec_dirs": ["/nowhere"]}
    variables = {
        "NRI_CDI_SOCKET": str(containerd.nri_socket),
        "NRI_CDI_SPEC_DIRS": ":".join(map(str, spec_dirs)),
        "NRI_CDI_INDEX": "08",
        "NRI_CDI_NAME": "of-a-variable",
    }
    with configured.plugin(settings, ["--index", "09"], variables) as plugin:
        plugin.await_serving()
        assert configured.origin(plugin) == "second"

    assert "starts as 09-of-a-variable" in plugin.log_text()


def test_all_that_is_wrong_is_said_before_the_plugin_ends(
    configured: Configured,
) -> None:
    settings = {"policy": {"rules": [{"name": "gpus", "devices": ["gpu"]}]}}
    variables = {"NRI_CDI_EXCLUSIV": "a/b=*"}
    with configured.plugin(settings, ["--status", ":80"], variables) as plugin:
        assert plugin.wait() == USAGE

    text = plugin.log_text()
    for message in (
        "policy.rules[0]: it needs 'action'",
        "policy.rules[0].devices[0]: 'gpu' can never match a device's name",
        "environment: NRI_CDI_EXCLUSIV: there is no such setting; did you mean "
        "'NRI_CDI_EXCLUSIVE'?",
        "command line: --status: ':80' is not 127.0.0.1:PORT or [::1]:PORT",
    ):
        assert message in text


def test_the_default_file_is_one_that_the_plugin_runs_with(
    containerd: Containerd, configured: Configured, spec_dirs: list[Path]
) -> None:
    settings = yaml.safe_load(default_file())
    flags = ["--socket", str(containerd.nri_socket), "--spec-dir", str(spec_dirs[0])]
    with configured.plugin(settings, flags) as plugin:
        plugin.await_serving()
        assert configured.origin(plugin) == "first"


def test_the_policy_of_the_file_holds(
    containerd: Containerd, configured: Configured, spec_dirs: list[Path]
) -> None:
    settings = {
        "socket": str(containerd.nri_socket),
        "spec_dirs": [str(spec_dirs[0])],
        "policy": {
            "default": "deny",
            "rules": [
                {"name": "others", "devices": ["other.com/*"], "action": "allow"}
            ],
        },
    }
    with configured.plugin(settings) as plugin:
        plugin.await_serving()
        with pytest.raises(CriError, match="nri-cdi: .* the policy"):
            configured.origin(plugin)
