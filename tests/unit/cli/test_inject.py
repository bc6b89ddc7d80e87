"""``nri-cdi inject``, from its arguments to its output."""

from __future__ import annotations

import io
import json
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.cli import main
from tests.unit.cli.untouched import untouched

Capture = pytest.CaptureFixture[str]


def _device(name: str, **edits: Any) -> dict[str, Any]:
    return {"name": name, "containerEdits": {"env": [f"D={name}"], **edits}}


SPEC = {
    "cdiVersion": "0.5.0",
    "kind": "v.com/gpu",
    "devices": [
        _device("0"),
        _device("1"),
        _device("lost", deviceNodes=[{"path": "/dev/no such node"}]),
    ],
}

OLD_ENV = ["D=old", "P=ü"]
OCI_SPEC = {"ociVersion": "1.2.0", "process": {"env": OLD_ENV}, "x": {"y": []}}


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    folder = tmp_path / "cdi"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(SPEC))
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(OCI_SPEC))
    return path


def _expected(*env: str) -> dict[str, Any]:
    return {**OCI_SPEC, "process": {"env": [*env, "P=ü"]}}


def _inject(specs: Path, oci_spec: object, *arguments: str) -> int:
    return main(
        ["inject", "--spec-dir", str(specs), "--oci-spec", str(oci_spec), *arguments]
    )


def test_the_new_spec_and_nothing_else_is_printed(
    specs: Path, config: Path, capsys: Capture
) -> None:
    before = config.read_bytes()
    assert _inject(specs, config, "v.com/gpu=0") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out == json.dumps(
        _expected("D=0"), indent=2, ensure_ascii=False
    ) + ("\n")
    assert config.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (["v.com/gpu=0", "v.com/gpu=1"], ["D=1"]),
        (["v.com/gpu=1", "v.com/gpu=0", "v.com/gpu=1"], ["D=0"]),
        (["v.com/gpu=[01]"], ["D=1"]),
        (["--env", "replace", "v.com/gpu=0"], ["D=0"]),
    ],
)
def test_devices_count_in_the_order_of_their_names(
    specs: Path, config: Path, capsys: Capture, arguments: list[str], env: list[str]
) -> None:
    assert _inject(specs, config, *arguments) == 0
    assert json.loads(capsys.readouterr().out) == _expected(*env)


def test_variables_can_be_appended(specs: Path, config: Path, capsys: Capture) -> None:
    assert _inject(specs, config, "--env", "append", "v.com/gpu=?") == 0
    process = json.loads(capsys.readouterr().out)["process"]
    assert process == {"env": ["D=old", "P=ü", "D=1"]}


def test_a_spec_is_taken_from_standard_input(specs: Path) -> None:
    command = [sys.executable, "-m", "nri_cdi", "inject", "--spec-dir", str(specs)]
    ran = subprocess.run(
        [*command, "--oci-spec", "-", "v.com/gpu=0"],
        input=json.dumps(OCI_SPEC).encode(),
        capture_output=True,
        check=True,
        # The output is JSON, whatever people read here.
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert ran.stderr == b""
    assert json.loads(ran.stdout) == _expected("D=0")
    assert "ü".encode() in ran.stdout


def test_a_problem_of_standard_input_names_it(
    specs: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"a": 1,}')))
    assert _inject(specs, "-", "v.com/gpu=0") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("nri-cdi: <stdin>:1:9: not JSON: ")


def test_without_standard_output_nothing_is_printed_and_that_is_told(
    specs: Path, config: Path
) -> None:
    command = [sys.executable, "-m", "nri_cdi", "inject", "--spec-dir", str(specs)]
    ran = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *command, "--oci-spec", config, "v.com/gpu=0"],
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr == b"nri-cdi: the output can't be written: it is closed\n"


def test_several_at_a_time_lose_nothing(specs: Path, config: Path) -> None:
    many = 8
    devices = [_device(str(index), env=[f"D{index}=1"]) for index in range(many)]
    (specs / "a.json").write_text(json.dumps({**SPEC, "devices": devices}))
    command = [sys.executable, "-m", "nri_cdi", "inject", "--spec-dir", str(specs)]
    command += ["--oci-spec", str(config), "--in-place"]
    running = [
        subprocess.Popen([*command, f"v.com/gpu={index}"]) for index in range(many)
    ]
    assert [process.wait() for process in running] == [0] * many
    env = json.loads(config.read_text())["process"]["env"]
    assert sorted(env) == sorted([*OLD_ENV, *(f"D{index}=1" for index in range(many))])


