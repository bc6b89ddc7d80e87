"""``nri-cdi list``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from nri_cdi.cli import main
from tests.unit.cli.speccing import device, write


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two directories below the present one."""
    monkeypatch.chdir(tmp_path)
    note = {"uuid": "GPU-1"}
    write(tmp_path / "etc/v.json", [device("1", annotations=note), "0", "2"])
    write(tmp_path / "etc/w.json", ["0"], kind="w.com/net")
    write(tmp_path / "run/v.json", ["0"])


DIRS = ("--spec-dir", "etc", "--spec-dir", "run", "--spec-dir", "no")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["list", *DIRS, *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


DEVICES = """\
NAME         SPEC        ANNOTATIONS
v.com/gpu=0  run/v.json
v.com/gpu=1  etc/v.json  uuid=GPU-1
v.com/gpu=2  etc/v.json
w.com/net=0  etc/w.json
"""
SPECS = """\
PATH        KIND       VERSION  PRIORITY  DEVICES  DEFINED  IN CONFLICT  SHADOWED  STATE
etc/v.json  v.com/gpu  1.1.0    0         2        3        -            1         ok
etc/w.json  w.com/net  1.1.0    0         1        1        -            -         ok
run/v.json  v.com/gpu  1.1.0    1         1        1        -            -         ok
"""
VENDORS = """\
VENDOR  SPECS  DEVICES  CLASSES
v.com   2      3        gpu
w.com   1      1        net
"""
CLASSES = """\
CLASS  SPECS  DEVICES  VENDORS
gpu    2      3        v.com
net    1      1        w.com
"""
DIRECTORIES = """\
DIRECTORY  PRIORITY  SPECS  BROKEN  DEVICES  STATE
etc        0         2      0       3
run        1         1      0       1
no         2         0      0       0        does not exist
"""


@pytest.mark.usefixtures("etc")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], DEVICES),
        (["devices"], DEVICES),
        (["specs"], SPECS),
        (["vendors"], VENDORS),
        (["classes"], CLASSES),
        (["dirs"], DIRECTORIES),
    ],
)
def test_each_listing_has_its_columns(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, *arguments) == (0, expected, "")


@pytest.mark.usefixtures("etc")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["devices", "v.com/gpu=1"], ["v.com/gpu=1"]),
        (["v.com/gpu=1"], ["v.com/gpu=1"]),
        (["w*"], ["w.com/net=0"]),
        (["devices", "*=0", "*=2"], ["v.com/gpu=0", "v.com/gpu=2", "w.com/net=0"]),
        (["specs", "etc/*"], ["etc/v.json", "etc/w.json"]),
        (["specs", "v.json"], ["etc/v.json", "run/v.json"]),
        (["specs", "w.com/net"], ["etc/w.json"]),
        (["vendors", "v*"], ["v.com"]),
        (["classes", "net"], ["net"]),
        (["dirs", "?o", "etc"], ["etc", "no"]),
    ],
)
def test_patterns_choose(
    arguments: list[str], expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, *arguments)
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()[1:]] == expected


