"""``nri-cdi doctor``: what it prints of a node, and its exit status."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from nri_cdi.cli import main
from nri_cdi.cli.doctor import plugin_of
from nri_cdi.config import BY_KEY
from nri_cdi.doctor import Facts, Node
from nri_cdi.doctor.checks.plugin import check_plugin
from tests.unit.doctor.trees import PLUGIN_PID, RUNTIME_PID, SOCKET, SPEC, Tree, fine

UNKNOWN = (
    "warning: containerd (pid 7): /usr/bin/containerd was not asked, or gave no "
    "answer: the doctor runs only what nobody but root can have written, with this "
    "node's root [version-unknown]"
)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A node that is fine, but that the version of its runtime isn't known."""
    tree = fine(tmp_path)
    tree.write("/etc/nri-cdi/config.yaml", f"socket: {SOCKET}\nspec_dirs: [/etc/cdi]\n")
    return tree


def test_a_screen_has_runtimes_plugin_and_findings(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--root", str(tree.root)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "RUNTIME             NRI  SOCKET             CDI  CONFIGURATION",
        "containerd (pid 7)  yes  /run/nri/nri.sock  ?    /etc/containerd/config.toml",
        "",
        "plugin         pid 9",
        "configuration  /etc/nri-cdi/config.yaml",
        "socket         /run/nri/nri.sock",
        "injection      auto",
        "runtime        ?",
        "specs          1 device in 1 file of /etc/cdi",
        "",
        UNKNOWN,
        "  /usr/bin/containerd --version",
        "info: containerd (pid 7): while the plugin is away containers start without "
        "devices [fails-open]",
        "  nri-cdi config fail-closed",
    ]
    assert printed.err == "nri-cdi: 0 errors, 1 warning, 1 info\n"


def test_an_error_is_the_status(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.spec({**SPEC, "kind": "x"})
    assert main(["doctor", "--root", str(tree.root), "-o", "json"]) == 1
    plain = json.loads(capsys.readouterr().out)
    assert plain["ok"] is False
    [found] = [each for each in plain["findings"] if each["severity"] == "error"]
    assert found["rule"] == "spec-broken"
    assert found["remedy"] == f"nri-cdi validate {tree.root}/etc/cdi/vendor.json"


def test_a_broken_configuration_is_a_finding_among_others(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.write("/etc/nri-cdi/config.yaml", "spec_dir: /etc/cdi\n")
    assert main(["doctor", "--root", str(tree.root)]) == 1
    printed = capsys.readouterr().out
    assert (
        "error: /etc/nri-cdi/config.yaml: 1:1: unknown setting 'spec_dir'; did you "
        "mean 'spec_dirs'? [config-invalid]\n"
        "  nri-cdi config check /etc/nri-cdi/config.yaml\n"
    ) in printed
    assert "not running" not in printed
    assert "other-socket" not in printed
    assert "no-usable-device" not in printed
    assert printed.splitlines()[5:9] == [
        "socket         ?",
        "injection      ?",
        "runtime        ?",
        "specs          ?",
    ]


def test_what_a_broken_configuration_says_all_the_same_counts(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tree.root / "etc/nri-cdi/config.yaml"
    file.write_text(f"{file.read_text()}policy: {{default: no}}\n")
    assert main(["doctor", "--root", str(tree.root)]) == 1
    assert capsys.readouterr().out.splitlines()[5:9] == [
        "socket         /run/nri/nri.sock",
        "injection      auto",
        "runtime        ?",
        "specs          1 device in 1 file of /etc/cdi",
    ]


@pytest.mark.parametrize(
    ("flags", "configuration", "socket"),
    [
        ([], "/etc/nri/conf.d/nri-cdi.conf", "none, as the runtime starts it"),
        (
            ["--config", "/etc/nri-cdi/config.yaml"],
            "/etc/nri-cdi/config.yaml",
            SOCKET,
        ),
    ],
)
def test_a_plugin_that_the_runtime_started_has_the_runtimes_configuration(
    tree: Tree,
    flags: list[str],
    configuration: str,
    socket: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tree.root / "proc/9/exe").unlink()
    program = "/opt/nri/plugins/10-nri-cdi"
    tree.process(PLUGIN_PID, "/usr/bin/python3.11", program, parent=RUNTIME_PID)
    tree.write("/etc/nri/conf.d/nri-cdi.conf", "spec_dirs: [/etc/cdi]\n")
    assert main(["doctor", "--root", str(tree.root), *flags]) == 0
    assert capsys.readouterr().out.splitlines()[3:6] == [
        "plugin         pid 9",
        f"configuration  {configuration}",
        f"socket         {socket}",
    ]


def test_the_variables_are_those_of_a_plugin_that_is_started_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("injection: resolve\nname: here\n")
    options = argparse.Namespace(config=str(file), log_level="loud")
    monkeypatch.setenv("NRI_CDI_INJECTION", "delegate")
    found = plugin_of(Node(), options)
    assert (found.config.injection, found.config.name) == ("delegate", "here")
    assert (found.config_path, found.broken) == (str(file), None)
    monkeypatch.setenv("NRI_CDI_INJECTION", "resolv")
    broken = plugin_of(Node(), options)
    assert broken.broken is not None
    assert broken.config.name == "here"
    assert broken.unknown == {"injection"}
    file.write_text("indx: 5\nname: here\n")
    unknown = set(BY_KEY) - {"name"}
    assert plugin_of(Node(), options).unknown == unknown
    facts = Facts(Node(str(tmp_path)), broken)
    [finding] = [each for each in check_plugin(facts) if each.rule == "config-invalid"]
    assert finding.subject == "environment"
    assert finding.remedy == "nri-cdi config check"


def test_spec_directories_can_be_given(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["doctor", "--root", str(tree.root), "--spec-dir", "/nowhere"]
    assert main(arguments) == 0
    assert "0 devices in 0 files of /nowhere" in capsys.readouterr().out


def test_foreign_text_is_made_printable(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.write("/opt/nri/plugins/a\x1b[2J\nerror: b", "", 0o755)
    assert main(["doctor", "--root", str(tree.root)]) == 1
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\\x1b[2J\\nerror: b" in printed


@pytest.mark.parametrize("root", ["", "/nowhere"])
def test_a_root_is_a_directory(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["doctor", "--root", root])
    assert caught.value.code == 2
    assert f"{root!r} is not a directory" in capsys.readouterr().err
