"""``nri-cdi config fail-closed``: a file for a runtime that can, or words."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.cli import main
from nri_cdi.doctor.containerd import read_settings
from nri_cdi.doctor.crio import read_settings as read_crio
from nri_cdi.doctor.node import Node

TOLERATE = "tolerate-missing-plugins.nri-cdi"


def fail_closed(*arguments: str) -> int:
    return main(["config", "fail-closed", *arguments])


@pytest.mark.parametrize(
    ("runtime", "keys", "table"),
    [
        (
            "containerd:2.2.0",
            ("plugins", "io.containerd.nri.v1.nri", "default_validator"),
            {
                "enable": True,
                "required_plugins": ["nri-cdi"],
                "tolerate_missing_plugins_annotation": TOLERATE,
            },
        ),
        (
            "cri-o:1.34",
            ("crio", "nri", "default_validator"),
            {
                "nri_enable_default_validator": True,
                "nri_validator_required_plugins": ["nri-cdi"],
                "nri_validator_tolerate_missing_plugins_annotation": TOLERATE,
            },
        ),
    ],
)
def test_the_output_is_a_file_for_the_runtime(
    runtime: str,
    keys: tuple[str, ...],
    table: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert fail_closed("--runtime", runtime) == 0
    found: Any = tomllib.loads(capsys.readouterr().out)
    for key in keys:
        found = found[key]
    assert found == table


def test_the_doctor_reads_what_is_printed_for_containerd(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail_closed("--runtime", "containerd") == 0
    folder = tmp_path / "etc/containerd"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('version = 3\nimports = ["x.toml"]\n')
    (folder / "x.toml").write_text(capsys.readouterr().out)
    settings = read_settings(Node(str(tmp_path)), ("containerd",), "/", (2, 2, 0))
    assert settings.problems == ()
    assert settings.nri.validator.enabled
    assert settings.nri.validator.required == ("nri-cdi",)


def test_the_doctor_reads_what_is_printed_for_crio(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail_closed("--runtime", "cri-o") == 0
    folder = tmp_path / "etc/crio/crio.conf.d"
    folder.mkdir(parents=True)
    (folder / "50-nri-cdi.conf").write_text(capsys.readouterr().out)
    settings = read_crio(Node(str(tmp_path)), ("crio",), (1, 34, 0))
    assert settings.nri.validator.enabled
    assert settings.nri.validator.tolerate == TOLERATE


def test_the_plugin_may_have_another_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("name: devices\n")
    arguments = ("--config", str(path), "--runtime", "containerd:2.2.0")
    assert fail_closed(*arguments) == 0
    printed = capsys.readouterr()
    assert 'required_plugins = ["devices"]' in printed.out
    assert "--name devices-validator" in printed.err


def test_the_trap_is_told_before_the_file_is_used(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert fail_closed("--runtime", "containerd:2.2.0") == 0
    printed = capsys.readouterr()
    assert "EVERY container of this node" in printed.out
    assert "imports" in printed.err
    assert "containerd/nri#316): with validate: true" in printed.err
    assert "a boolean of Go's" in printed.out


@pytest.mark.parametrize(
    "runtime", ["containerd:2.1.9", "cri-o:1.33", "containerd:1.7"]
)
def test_an_older_runtime_cannot_and_says_what_is_left(
    runtime: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail_closed("--runtime", runtime) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "can't fail closed: that needs NRI 0.10" in printed.err
    assert "has no effect there" in printed.err
    assert "a taint on the node" in printed.err


@pytest.mark.parametrize("runtime", ["docker", "containerd:x", "containerd:1.6.1", ""])
def test_what_is_no_runtime_is_refused(
    runtime: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail_closed("--runtime", runtime) == 2
    assert "command line: --runtime: " in capsys.readouterr().err
