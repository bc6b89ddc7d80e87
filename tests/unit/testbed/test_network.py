from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from testbed.network import ADDRESS, PLUGINS, write


@pytest.fixture
def bin_dir(tmp_path: Path) -> Path:
    write(tmp_path / "bin", tmp_path / "conf")
    return tmp_path / "bin"


def call(program: Path, command: str) -> str:
    environment = {
        "CNI_COMMAND": command,
        "CNI_IFNAME": "eth0",
        "CNI_NETNS": "/run/netns/x",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [program], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("name", PLUGINS)
def test_add_reports_the_interface_that_it_was_asked_for(
    bin_dir: Path, name: str
) -> None:
    result = json.loads(call(bin_dir / name, "ADD"))
    assert result["interfaces"] == [{"name": "eth0", "sandbox": "/run/netns/x"}]
    assert [each["address"] for each in result["ips"]] == [ADDRESS]


def test_version_names_the_version_that_add_answers_in(bin_dir: Path) -> None:
    versions = json.loads(call(bin_dir / "isolated", "VERSION"))["supportedVersions"]
    assert json.loads(call(bin_dir / "isolated", "ADD"))["cniVersion"] in versions


def test_del_says_nothing(bin_dir: Path) -> None:
    assert call(bin_dir / "isolated", "DEL") == ""


def test_the_configuration_names_the_plugin(bin_dir: Path) -> None:
    text = (bin_dir.parent / "conf/isolated.conflist").read_text()
    assert [each["type"] for each in json.loads(text)["plugins"]] == ["isolated"]
