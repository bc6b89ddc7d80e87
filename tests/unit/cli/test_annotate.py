"""``nri-cdi annotate``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nri_cdi.cli import main
from nri_cdi.requests import requested_devices
from tests.unit.cli.speccing import write


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One directory below the present one."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "etc/v.json", ["0", "1"])
    write(tmp_path / "etc/w.json", ["0"], kind="w.com/gpu")
    write(tmp_path / "etc/x.json", ["0"], kind="w.com/net")
    write(tmp_path / "etc/y.json", ["0"], kind="w.com/container.x")
    write(tmp_path / "etc/z.json", ["0"], kind=f"w.com/{'x' * 64}")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["annotate", "--spec-dir", "etc", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.usefixtures("etc")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["v.com/gpu=0"], {"gpu": "v.com/gpu=0"}),
        (
            ["w.com/gpu=0", "v.com/gpu=1", "w.com/gpu=0"],
            {"gpu": "w.com/gpu=0,v.com/gpu=1"},
        ),
        (["v.com/*"], {"gpu": "v.com/gpu=0,v.com/gpu=1"}),
        (["v.com/gpu=0", "w.com/net=0"], {"devices": "v.com/gpu=0,w.com/net=0"}),
        (["w.com/container.x=0"], {"devices": "w.com/container.x=0"}),
        ([f"w.com/{'x' * 64}=0"], {"devices": f"w.com/{'x' * 64}=0"}),
        (["v.com/gpu=0", "--key", "big"], {"big": "v.com/gpu=0"}),
        (["v.com/gpu=0", "--key", "cdi.k8s.io/big"], {"big": "v.com/gpu=0"}),
        (["v.com/gpu=0", "--container", "a"], {"container.a": "v.com/gpu=0"}),
        (
            ["v.com/gpu=0", "--container", "a", "--container", "b-1"],
            {"container.a": "v.com/gpu=0", "container.b-1": "v.com/gpu=0"},
        ),
        (
            ["v.com/gpu=0", "--plugin", "v.gpu", "--device-id", "a/0"],
            {"v.gpu_a_0": "v.com/gpu=0"},
        ),
    ],
)
def test_the_key_says_what_is_asked_for_or_for_whom(
    arguments: list[str],
    expected: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = run(capsys, *arguments, "-o", "json")
    assert (status, err) == (0, "")
    assert json.loads(out) == {
        "annotations": {f"cdi.k8s.io/{name}": value for name, value in expected.items()}
    }


IN_YAML = """\
metadata:
  annotations:
    cdi.k8s.io/gpu: v.com/gpu=0
