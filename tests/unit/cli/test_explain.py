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

from nri_cdi.address import UnixAddress
from nri_cdi.cdi.yamltext import to_yaml
from nri_cdi.cli import main
from nri_cdi.config import Config
from nri_cdi.nri.capabilities import NRI_VERSIONS
from tests.unit.status.living import Living
from tests.unit.status.serving import served

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
    "delegated": [],
    "annotations": {},
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
        "configuration": {"path": "", "variables": []},
        "pods": [
            {
                "path": "pod.yaml",
                "kind": "Pod",
                "name": "train",
                "namespace": "default",
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
                        "mode": "resolve",
                        "warnings": [],
                        "unsupported": [],
                        "requests": [
                            {
                                "device": "vendor.com/gpu=plain",
                                "annotations": ["cdi.k8s.io/container.main"],
                                "variables": [],
                                "delegated": False,
                                "spec": f"{specs}/gpu.json",
                            }
                        ],
                        **NOTHING,
                        "annotations": {"nri-cdi/resolved": "vendor.com/gpu=plain"},
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
                                "variables": [],
                                "delegated": False,
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
configuration: defaults; --config takes another

Pod default/train, init container prepare: nothing

Pod default/train, container main: injected (resolve)
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

Pod default/train, container other: injected (resolve)
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
    old = ("--runtime", "containerd:2.0.1")
    assert explain("pod.yaml", "-c", "main", *old, main_gets=asked) == 1
    part = f"device vendor.com/gpu=gids ({specs}/gpu.json): additionalGids"
    runtime = "containerd 2.0.1 (NRI 0.8)"
    remedy = "let the gid or fileMode of the device node give the access"
    first = f"{part}[0]: {runtime} can't add group 5 to a process through NRI; {remedy}"
    second = (
        f"{part}[1]: {runtime} can't add group 6 to a process through NRI; {remedy}"
    )
    assert (
        capsys.readouterr().out
        == f"""\
runtime: {runtime}; --runtime takes another
configuration: defaults; --config takes another

Pod default/train, container main: refused
the kubelet shows: failed to create containerd container: failed to get NRI adjustment \
for container: rpc error: code = FailedPrecondition desc = nri-cdi: {first}; asked for \
by annotation cdi.k8s.io/container.main
not possible: {first}
not possible: {second}
WHAT     NAME                 DETAILS
request  vendor.com/gpu=gids  by cdi.k8s.io/container.main, from {specs}/gpu.json
"""
    )


def test_people_see_what_the_runtime_is_left_to_do(
    explain: Explain, specs: Path, capsys: Capture
) -> None:
    assert explain("pod.yaml", "-c", "main", main_gets="vendor.com/gpu=gids") == 0
    _, _, shown = capsys.readouterr().out.partition("\n\n")
    assert (
        shown
        == f"""\
Pod default/train, container main: injected (delegate)
WHAT       NAME                 DETAILS
request    vendor.com/gpu=gids  by cdi.k8s.io/container.main, from {specs}/gpu.json, \
delegated
delegated  env                  SHARED=a b
delegated  additional gid       5
delegated  additional gid       6
"""
    )


def test_programs_see_what_the_runtime_is_left_to_do(
    explain: Explain, specs: Path, capsys: Capture
) -> None:
    asked = "vendor.com/gpu=gids"
    assert explain("pod.yaml", "-c", "main", "-o", "json", main_gets=asked) == 0
    [container] = containers(capsys)
    [request] = container["requests"]
    place = {"kind": "vendor.com/gpu", "spec": f"{specs}/gpu.json"}
    assert (container["mode"], request["delegated"]) == ("delegate", True)
    assert container["env"] == []
    assert container["annotations"] == {"nri-cdi/delegated": asked}
    assert container["delegated"] == [
        {"device": None, **place, "containerEdits": {"env": ["SHARED=a b"]}},
        {"device": asked, **place, "containerEdits": {"additionalGids": [5, 6]}},
    ]


def test_people_see_the_plugins_error_where_the_kubelets_is_not_known(
    explain: Explain, capsys: Capture
) -> None:
    asked = "vendor.com/gpu=evn"
    assert explain("pod.yaml", "-c", "main", "--runtime", "cri-o", main_gets=asked) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "runtime: cri-o 1.36.0 (NRI 0.11); --runtime takes another"
    assert lines[4].startswith("error: nri-cdi: unresolvable CDI device: ")


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
        ("cri-o", "cri-o", "1.36.0", "0.11"),
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
        ("cri-o:latest", "'latest' is not a version of cri-o, such as 1.36.0"),
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
    (tmp_path / "config.yaml").write_text("{}")
    with pytest.raises(SystemExit):
        main(["explain", "--help"])
    _, _, examples = capsys.readouterr().out.partition("examples:\n")
    commands = [line.partition("nri-cdi explain ")[2] for line in examples.splitlines()]
    assert len(commands) == 4
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
    assert (
        capsys.readouterr().err == f"nri-cdi: warning: Pod default/train: {warning}\n"
    )
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
    assert "Pod default/a\\x1b[2J, container main: injected (resolve)\n" in captured.out


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


Configure = Callable[..., str]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Write a configuration; its path comes back."""

    def write(**settings: Any) -> str:
        path = tmp_path / "config.yaml"
        path.write_text(json.dumps(settings))
        return str(path)

    return write


POLICY = {
    "default": "deny",
    "rules": [
        {"name": "watched", "namespaces": ["research"], "action": "audit"},
        {"name": "no-miners", "namespaces": ["mine"], "action": "deny"},
    ],
}


@pytest.mark.parametrize(
    ("namespace", "result", "rule", "words"),
    [
        (
            (),
            "refused",
            "(default)",
            "no rule of the policy allows vendor.com/gpu=plain",
        ),
        (("--namespace", "research"), "injected", "watched", ""),
        (
            ("-n", "mine"),
            "refused",
            "no-miners",
            "the policy's rule 'no-miners' denies",
        ),
    ],
)
def test_the_configuration_decides(
    explain: Explain,
    configure: Configure,
    namespace: tuple[str, ...],
    result: str,
    rule: str,
    words: str,
    capsys: Capture,
) -> None:
    given = ("-c", "main", "--config", configure(policy=POLICY), *namespace)
    status = explain("pod.yaml", "-o", "json", *given)
    [container] = containers(capsys)
    assert (container["result"], container["rule"]) == (result, rule)
    assert words in container.get("error", "")
    assert status == (result == "refused")


def test_people_see_the_configuration_and_what_is_audited(
    explain: Explain, configure: Configure, capsys: Capture
) -> None:
    path = configure(policy=POLICY)
    assert explain("pod.yaml", "-c", "main", "-n", "research", "--config", path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:5] == [
        f"configuration: {path}; --config takes another",
        "",
        "Pod research/train, container main: injected (resolve)",
        "audited: policy rule watched",
    ]


def test_a_manifests_namespace_stays(
    explain: Explain, configure: Configure, capsys: Capture
) -> None:
    text = POD.replace("name: train", "name: train\n  namespace: research", 1)
    given = ("-n", "mine", "--config", configure(policy=POLICY), "-o", "json")
    assert explain("pod.yaml", *given, text=text) == 0
    [pod] = json.loads(capsys.readouterr().out)["pods"]
    assert pod["namespace"] == "research"


@pytest.mark.parametrize("name", ["", "*", "No", "a.b", "a" * 64])
def test_what_is_no_namespace_is_bad_usage(
    explain: Explain, name: str, capsys: Capture
) -> None:
    with pytest.raises(SystemExit) as exited:
        explain("pod.yaml", "-n", name)
    assert exited.value.code == 2
    assert "can't be a namespace" in capsys.readouterr().err


def test_a_broken_configuration_is_told_as_the_plugin_does(
    explain: Explain, configure: Configure, capsys: Capture
) -> None:
    path = configure(injection="magic", spec_dir="/")
    assert explain("pod.yaml", "--config", path) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "unknown setting 'spec_dir'" in captured.err
    assert "'magic' is not a way of injection" in captured.err


def test_the_environment_counts_as_it_does_for_the_plugin(
    explain: Explain,
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    path = configure(injection="resolve")
    monkeypatch.setenv("NRI_CDI_INJECTION", "delegate")
    given = ("pod.yaml", "-c", "main", "--config", path)
    assert explain(*given) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[1] == f"configuration: {path}, NRI_CDI_INJECTION; --config takes another"
    )
    assert lines[3].endswith(": injected (delegate)")
    assert explain(*given, "-o", "json") == 0
    configuration = json.loads(capsys.readouterr().out)["configuration"]
    assert configuration == {"path": path, "variables": ["NRI_CDI_INJECTION"]}


def test_specs_are_those_of_the_configuration_unless_told_otherwise(
    explain: Explain, configure: Configure, specs: Path, capsys: Capture
) -> None:
    explain("pod.yaml")
    capsys.readouterr()
    path = configure(spec_dirs=[str(specs)])
    assert main(["explain", "pod.yaml", "--config", path]) == 0
    assert "vendor.com/gpu=plain" in capsys.readouterr().out
    path = configure(spec_dirs=["/nonexistent"])
    assert main(["explain", "pod.yaml", "--config", path]) == 1
    # A shell's directories may be relative, and a plugin's may not.
    given = ["--spec-dir", specs.name, "--config", path]
    assert main(["explain", "pod.yaml", *given]) == 0


def test_people_see_which_variable_asks(
    explain: Explain, configure: Configure, specs: Path, capsys: Capture
) -> None:
    path = configure(environment={"GPUS": "vendor.com/gpu"})
    text = (
        "kind: Pod\nmetadata: {{name: train}}\n"
        "spec: {{containers: [{{name: main, env: [{{name: GPUS, value: plain}}]}}]}}\n"
    )
    assert explain("pod.yaml", "--config", path, text=text) == 0
    request = (
        f"request  vendor.com/gpu=plain  by variable GPUS, from {specs}/gpu.json\n"
    )
    assert request in capsys.readouterr().out


def test_a_plugin_that_only_checks_is_told_of(
    explain: Explain, configure: Configure, capsys: Capture
) -> None:
    assert explain("pod.yaml", "--config", configure(validate="only")) == 0
    assert capsys.readouterr().err.startswith(
        "nri-cdi: the configuration has validate: only, so its plugin checks and gives "
        "nothing; "
    )


def test_the_hosts_dev_is_where_it_is_here(
    explain: Explain, configure: Configure, specs: Path, tmp_path: Path
) -> None:
    device = {"name": "0", "containerEdits": {"deviceNodes": [{"path": "/dev/null"}]}}
    spec = {"cdiVersion": "0.5.0", "kind": "vendor.com/nul", "devices": [device]}
    (specs / "nul.json").write_text(json.dumps(spec))
    root = tmp_path / "host-dev"
    given = ("-c", "main", "--config", configure(host_dev_root=str(root)))
    # On the host there is no such directory, which the plugin's container has.
    assert explain("pod.yaml", *given, main_gets="vendor.com/nul=0") == 0
    root.mkdir()
    assert explain("pod.yaml", *given, main_gets="vendor.com/nul=0") == 1


def test_the_plugin_that_runs_here_is_asked_what_it_knows(
    explain: Explain, configure: Configure, specs: Path, tmp_path: Path, capsys: Capture
) -> None:
    asked = "vendor.com/gpu=class"
    address = UnixAddress(path=str(tmp_path / "status.sock"))
    living = Living(Config(spec_dirs=(str(specs),))).connect("2.1.9")
    assert living.ask(asked, pod="other") == ""
    path = configure(status=str(address), exclusive=["vendor.com/gpu=*"])
    given = ("pod.yaml", "-c", "main", "--config", path)
    with served(living, address):
        assert explain(*given, main_gets=asked) == 1
        shown = capsys.readouterr()
        assert explain(*given, "-n", "x", "--runtime", "cri-o", main_gets=asked) == 1
        with_flag = capsys.readouterr().out
    lines = shown.out.splitlines()
    assert lines[0] == (
        "runtime: containerd 2.1.9 (NRI 0.8), that of the plugin here; --runtime takes "
        "another"
    )
    assert f"nri-cdi: {asked} is exclusive, and held by pod " in lines[4]
    assert "/other, container main; asked for by" in lines[4]
    assert shown.err == ""
    assert with_flag.startswith("runtime: cri-o 1.36.0 (NRI 0.11); ")
    assert "is exclusive, and held by pod " in with_flag


def test_without_an_answer_of_the_plugin_less_is_known(
    explain: Explain, configure: Configure, tmp_path: Path, capsys: Capture
) -> None:
    status = str(tmp_path / "status.sock")
    path = configure(status=status, exclusive=["vendor.com/gpu=*"])
    assert explain("pod.yaml", "-c", "main", "--config", path) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith(
        f"nri-cdi: the plugin's state is not known: {status}: "
    )
    assert captured.out.startswith("runtime: containerd 2.3.0 (NRI 0.12); ")
    assert "warning: exclusive: vendor.com/gpu=plain; whether" in captured.out
    # What is not needed is not asked for.
    path = configure(status=status)
    given = ("--runtime", "cri-o", "--config", path)
    assert explain("pod.yaml", "-c", "main", *given) == 0
    assert capsys.readouterr().err == ""