def test_a_file_is_written_in_place_and_keeps_what_it_had(
    specs: Path, config: Path, capsys: Capture
) -> None:
    config.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(config, 65534, 65533)
    before = config.stat()
    assert _inject(specs, config, "--in-place", "v.com/gpu=0") == 0
    assert capsys.readouterr() == ("", "")
    assert json.loads(config.read_text()) == _expected("D=0")
    after = config.stat()
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert sorted(path.name for path in config.parent.iterdir()) == [
        "cdi",
        "config.json",
    ]


def test_in_place_means_the_file_that_a_link_leads_to(
    specs: Path, config: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "one").symlink_to("two")
    (bundle / "two").symlink_to("../config.json")
    assert _inject(specs, bundle / "one", "--in-place", "v.com/gpu=0") == 0
    assert json.loads(config.read_text()) == _expected("D=0")
    assert (bundle / "one").readlink() == Path("two")
    assert (bundle / "two").readlink() == Path("../config.json")
    assert sorted(path.name for path in bundle.iterdir()) == ["one", "two"]


BROKEN = json.dumps({**SPEC, "kind": "v.com/nic", "x": 1}, indent=0)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ["v.com/gpu=00"],
            "unresolvable CDI device: 'v.com/gpu=00' is in no spec (near: 0); "
            "did not load: {broken}",
        ),
        (
            ["v.com/gpu=0", "v.com/nic=0", "w/x", "v.com/nic=0"],
            "unresolvable CDI devices: 'v.com/nic=0' is in no spec, nor is its kind "
            "(near: v.com/gpu); 'w/x' is not a qualified device name "
            "(vendor/class=name): it has no '='; did not load: {broken}",
        ),
        (
            ["v.com/nic=*", "v.com/gpu=*"],
            "there is no CDI device that matches 'v.com/nic=*'; did not load: {broken}",
        ),
        (
            ["v.com/nic=*", "v.com/gpu=00", "v.com/gpu=0"],
            "there is no CDI device that matches 'v.com/nic=*'; unresolvable CDI "
            "device: 'v.com/gpu=00' is in no spec (near: 0); did not load: {broken}",
        ),
        (
            ["v.com/nic=*", "w/x"],
            "there is no CDI device that matches 'v.com/nic=*'; unresolvable CDI "
            "device: 'w/x' is not a qualified device name (vendor/class=name): it has "
            "no '='; did not load: {broken}",
        ),
        (
            ["w/x"],
            "unresolvable CDI device: 'w/x' is not a qualified device name "
            "(vendor/class=name): it has no '='",
        ),
    ],
)
@pytest.mark.parametrize("in_place", [[], ["--in-place"]])
def test_names_without_a_device_are_told_on_one_line(
    specs: Path,
    config: Path,
    capsys: Capture,
    names: list[str],
    said: str,
    in_place: list[str],
) -> None:
    (specs / "b.yaml").write_text(BROKEN)
    before = untouched(config)
    assert _inject(specs, config, *in_place, *names) == 1
    broken = (
        f"{specs}/b.yaml:35:1: x: unknown field 'x'; expected one of cdiVersion, kind, "
        "annotations, devices, containerEdits"
    )
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"nri-cdi: {said.format(broken=broken)}\n"
    assert untouched(config) == before


def test_a_broken_file_that_was_not_needed_is_told_too(
    specs: Path, config: Path, capsys: Capture
) -> None:
    (specs / "b.yaml").write_text("kind: [")
    assert _inject(specs, config, "v.com/gpu=0") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == _expected("D=0")
    assert captured.err.startswith(f"nri-cdi: not used: {specs}/b.yaml:")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"process": {"env": {}}}', "process.env: expected an array, got an object"),
        ("[]", "expected an object, got an array"),
        ('{"a": 1, "a": 2}', "the key 'a' is given twice in one object"),
    ],
)
@pytest.mark.parametrize("in_place", [[], ["--in-place"]])
def test_a_file_that_is_no_oci_spec_stays_as_it_is(
    specs: Path,
    config: Path,
    capsys: Capture,
    text: str,
    said: str,
    in_place: list[str],
) -> None:
    config.write_text(text)
    assert _inject(specs, config, *in_place, "v.com/gpu=0") == 1
    assert capsys.readouterr() == ("", f"nri-cdi: {config}: {said}\n")
    assert config.read_text() == text


