"""``nri-cdi doctor`` on a node with a real runtime, and what it prints for one.

Other runtimes may run on the machine, of other tests too: what is looked at here is the
one whose socket the plugin has.
"""

from __future__ import annotations

import json
import stat
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from testbed import packages
from testbed.containerd import Containerd
from tests.e2e import specs
from tests.e2e.node import runtime_info
from tests.e2e.pluginprocess import (
    PROGRAM,
    STATUS,
    PluginProcess,
    serving,
    write_config,
)

LIMIT_S = 60
POLL_S = 0.01

Report = dict[str, Any]


class Doctor:
    """Runs the doctor for a plugin with a configuration file."""

    def __init__(self, containerd: Containerd, folder: Path) -> None:
        self.containerd = containerd
        self.spec_dir = folder / "cdi"
        self.spec_dir.mkdir()
        self.config = folder / "config.yaml"
        self.configure({})
        specs.write(self.spec_dir / "a.json", specs.spec({"a": specs.env(A="b")}))

    def configure(self, settings: Mapping[str, Any]) -> None:
        write_config(self.config, self.containerd, self.spec_dir, settings)

    @contextmanager
    def serving(self, log: Path, *others: str) -> Iterator[PluginProcess]:
        """A plugin that serves, with this configuration; as `pluginprocess.serving`."""
        arguments = ["--config", str(self.config)]
        with serving(self.containerd, arguments, log, *others) as plugin:
            yield plugin

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, "doctor", "--config", self.config, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def report(self, status: int) -> Report:
        """The report, from a run with this exit status."""
        ran = self.run("-o", "json")
        assert ran.returncode == status, f"{ran.stdout}{ran.stderr}"
        assert ran.stderr == ""
        report: Report = json.loads(ran.stdout)
        assert report["ok"] is (status == 0)
        return report

    def errors(self) -> list[str]:
        """The rules of all errors, of which there are some."""
        return [
            found["rule"]
            for found in self.report(1)["findings"]
            if found["severity"] == "error"
        ]


@pytest.fixture
def doctor(containerd: Containerd, tmp_path: Path) -> Doctor:
    return Doctor(containerd, tmp_path)


@pytest.fixture
def served(doctor: Doctor, tmp_path: Path) -> Iterator[PluginProcess]:
    with doctor.serving(tmp_path / "plugin.log") as plugin:
        yield plugin


def test_a_node_that_is_fine(doctor: Doctor, served: PluginProcess) -> None:
    report = doctor.report(0)

    [own] = [each for each in report["runtimes"] if each["serves"]]
    containerd = doctor.containerd
    assert own["name"] == "containerd"
    assert own["files"] == [str(containerd.settings.file)]
    assert own["nri"]["enabled"] is True
    assert own["nri"]["socket"] == str(containerd.nri_socket)
    assert own["nri"]["pluginDir"] == str(containerd.settings.plugin_dir)
    assert own["listens"] is True
    assert own["cdi"]["enabled"] is containerd.settings.enable_cdi
    assert own["cdi"]["specDirs"] == [str(containerd.cdi_spec_dir)]
    pids = [each["pid"] for each in report["plugin"]["instances"]]
    assert served.pid in pids
    assert report["specs"]["devices"] == 1


def test_the_doctor_and_the_plugin_have_met_the_same_runtime(
    doctor: Doctor, served: PluginProcess
) -> None:
    ran = doctor.run()
    assert ran.returncode == 0, f"{ran.stdout}{ran.stderr}"
    [line] = [line for line in ran.stdout.splitlines() if line.startswith("runtime  ")]
    name = line.removeprefix("runtime").strip()
    assert f"registered with {name}" in served.log_text()
    # The program tells the packaging's version, and the daemon need not.
    told = runtime_info(doctor.containerd)
    assert name.split()[:1] == [told.name]
    assert f"(NRI {'.'.join(map(str, told.nri_version))})" in name


def test_the_doctor_disturbs_nobody(doctor: Doctor, served: PluginProcess) -> None:
    # A connection to the runtime's socket would be a plugin that doesn't register.
    before = doctor.containerd.log_text().count("NRI")
    doctor.report(0)
    later = doctor.containerd.log_text()
    assert later.count("NRI") == before
    assert "connection is lost" not in served.log_text()


def test_without_the_plugin_something_is_wrong(doctor: Doctor) -> None:
    assert doctor.errors() == ["plugin-away"]


def test_another_socket_is_found(doctor: Doctor, served: PluginProcess) -> None:
    doctor.configure({"socket": str(doctor.config.with_name("other.sock"))})
    assert "other-socket" in doctor.errors()


