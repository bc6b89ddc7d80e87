"""``nri-cdi explain``, as people and as programs use it."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.cdi.yamltext import to_yaml
from nri_cdi.cli import main
from nri_cdi.nri.capabilities import NRI_VERSIONS

Capture = pytest.CaptureFixture[str]
Explain = Callable[..., int]

SPEC = {
    "cdiVersion": "1.1.0",
    "kind": "vendor.com/gpu",
    "containerEdits": {"env": ["SHARED=a b"]},
    "devices": [
        {
            "name": "full",
            "containerEdits": {
                "deviceNodes": [
                    {
                        "path": "/dev/gpu0",
                        "type": "c",
                        "major": 195,
                        "fileMode": 432,
                        "uid": 0,
                        "gid": 44,
                        "permissions": "rwm",
                    },
                    {"path": "/dev/gone", "type": "c", "major": 1, "permissions": "r"},
                ],
                "mounts": [
                    {
                        "hostPath": "/lib/a.so",
                        "containerPath": "/lib/b.so",
                        "options": ["ro", "bind"],
                    }
                ],
                "hooks": [
                    {
                        "hookName": "createContainer",
                        "path": "/bin/ctk",
                        "args": ["ctk", "hook", "a b"],
                        "env": ["PATH=/bin"],
                        "timeout": 5,
                    },
                    {"hookName": "poststop", "path": "/bin/clean"},
                ],
                "netDevices": [{"hostInterfaceName": "eth1", "name": "net1"}],
                "intelRdt": {"schemata": ["MB:0=20"], "enableMonitoring": True},
            },
        },
        {"name": "plain", "containerEdits": {"env": ["GPU=1"]}},
        {"name": "class", "containerEdits": {"intelRdt": {"closID": "gold"}}},
        {"name": "gids", "containerEdits": {"additionalGids": [5, 6]}},
    ],
}

POD = """\
kind: Pod
metadata:
  name: train
  annotations:
    cdi.k8s.io/container.main: {main}
    cdi.k8s.io/container.other: {other}
spec:
  initContainers:
  - name: prepare
  containers:
  - name: main
  - name: other
"""


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    folder = tmp_path / "cdi"
    folder.mkdir()
    (folder / "gpu.json").write_text(json.dumps(SPEC))
    return folder


@pytest.fixture
def explain(specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Explain:
    """Run the verb in the folder of its file."""
    monkeypatch.chdir(tmp_path)

    def run(
        *arguments: str,
        main_gets: str = "vendor.com/gpu=plain",
        other_gets: str = "vendor.com/gpu=plain",
        text: str = POD,
    ) -> int:
        pod = text.format(main=main_gets, other=other_gets)
        (tmp_path / "pod.yaml").write_text(pod)
        return main(["explain", "--spec-dir", str(specs), *arguments])

    return run


def containers(capsys: Capture) -> list[dict[str, Any]]:
    value = json.loads(capsys.readouterr().out)
    [pod] = value["pods"]
    found: list[dict[str, Any]] = pod["containers"]
    return found


NOTHING: dict[str, Any] = {
    "devices": [],
    "deviceRules": [],
    "mounts": [],
    "env": [],
    "hooks": {},
    "netDevices": {},
}


def test_programs_get_all_of_it(explain: Explain, specs: Path, capsys: Capture) -> None:
    assert explain("pod.yaml", "-o", "json", other_gets="vendor.com/gpu=evn") == 1
    captured = capsys.readouterr()
    error = (
        "nri-cdi: unresolvable CDI device: 'vendor.com/gpu=evn' is in no spec "
        "(known: full, plain, class and 1 more); asked for by annotation "
        "cdi.k8s.io/container.other"
    )
    assert json.loads(captured.out) == {
        "runtime": {"name": "containerd", "version": "2.3.0", "nriVersion": "0.12"},
        "pods": [
            {
                "path": "pod.yaml",
                "kind": "Pod",
                "name": "train",
                "namespace": "",
                "warnings": [],
                "containers": [
                    {
                        "name": "prepare",
                        "type": "initContainer",
                        "result": "nothing",
                        "warnings": [],
                        "unsupported": [],
                        "requests": [],
                        **NOTHING,
                    },
                    {
                        "name": "main",
                        "type": "container",
                        "result": "injected",
                        "warnings": [],
                        "unsupported": [],
                        "requests": [
                            {
                                "device": "vendor.com/gpu=plain",
                                "annotations": ["cdi.k8s.io/container.main"],
                                "spec": f"{specs}/gpu.json",
                            }
                        ],
                        **NOTHING,
                        "env": ["SHARED=a b", "GPU=1"],
                    },
                    {
                        "name": "other",
                        "type": "container",
                        "result": "refused",
                        "error": error,
                        "kubeletError": "failed to create containerd container: failed "
                        "to get NRI adjustment for container: rpc error: "
                        f"code = FailedPrecondition desc = {error}",
                        "warnings": [],
                        "unsupported": [],
                        "requests": [
                            {
                                "device": "vendor.com/gpu=evn",
                                "annotations": ["cdi.k8s.io/container.other"],
                            }
                        ],
                        **NOTHING,
                    },
                ],
            }
        ],
    }
    assert captured.err == ""


def test_yaml_is_the_same_as_json(explain: Explain, capsys: Capture) -> None:
    assert explain("pod.yaml", "-o", "json") == 0
    value = json.loads(capsys.readouterr().out)
    assert explain("pod.yaml", "-o", "yaml") == 0
    assert capsys.readouterr().out == to_yaml(value)


def test_people_get_a_table_for_each_container(
    explain: Explain, specs: Path, capsys: Capture
) -> None:
    assert (
        explain("pod.yaml", main_gets="vendor.com/gpu=full, vendor.com/gpu=plain") == 0
    )
    captured = capsys.readouterr()
    part = f"device vendor.com/gpu=full ({specs}/gpu.json)"
    missing = "on this host; containers fail without it"
    assert (
        captured.out
        == f"""\