def test_a_device_that_the_host_lacks_is_told_with_its_spec(
    specs: Path, config: Path, capsys: Capture
) -> None:
    assert _inject(specs, config, "--in-place", "v.com/gpu=0", "v.com/gpu=lost") == 1
    assert capsys.readouterr() == (
        "",
        f"nri-cdi: device v.com/gpu=lost ({specs}/a.json): deviceNodes[0]: device node "
        "'/dev/no such node': host path '/dev/no such node': no such file or "
        "directory\n",
    )
    assert json.loads(config.read_text()) == OCI_SPEC


def test_a_file_that_is_not_there_is_told(
    specs: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert _inject(specs, tmp_path / "none", "--in-place", "v.com/gpu=0") == 1
    assert capsys.readouterr() == (
        "",
        f"nri-cdi: {tmp_path}/none: the file can't be read: no such file or "
        "directory\n",
    )


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "it is a directory, and must be a regular file"),
        ("fifo", "it is a FIFO, and must be a regular file"),
        ("zero", "it is a character device, and must be a regular file"),
        ("ring", "the file can't be read: too many levels of symbolic links"),
    ],
)
@pytest.mark.parametrize("in_place", [[], ["--in-place"]])
def test_what_is_no_file_is_told(
    specs: Path,
    tmp_path: Path,
    capsys: Capture,
    path: str,
    said: str,
    in_place: list[str],
) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "ring").symlink_to("ring")
    given = f"{tmp_path}/{path}"
    assert _inject(specs, given, *in_place, "v.com/gpu=0") == 1
    assert capsys.readouterr() == ("", f"nri-cdi: {given}: {said}\n")


def test_what_is_left_of_an_unset_variable_is_bad_usage(
    specs: Path, capsys: Capture
) -> None:
    assert _inject(specs, "", "v.com/gpu=0") == 2
    assert capsys.readouterr() == (
        "",
        "nri-cdi: command line: FILE: '' is not the name of a file\n",
    )


def test_a_message_is_one_line_whatever_the_file_is_called(
    specs: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "a\nb").write_text("[]")
    (specs / "a.json").rename(specs / "a\nb.json")
    assert _inject(specs, tmp_path / "a\nb", "v.com/gpu=0") == 1
    assert _inject(specs, tmp_path / "a\nb", "v.com/gpu=lost") == 1
    (tmp_path / "a\nb").write_text("{}")
    assert _inject(specs, tmp_path / "a\nb", "v.com/gpu=lost") == 1
    error = "expected an object, got an array"
    lost = "device v.com/gpu=lost"
    assert capsys.readouterr().err == (
        f"nri-cdi: {tmp_path}/a\\nb: {error}\n"
        * 2
        + f"nri-cdi: {lost} ({specs}/a\\nb.json): deviceNodes[0]: device node "
        "'/dev/no such node': host path '/dev/no such node': no such file or "
        "directory\n"
    )


def test_a_file_that_was_changed_meanwhile_is_told_and_stays(
    specs: Path, config: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_too(fd: int) -> None:
        config.write_text("{}")

    monkeypatch.setattr(os, "fsync", write_too)
    assert _inject(specs, config, "--in-place", "v.com/gpu=0") == 1
    assert capsys.readouterr() == (
        "",
        f"nri-cdi: {config}: it can't be written: it was changed meanwhile; run the "
        "command again\n",
    )
    assert config.read_text() == "{}"


def test_a_file_that_can_not_be_written_is_told_and_stays(
    specs: Path, config: Path, capsys: Capture
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Bytes of a file: as a full disk, but for this process alone.
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        assert _inject(specs, config, "--in-place", "v.com/gpu=0") == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert capsys.readouterr() == (
        "",
        f"nri-cdi: {config}: it can't be written: file too large\n",
    )
    assert json.loads(config.read_text()) == OCI_SPEC


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--oci-spec", "-", "--in-place", "v.com/gpu=0"], "--in-place needs a file"),
        (["--oci-spec", "-"], "the following arguments are required: NAME"),
        (["v.com/gpu=0"], "the following arguments are required: --oci-spec"),
        (["--oci-spec", "-", "--env", "merge", "a/b=c"], "invalid choice: 'merge'"),
    ],
)
def test_bad_usage_exits_with_2(
    arguments: list[str], said: str, capsys: Capture
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["inject", *arguments])
    assert exited.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err


def test_help_has_examples(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["inject", "--help"])
    assert exited.value.code == 0
    assert "examples:\n  nri-cdi inject --oci-spec config.json " in (
        capsys.readouterr().out
    )