def test_a_broken_spec_is_found(doctor: Doctor, served: PluginProcess) -> None:
    path = doctor.spec_dir / "broken.yaml"
    path.write_text("cdiVersion: 0.6.0\nkind: nothing\n")
    report = doctor.report(1)
    [found] = [each for each in report["findings"] if each["rule"] == "spec-broken"]
    assert found["subject"] == str(path)
    assert found["remedy"] == f"nri-cdi validate {path}"


def test_a_missing_hook_is_found(doctor: Doctor, served: PluginProcess) -> None:
    hook = {"hookName": "createRuntime", "path": str(doctor.spec_dir / "hook")}
    spec = specs.spec({"h": {"hooks": [hook]}}, kind="vendor.test/hook")
    specs.write(doctor.spec_dir / "hook.json", spec)
    assert doctor.errors() == ["hook-missing"]

    Path(hook["path"]).touch(mode=0o644)
    assert doctor.errors() == ["hook-not-executable"]

    Path(hook["path"]).chmod(0o755)
    doctor.report(0)


def test_a_node_that_has_moved_is_found(doctor: Doctor, served: PluginProcess) -> None:
    path = specs.make_node(doctor.config.with_name("node"), "c", 1, 3)
    assert stat.S_ISCHR(path.stat().st_mode)
    node = {"path": "/dev/n", "hostPath": str(path), "type": "c", "major": 1}
    device = {"deviceNodes": [{**node, "minor": 5}]}
    spec = specs.spec({"n": device}, kind="vendor.test/node")
    specs.write(doctor.spec_dir / "node.json", spec)
    report = doctor.report(1)
    [found] = [each for each in report["findings"] if each["rule"] == "node-drift"]
    assert "is c 1:3 on this host, not c 1:5" in found["message"]

    path.unlink()
    specs.make_node(path, "c", 1, 5)
    doctor.report(0)


def test_the_plugin_is_asked_where_it_has_a_status(
    doctor: Doctor, tmp_path: Path
) -> None:
    doctor.configure({"status": str(tmp_path / "status.sock")})
    with doctor.serving(tmp_path / "plugin.log", STATUS):
        assert doctor.report(0)["plugin"]["answers"] is True
    assert doctor.errors() == ["plugin-away"]


def test_without_capabilities_it_says_what_was_not_seen(
    doctor: Doctor, served: PluginProcess
) -> None:
    # As in a container of the DaemonSet: root, but without the rights of root.
    ran = subprocess.run(
        ["setpriv", "--bounding-set=-all", PROGRAM, "doctor", "-o", "json"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    rules = [found["rule"] for found in json.loads(ran.stdout)["findings"]]
    assert "unchecked" in rules


def test_fail_closed_is_about_the_runtime_of_this_node(doctor: Doctor) -> None:
    """Both releases are older than the validator."""
    ran = subprocess.run(
        [PROGRAM, "config", "fail-closed", "--config", doctor.config],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stdout == ""
    told = runtime_info(doctor.containerd)
    nri = ".".join(map(str, told.nri_version))
    assert f"(NRI {nri}) can't fail closed: that needs NRI 0.10" in ran.stderr


VALIDATOR = "default_validator"


@pytest.mark.parametrize("root_version", [2, 3])
def test_containerd_takes_what_fail_closed_prints(
    root_version: int, tmp_path: Path
) -> None:
    """2.1 has no validator: it leaves that out, says so, and keeps the rest."""
    printed = subprocess.run(
        [PROGRAM, "config", "fail-closed", "--runtime", "containerd:2.2.0"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    # A key beside the validator shows that the table itself is read.
    known = printed.replace(
        f"[{_NRI}.{VALIDATOR}]", f'[{_NRI}]\nplugin_path = "/x"\n[{_NRI}.{VALIDATOR}]'
    )
    assert known != printed
    (tmp_path / "50-nri-cdi.toml").write_text(known)
    main = tmp_path / "config.toml"
    main.write_text(f'version = {root_version}\nimports = ["*-nri-cdi.toml"]\n')
    package = packages.fetch(*packages.CONTAINERD["2.1"])
    dumped = subprocess.run(
        [package.root / "usr/bin/containerd", "--config", main, "config", "dump"],
        check=True,
        capture_output=True,
        text=True,
    )
    nri = tomllib.loads(dumped.stdout)["plugins"]["io.containerd.nri.v1.nri"]
    assert nri["plugin_path"] == "/x"
    assert VALIDATOR not in nri
    [ignored] = [line for line in dumped.stderr.splitlines() if "unknown key" in line]
    assert f"key={VALIDATOR}" in ignored


_NRI = 'plugins."io.containerd.nri.v1.nri"'