@pytest.mark.usefixtures("etc")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["v.com/gpu=0", "v.com/gpu=3"],
            "unresolvable CDI device: 'v.com/gpu=3' is in no spec "
            "(known: 1, 0, 2 and 1 more)",
        ),
        (["devices", "x*"], "there is no CDI device that matches 'x*'"),
        (["specs", "x.json"], "there is no spec that matches 'x.json'"),
        (["vendors", "v"], "there is no vendor that matches 'v'"),
        (["classes", "\x1b*"], r"there is no class that matches '\x1b*'"),
        (["dirs", "/etc/*"], "there is no directory that matches '/etc/*'"),
    ],
)
@pytest.mark.parametrize("output", ["table", "json"])
def test_what_matches_nothing_is_named_and_nothing_is_listed(
    arguments: list[str],
    said: str,
    output: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(capsys, *arguments, "-o", output) == (1, "", f"nri-cdi: {said}\n")


@pytest.mark.parametrize("word", ["device", "gpu=0", ""])
def test_a_word_that_is_no_listing_and_no_device_is_bad_usage(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["list", word])
    assert exited.value.code == 2
    assert capsys.readouterr().err.endswith(
        f"error: {word!r} is none of devices, specs, vendors, classes, dirs\n"
    )


@pytest.mark.usefixtures("etc")
def test_scripts_can_rely_on_the_json_of_devices(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = run(capsys, "devices", "*=1", "-o", "json")
    assert (status, err) == (0, "")
    assert json.loads(out) == {
        "devices": [
            {
                "name": "v.com/gpu=1",
                "vendor": "v.com",
                "class": "gpu",
                "spec": "etc/v.json",
                "annotations": {"uuid": "GPU-1"},
            }
        ],
        "errors": [],
    }


@pytest.mark.usefixtures("etc")
@pytest.mark.parametrize("what", ["devices", "specs", "vendors", "classes", "dirs"])
def test_every_listing_is_json_and_yaml_of_one_shape(
    what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, in_json, _ = run(capsys, what, "-o", "json")
    _, in_yaml, _ = run(capsys, what, "-o", "yaml")
    value = json.loads(in_json)
    assert yaml.safe_load(in_yaml) == value
    assert list(value) == [what, "errors"]
    assert value[what]


BROKEN = """\
nri-cdi: not used: run/bad.yaml:1:1: expected a mapping, got an integer
nri-cdi: nobody gets v.com/gpu=2: defined more than once, in etc/v.json, etc/x.json; \
keep only one of each
"""


@pytest.mark.usefixtures("etc")
def test_what_can_not_be_used_is_told_and_is_no_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(Path("etc/x.json"), ["2"])
    Path("run/bad.yaml").write_text("3")
    status, out, err = run(capsys, "specs")
    assert (status, err) == (0, BROKEN)
    assert out.splitlines()[1].split()[-5:] == ["1", "3", "1", "1", "ok"]
    assert out.splitlines()[4].split() == [
        *("run/bad.yaml", "-", "-", "1", "0", "-", "-", "-", "broken")
    ]

    status, out, err = run(capsys, "dirs")
    assert (status, err) == (0, BROKEN)
    assert out.splitlines()[2].split() == ["run", "1", "1", "1", "1"]

    status, out, err = run(capsys, "-o", "json")
    assert (status, err) == (0, "")
    assert [error["path"] for error in json.loads(out)["errors"]] == [
        "etc/v.json",
        "etc/x.json",
        "run/bad.yaml",
    ]


@pytest.mark.usefixtures("etc")
def test_a_broken_file_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    Path("run/bad.yaml").write_text("3")
    status, out, _ = run(capsys, "specs", "bad.yaml")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["PATH", "run/bad.yaml"]


@pytest.mark.usefixtures("etc")
def test_a_file_that_is_warned_of_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    edits = {"intelRdt": {"closID": "a", "enableCMT": True}}
    write(Path("run/x.json"), [device("x", edits)], cdiVersion="0.7.0")
    _, out, _ = run(capsys, "specs", "x.json")
    assert out.endswith("  1 warning\n")


def test_nothing_at_all_is_said_and_is_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", "--spec-dir", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"nri-cdi: there are no devices in {tmp_path}\n"

    assert main(["list", "--spec-dir", str(tmp_path), "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"devices": [], "errors": []}


def test_a_directory_that_can_not_be_listed_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["list", "dirs", "--spec-dir", f"{tmp_path}/file"]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[1].split() == [
        *(f"{tmp_path}/file", "0", "0", "0", "0"),
        *("not", "a", "directory"),
    ]
    assert (
        captured.err == f"nri-cdi: can't be listed: {tmp_path}/file: not a directory\n"
    )


def test_long_annotations_are_clipped_for_people_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "x" * 10_000
    write(tmp_path / "a.json", [device("0", annotations={"a": long})])
    main(["list", "--spec-dir", str(tmp_path)])
    assert capsys.readouterr().out.endswith(f"a={'x' * 78}...\n")
    main(["list", "--spec-dir", str(tmp_path), "-o", "json"])
    assert long in capsys.readouterr().out