runtime: containerd 2.3.0 (NRI 0.12); --runtime takes another

Pod train, init container prepare: nothing

Pod train, container main: injected
warning: {part}: hooks[0].path: there is no '/bin/ctk' {missing} [hook-missing]
warning: {part}: hooks[1].path: there is no '/bin/clean' {missing} [hook-missing]
warning: {part}: mounts[0].hostPath: there is no '/lib/a.so' {missing} \
[mount-source-missing]
WHAT         NAME                  DETAILS
request      vendor.com/gpu=full   by cdi.k8s.io/container.main, from {specs}/gpu.json
request      vendor.com/gpu=plain  by cdi.k8s.io/container.main, from {specs}/gpu.json
device       /dev/gpu0             c 195:0, mode 0660, uid 0, gid 44
device       /dev/gone             c 1:0
device rule  allow rwm             c 195:0
device rule  allow r               c 1:0
mount        /lib/b.so             from /lib/a.so, ro,bind,rprivate
env          SHARED                a b
env          GPU                   1
hook         createContainer       /bin/ctk hook 'a b', env PATH=/bin, timeout 5 s
hook         poststop              /bin/clean
net device   net1                  from eth1
intel rdt    schemata              MB:0=20
intel rdt    enableMonitoring      true

Pod train, container other: injected
WHAT     NAME                  DETAILS
request  vendor.com/gpu=plain  by cdi.k8s.io/container.other, from {specs}/gpu.json
env      SHARED                a b
env      GPU                   1
"""
    )
    assert captured.err == ""


def test_people_see_what_the_kubelet_shows_and_all_that_is_not_possible(
    explain: Explain, specs: Path, capsys: Capture
) -> None:
    asked = "vendor.com/gpu=gids"
    assert explain("pod.yaml", "-c", "main", main_gets=asked) == 1
    part = f"device vendor.com/gpu=gids ({specs}/gpu.json): additionalGids"
    runtime = "containerd 2.3.0 (NRI 0.12)"
    remedy = "let the gid or fileMode of the device node give the access"
    first = f"{part}[0]: {runtime} can't add group 5 to a process through NRI; {remedy}"
    second = (
        f"{part}[1]: {runtime} can't add group 6 to a process through NRI; {remedy}"
    )
    assert (
        capsys.readouterr().out
        == f"""\
runtime: {runtime}; --runtime takes another