"""
IN_A_TABLE = """\
KEY             VALUE
cdi.k8s.io/gpu  v.com/gpu=0
"""


@pytest.mark.usefixtures("etc")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [([], IN_YAML), (["-o", "yaml"], IN_YAML), (["-o", "table"], IN_A_TABLE)],
)
def test_the_default_is_ready_to_paste(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "v.com/gpu=0", *arguments) == (0, expected, "")


UNKNOWN = "unresolvable CDI device: 'v.com/gpu=9' is in no spec (known: 0, 1)"


@pytest.mark.usefixtures("etc")
def test_a_pod_may_run_where_there_are_other_devices(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = run(capsys, "v.com/gpu=9")
    assert (status, err) == (0, f"nri-cdi: on this node: {UNKNOWN}\n")
    assert "cdi.k8s.io/gpu: v.com/gpu=9\n" in out


@pytest.mark.usefixtures("etc")
def test_a_check_fails_for_a_device_that_this_node_does_not_have(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(capsys, "v.com/gpu=9", "--check") == (1, "", f"nri-cdi: {UNKNOWN}\n")
    assert run(capsys, "v.com/gpu=0", "--check") == (0, IN_YAML, "")


LONG = "a" * 54


@pytest.mark.usefixtures("etc")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x*"], "there is no CDI device that matches 'x*'"),
        (
            [f"v.com/gpu={number}" for number in range(1025)],
            "annotation 'cdi.k8s.io/gpu': with it the container requests more than "
            "1024 names",
        ),
        (
            [f"v.com/gpu={'x' * 300_000}"],
            "the annotations have 300024 bytes; at most 262144 are allowed",
        ),
    ],
    ids=["no match", "too many", "too long"],
)
def test_an_annotation_that_nobody_would_take_is_not_printed(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, *arguments) == (1, "", f"nri-cdi: {said}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["v.com/gpu"],
            "argument NAME: 'v.com/gpu' is not a qualified device name "
            "(vendor/class=name): it has no '='",
        ),
        (
            ["v.com/gpu=0", "--key", "w.com/gpu"],
            "argument --key: 'w.com/gpu' asks for no devices: such a key starts with "
            "cdi.k8s.io/",
        ),
        (
            ["v.com/gpu=0", "--key", "container.a"],
            "argument --key: 'container.a' is about one container; say --container a",
        ),
        (
            ["v.com/gpu=0", "--key", "container."],
            "argument --key: 'container.' is about one container; say --container NAME",
        ),
        (
            ["v.com/gpu=0", "--plugin", "container.a", "--device-id", "b"],
            "--plugin and --device-id: 'cdi.k8s.io/container.a_b' is about one "
            "container; say --container a_b",
        ),
        (
            ["v.com/gpu=0", "--key", ""],
            "argument --key: annotation key 'cdi.k8s.io/': the name is empty",
        ),
        (
            ["v.com/gpu=0", "--key", "a b"],
            "argument --key: annotation key 'cdi.k8s.io/a b': the name must be "
            "letters, digits, '-', '_' and '.', starting and ending with a letter or "
            "digit",
        ),
        (
            ["v.com/gpu=0", "--container", LONG],
            "argument --container: annotation key "
            f"'cdi.k8s.io/container.{'a' * 43}'... (75 characters): the name has over "
            "63 characters",
        ),
        (
            ["v.com/gpu=0", "--container", "A"],
            "argument --container: 'A' can't be the name of a container: it must be "
            "small letters, digits and '-', starting and ending with a letter or digit",
        ),
        (
            ["v.com/gpu=0", "--plugin", "a b", "--device-id", "0"],
            "--plugin and --device-id: 'a b_0' can't be an annotation's name: it must "
            "be letters, digits, '_', '.' and '-', starting and ending with a letter "
            "or digit",
        ),
    ],
)
@pytest.mark.usefixtures("etc")
def test_a_name_or_a_key_that_nobody_would_take_is_bad_usage(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        run(capsys, *arguments)
    assert exited.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith(f"nri-cdi annotate: error: {said}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: NAME"),
        (["--key", "a", "--container", "b"], "--key can't go with --container"),
        (
            ["--container", "a", "--plugin", "b", "--device-id", "c"],
            "--container can't go with --plugin and --device-id",
        ),
        (["--plugin", "b"], "--plugin and --device-id go together"),
        (["--device-id", "b"], "--plugin and --device-id go together"),
    ],
)
def test_a_key_has_one_origin(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["v.com/gpu=0"] if arguments else []
    with pytest.raises(SystemExit) as exited:
        main(["annotate", *names, *arguments])
    assert exited.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: {said}\n")


CLASSES = st.from_regex(
    r"[a-z](?:[a-z_.-]{0,70}[a-z])?|container\.[a-z]", fullmatch=True
)
NAMES = st.builds(
    "v.com/{}={}".format,
    CLASSES,
    st.from_regex(r"[a-z][0-9:]{0,3}[0-9]", fullmatch=True),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, min_size=1, max_size=3))
@pytest.mark.parametrize("flags", [[], ["--container", "main"], ["--key", "x"]])
def test_the_plugin_takes_the_annotation_for_what_was_asked(
    names: list[str],
    flags: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["annotate", "--spec-dir", str(tmp_path), *names, *flags]) == 0
    annotations = yaml.safe_load(capsys.readouterr().out)["metadata"]["annotations"]
    request = requested_devices(annotations, "main")
    assert request.devices == tuple(dict.fromkeys(names))
    assert bool(requested_devices(annotations, "other")) is ("--container" not in flags)
