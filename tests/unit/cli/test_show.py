"""``nri-cdi show``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from nri_cdi.cli import main
from tests.unit.cli.speccing import device, write

EDITS: dict[str, Any] = {
    "env": ["A=\x1b[31m"],
    "deviceNodes": [{"path": "/dev/a", "hostPath": "/dev/b"}],
}


@pytest.fixture(autouse=True)
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One directory below the present one."""
    monkeypatch.chdir(tmp_path)
    whole: dict[str, Any] = {"containerEdits": {"additionalGids": [5]}}
    write(tmp_path / "etc/v.json", [device("1", EDITS), "0"], **whole)
    write(tmp_path / "etc/w.json", ["0"], kind="w.com/net")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["show", "--spec-dir", "etc", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


OF_THE_SPEC = """\
v.com/gpu, for any of its devices  etc/v.json
  additional gid  5
"""
OF_DEVICE_1 = """\
v.com/gpu=1  etc/v.json
  env             A=\\x1b[31m
  device node     /dev/a (host /dev/b)
"""
OF_DEVICE_0 = """\
v.com/gpu=0  etc/v.json
  env             A=1
"""
OF_NET = """\
w.com/net=0  etc/w.json
  env             A=1
"""


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["w.com/net=0"], [OF_NET]),
        (["v.com/gpu=1"], [OF_THE_SPEC, OF_DEVICE_1]),
        (
            ["w.com/net=0", "v.com/gpu=1", "v.com/gpu=0", "w.com/net=0"],
            [OF_NET, OF_THE_SPEC, OF_DEVICE_1, OF_DEVICE_0],
        ),
        (["v*"], [OF_THE_SPEC, OF_DEVICE_0, OF_DEVICE_1]),
    ],
)
def test_edits_are_grouped_by_where_they_come_from(
    names: list[str], expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, *names) == (0, "\n".join(expected), "")


def test_programs_get_the_parts_and_the_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = run(capsys, "v.com/gpu=1", "v.com/gpu=0", "-o", "json")
    assert (status, err) == (0, "")
    assert json.loads(out) == {
        "devices": ["v.com/gpu=1", "v.com/gpu=0"],
        "parts": [
            {
                "device": None,
                "kind": "v.com/gpu",
                "spec": "etc/v.json",
                "containerEdits": {"additionalGids": [5]},
            },
            {
                "device": "v.com/gpu=1",
                "kind": "v.com/gpu",
                "spec": "etc/v.json",
                "containerEdits": EDITS,
            },
            {
                "device": "v.com/gpu=0",
                "kind": "v.com/gpu",
                "spec": "etc/v.json",
                "containerEdits": {"env": ["A=1"]},
            },
        ],
        "containerEdits": {
            "env": [*EDITS["env"], "A=1"],
            "deviceNodes": EDITS["deviceNodes"],
            "additionalGids": [5],
        },
        "errors": [],
    }


def test_yaml_says_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    _, in_json, _ = run(capsys, "*", "-o", "json")
    _, in_yaml, _ = run(capsys, "*", "-o", "yaml")
    assert yaml.safe_load(in_yaml) == json.loads(in_json)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ["w.com/net=0", "v.com/gpu=2", "x"],
            "unresolvable CDI devices: 'v.com/gpu=2' is in no spec (known: 1, 0); 'x' "
            "is not a qualified device name (vendor/class=name): it has no '='",
        ),
        (["x*"], "there is no CDI device that matches 'x*'"),
    ],
)
def test_what_can_not_be_resolved_is_named_and_nothing_is_shown(
    names: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, *names) == (1, "", f"nri-cdi: {said}\n")


def test_a_broken_file_might_have_had_a_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("etc/z.yaml").write_text("3")
    status, out, err = run(capsys, "w.com/net=0")
    assert (status, out) == (0, OF_NET)
    assert err == (
        "nri-cdi: not used: etc/z.yaml:1:1: expected a mapping, got an integer\n"
    )
    _, out, _ = run(capsys, "w.com/net=0", "-o", "json")
    assert [error["path"] for error in json.loads(out)["errors"]] == ["etc/z.yaml"]