Pod train, container main: refused
the kubelet shows: failed to create containerd container: failed to get NRI adjustment \
for container: rpc error: code = FailedPrecondition desc = nri-cdi: {first}; asked for \
by annotation cdi.k8s.io/container.main
not possible: {first}
not possible: {second}
WHAT     NAME                 DETAILS
request  vendor.com/gpu=gids  by cdi.k8s.io/container.main, from {specs}/gpu.json
"""
    )


def test_people_see_the_plugins_error_where_the_kubelets_is_not_known(
    explain: Explain, capsys: Capture
) -> None:
    asked = "vendor.com/gpu=evn"
    assert explain("pod.yaml", "-c", "main", "--runtime", "cri-o", main_gets=asked) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "runtime: cri-o 1.35.0 (NRI 0.11); --runtime takes another"
    assert lines[3].startswith("error: nri-cdi: unresolvable CDI device: ")


def test_an_older_runtime_has_other_ways(explain: Explain, capsys: Capture) -> None:
    asked = "vendor.com/gpu=class"
    runtime = ("-c", "main", "--runtime", "containerd:2.1.9")
    assert explain("pod.yaml", *runtime, main_gets=asked) == 0
    assert "intel rdt  class                 gold\n" in capsys.readouterr().out
    assert explain("pod.yaml", *runtime, "-o", "json", main_gets=asked) == 0
    [container] = containers(capsys)
    assert container["rdtClass"] == "gold"


@pytest.mark.parametrize(
    ("text", "name", "version", "nri"),
    [
        ("containerd", "containerd", "2.3.0", "0.12"),
        ("containerd:1.7.24", "containerd", "1.7.24", "0.6"),
        ("containerd:2.1", "containerd", "2.1", "0.8"),
        ("containerd:v2.1.9+unknown", "containerd", "v2.1.9+unknown", "0.8"),
        ("containerd:9.0", "containerd", "9.0", "0.12"),
        ("cri-o", "cri-o", "1.35.0", "0.11"),
        ("cri-o:1.34", "cri-o", "1.34", "0.10"),
    ],
)
def test_the_runtime_can_be_chosen(
    explain: Explain, text: str, name: str, version: str, nri: str, capsys: Capture
) -> None:
    assert explain("pod.yaml", "--runtime", text, "-o", "json") == 0
    assert json.loads(capsys.readouterr().out)["runtime"] == {
        "name": name,
        "version": version,
        "nriVersion": nri,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("docker", "'docker' is none of the known runtimes: containerd, cri-o"),
        ("", "'' is none of the known runtimes: containerd, cri-o"),
        ("containerd:", "'' is not a version of containerd, such as 2.3.0"),
        ("cri-o:latest", "'latest' is not a version of cri-o, such as 1.35.0"),
        ("containerd:1.6.1", "containerd has NRI since 1.7.0, not in '1.6.1'"),
    ],
)
def test_an_unknown_runtime_is_bad_usage(
    explain: Explain, text: str, message: str, capsys: Capture
) -> None:
    with pytest.raises(SystemExit) as exited:
        explain("pod.yaml", "--runtime", text)
    assert exited.value.code == 2
    assert capsys.readouterr().err.endswith(f"argument --runtime: {message}\n")


def test_help_names_the_known_runtimes(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["explain", "--help"])
    assert exited.value.code == 0
    assert f"RUNTIME is {' or '.join(NRI_VERSIONS)}, " in capsys.readouterr().out


def test_the_examples_of_the_help_work(
    explain: Explain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    explain("pod.yaml")
    (tmp_path / "deployment.yaml").write_text(
        "kind: Deployment\nmetadata: {name: a}\n"
        "spec: {template: {spec: {containers: [{name: train}]}}}\n"
    )
    with pytest.raises(SystemExit):
        main(["explain", "--help"])
    _, _, examples = capsys.readouterr().out.partition("examples:\n")
    commands = [line.partition("nri-cdi explain ")[2] for line in examples.splitlines()]
    assert len(commands) == 3
    for command in commands:
        pod = (tmp_path / "pod.yaml").read_bytes()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pod)))
        assert explain(*command.split()) == 0


def test_manifests_may_come_from_several_files_and_from_standard_input(
    explain: Explain, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    text = b"kind: Pod\nmetadata: {name: b}\nspec: {containers: [{name: c}]}\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert explain("pod.yaml", "-", "-o", "json") == 0
    pods = json.loads(capsys.readouterr().out)["pods"]
    assert [(pod["path"], pod["name"]) for pod in pods] == [
        ("pod.yaml", "train"),
        ("<stdin>", "b"),
    ]


def test_only_pods_with_the_container_are_explained(
    explain: Explain, capsys: Capture
) -> None:
    text = (
        POD
        + "---\nkind: Pod\nmetadata: {{name: b}}\nspec: {{containers: [{{name: c}}]}}"
    )
    assert explain("pod.yaml", "-c", "c", "-o", "json", text=text) == 0
    [pod] = json.loads(capsys.readouterr().out)["pods"]
    assert (pod["name"], [one["name"] for one in pod["containers"]]) == ("b", ["c"])


@pytest.mark.parametrize(
    ("name", "words"),
    [("mian", "near: main"), ("x", "known: main, other, prepare")],
)
def test_an_unknown_container_is_told_with_near_names(
    explain: Explain, name: str, words: str, capsys: Capture
) -> None:
    assert explain("pod.yaml", "-c", name) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"nri-cdi: no pod has a container '{name}' ({words})\n"


def test_other_objects_are_named_on_stderr(explain: Explain, capsys: Capture) -> None:
    text = "kind: ConfigMap\nmetadata: {{name: settings}}\n---\n" + POD
    assert explain("pod.yaml", "-o", "json", text=text) == 0
    captured = capsys.readouterr()
    assert captured.err == (
        "nri-cdi: skipped: pod.yaml: ConfigMap settings: neither a pod nor a known "
        "kind of workload\n"
    )
    assert len(json.loads(captured.out)["pods"]) == 1


@pytest.mark.parametrize("text", ["", "kind: ConfigMap\n"])
def test_a_file_without_a_pod_is_a_problem(
    explain: Explain, text: str, capsys: Capture
) -> None:
    assert explain("pod.yaml", text=text) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("nri-cdi: there is no pod in what was given\n")


def test_a_manifest_that_kubernetes_would_refuse_is_a_problem(
    explain: Explain, capsys: Capture
) -> None:
    assert explain("pod.yaml", main_gets="12", other_gets="yes") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    at = "metadata.annotations['cdi.k8s.io/container"
    assert captured.err == (
        f"nri-cdi: pod.yaml:5:5: {at}.main']: must be a string, not an integer: "
        "put it in quotes\n"
        f"nri-cdi: pod.yaml:6:5: {at}.other']: must be a string, not a boolean: "
        "put it in quotes\n"
    )


def test_a_file_that_is_not_there_is_a_problem(
    explain: Explain, capsys: Capture
) -> None:
    assert explain("gone.yaml") == 1
    assert capsys.readouterr().err == (
        "nri-cdi: gone.yaml: the file can't be read: no such file or directory\n"
    )


def test_warnings_go_to_people_on_stderr_and_to_programs_in_the_value(
    explain: Explain, capsys: Capture
) -> None:
    text = POD.replace("container.main", "container.mian")
    warning = (
        "annotation 'cdi.k8s.io/container.mian' is for a container that the pod does "
        "not have (near: main)"
    )
    assert explain("pod.yaml", text=text) == 0
    assert capsys.readouterr().err == f"nri-cdi: warning: Pod train: {warning}\n"
    assert explain("pod.yaml", "-o", "json", text=text) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["pods"][0]["warnings"] == [warning]
    assert captured.err == ""


def test_why_an_injected_container_would_fail_is_said_and_no_problem(
    explain: Explain, specs: Path, capsys: Capture
) -> None:
    mount = {"hostPath": "/nonexistent", "containerPath": "/a"}
    device = {"name": "0", "containerEdits": {"mounts": [mount]}}
    spec = {"cdiVersion": "0.5.0", "kind": "vendor.com/nic", "devices": [device]}
    (specs / "nic.json").write_text(json.dumps(spec))
    asked = "vendor.com/nic=0"
    assert explain("pod.yaml", "-o", "json", main_gets=asked, other_gets=asked) == 0
    [prepare, *others] = containers(capsys)
    assert prepare["warnings"] == []
    for container in others:
        [warning] = container["warnings"]
        assert container["result"] == "injected"
        assert warning.startswith(
            f"device vendor.com/nic=0 ({specs}/nic.json): mounts[0]: "
        )
        assert warning.endswith("[mount-without-bind]")


def test_specs_that_did_not_load_are_named(
    explain: Explain, specs: Path, capsys: Capture
) -> None:
    (specs / "broken.yaml").write_text("}")
    assert explain("pod.yaml", "-o", "json") == 0
    captured = capsys.readouterr()
    assert captured.err.startswith(f"nri-cdi: not used: {specs}/broken.yaml:1:1: ")
    assert json.loads(captured.out)["pods"]


def test_foreign_text_can_not_steer_a_terminal(
    explain: Explain, specs: Path, capsys: Capture
) -> None:
    (specs / "gpu.json").rename(specs / "\x1b[31m.json")
    text = POD.replace("name: train", 'name: "a\\x1b[2J"')
    assert explain("pod.yaml", text=text) == 0
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert "Pod a\\x1b[2J, container main: injected\n" in captured.out


def test_the_plugins_log_lines_are_not_printed(
    explain: Explain, capsys: Capture
) -> None:
    # What has no handler goes to stderr if it is a warning or more.
    logging.getLogger("nri_cdi").propagate = False
    try:
        assert explain("pod.yaml", "-o", "json", main_gets="vendor.com/gpu=evn") == 1
    finally:
        logging.getLogger("nri_cdi").propagate = True
    assert capsys.readouterr().err == ""
    assert not logging.getLogger("nri_cdi.plugin").handlers
