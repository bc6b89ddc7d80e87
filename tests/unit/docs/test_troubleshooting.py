"""Each message in docs/troubleshooting.md is one that the code writes."""

from __future__ import annotations

import ast
import asyncio
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from nri_cdi.adjustment import compile_adjustment
from nri_cdi.cdi.reading import parse_spec
from nri_cdi.cdi.registry import (
    BrokenFile,
    Registry,
    SpecFile,
    build_registry,
    register,
)
from nri_cdi.cli import main
from nri_cdi.config import Config
from nri_cdi.config.overrides import environment_settings
from nri_cdi.config.reading import settings_of_file
from nri_cdi.errors import ConfigError, NriCdiError, SpecError
from nri_cdi.explanation import Explainer
from nri_cdi.holders import Holder
from nri_cdi.manifests import Container, Pod
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import RuntimeInfo
from nri_cdi.policy import Action, Policy, Rule
from nri_cdi.requests import dialects, requested, requested_devices
from nri_cdi.speckeeper import SpecKeeper
from tests.unit.docs.pages import ROOT, blocks, read

PAGE = read("docs/troubleshooting.md")
DOCUMENTED = [
    line for block in blocks(PAGE, "text") for line in block.splitlines() if line
]

GPU = "vendor.com/gpu=gpu0"
PATH = "/etc/cdi/vendor.yaml"
SPEC = """\
cdiVersion: "1.1.0"
kind: vendor.com/gpu
devices:
- name: gpu0
  containerEdits:
    deviceNodes: [{path: /dev/gpu0}]
- name: gpu1
  containerEdits: {env: [GPU=1]}
"""
BROKEN = SPEC.replace("/dev/gpu0", "/dev/gpu0, type: x")

CONTAINERD_2_1 = RuntimeInfo(name="containerd", version="2.1.9", nri_version=(0, 8))
CONTAINERD_2_3 = RuntimeInfo(name="containerd", version="2.3.0", nri_version=(0, 12))
DOCKER = RuntimeInfo(name="docker", version="29.2.0", nri_version=(0, 12))


def registry(
    specs: Mapping[str, str], dir_errors: Mapping[str, str] | None = None
) -> Registry:
    files: list[SpecFile | BrokenFile] = []
    for path, text in specs.items():
        try:
            loaded = parse_spec(text.encode(), path)
        except SpecError as error:
            files.append(BrokenFile(path=path, priority=0, error=error))
        else:
            files.append(register(path, 0, loaded.spec, loaded.warnings))
    return build_registry(files, dir_errors=dir_errors or {})


def annotated(key: str, value: str) -> None:
    requested_devices({key: value}, "main")


def resolved(specs: Mapping[str, str], *names: str, **errors: str) -> None:
    dir_errors = {f"/etc/{name}": reason for name, reason in errors.items()}
    registry(specs, dir_errors).resolve(names)


def adjusted(edits: str, runtime: RuntimeInfo = CONTAINERD_2_1) -> None:
    spec = 'cdiVersion: "1.1.0"\nkind: vendor.com/gpu\ndevices:\n- name: gpu0\n'
    spec += f"  containerEdits: {edits}\n"
    resolution = registry({PATH: spec}).resolve([GPU])
    compile_adjustment(resolution, runtime).for_container(api.Container())


def two_interfaces() -> None:
    spec = 'cdiVersion: "1.1.0"\nkind: vendor.com/nic\ndevices:\n'
    for name, host in (("a", "eth1"), ("b", "eth2")):
        net_device = f"{{hostInterfaceName: {host}, name: net0}}"
        spec += f"- name: {name}\n  containerEdits: {{netDevices: [{net_device}]}}\n"
    names = ("vendor.com/nic=a", "vendor.com/nic=b")
    resolution = registry({"/etc/cdi/nic.yaml": spec}).resolve(names)
    compile_adjustment(resolution, CONTAINERD_2_3)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("vendor.com/gpu", "gpu"),
        ("gpu=0", "gpu"),
        ("vendor.com/gpu=0!", "gpu"),
        ("vendor.com/gpu=0,,vendor.com/gpu=1", "gpu"),
        ("", "gpu"),
        (GPU, ""),
        (GPU, "container."),
        (f"{GPU}," * 1025, "gpu"),
    ],
)
def test_annotations_that_cannot_be_read(value: str, key: str) -> None:
    with pytest.raises(NriCdiError) as caught:
        annotated(f"cdi.k8s.io/{key}", value)
    assert str(caught.value) in DOCUMENTED


@pytest.mark.parametrize(
    "value", ["vendor.com/gpu=0", "[", "[1]", "- vendor.com/gpu=0\n---\n- x"]
)
def test_annotations_of_another_plugin_that_cannot_be_read(value: str) -> None:
    alias = "cdi-devices.noderesource.dev"
    with pytest.raises(NriCdiError) as caught:
        requested_devices({f"{alias}/pod": value}, "main", dialects((alias,)))
    assert str(caught.value) in DOCUMENTED


@pytest.mark.parametrize("value", ["0,gpu 1", "0,none", "0," * 1025])
def test_variables_that_cannot_be_read(value: str) -> None:
    name = "NVIDIA_VISIBLE_DEVICES"
    with pytest.raises(NriCdiError) as caught:
        requested({}, "main", [f"{name}={value}"], (), ((name, "nvidia.com/gpu"),))
    assert str(caught.value) in DOCUMENTED


RULE = Rule(name="no-miners", action=Action.DENY)
CLOSED = Policy(default=Action.DENY)
ON_NODES = SPEC.replace(
    "- name: gpu1",
    "- name: all\n  containerEdits: {deviceNodes: [{path: /dev/gpu0}]}\n- name: gpu1",
).replace("path: /dev/gpu0", "path: /dev/gpu0, type: c, major: 1, minor: 3")


@pytest.mark.parametrize(
    ("config", "held", "annotations"),
    [
        (Config(policy=Policy(rules=(RULE,))), (), {}),
        (Config(policy=CLOSED), (), {}),
        (Config(exclusive=("vendor.com/*",)), (GPU,), {}),
        (Config(exclusive=("vendor.com/*",)), ("vendor.com/gpu=all",), {}),
        (Config(), (), {"nri-cdi/resolved": GPU}),
    ],
)
def test_containers_that_may_not_have_it(
    config: Config, held: tuple[str, ...], annotations: Mapping[str, str]
) -> None:
    holder = Holder(
        namespace="research",
        pod="train",
        container="main",
        container_id="1",
        pod_uid="",
        devices=held,
    )
    specs = registry({PATH: ON_NODES})
    pod = Pod(
        path="pod.yaml",
        kind="Pod",
        name="other",
        namespace="research",
        annotations={"cdi.k8s.io/gpu": GPU, **annotations},
        outer_annotations=(),
        containers=(Container(name="main", type="container"),),
    )
    explained = Explainer(specs, CONTAINERD_2_1, config, (holder,)).explain(pod)
    error, _, _ = explained.containers[0].error.partition("; asked for by")
    assert error.removeprefix("nri-cdi: ") in DOCUMENTED


@pytest.mark.parametrize(
    ("specs", "name", "errors"),
    [
        ({PATH: SPEC}, "vendor.com/gpu=gpu9", {}),
        ({PATH: SPEC}, "vendor.com/gpus=gpu0", {}),
        ({}, GPU, {}),
        ({PATH: BROKEN}, GPU, {}),
        ({PATH: SPEC, "/etc/cdi/old.yaml": SPEC}, GPU, {}),
        ({}, GPU, {"cdi": "permission denied"}),
    ],
)
def test_devices_that_cannot_be_resolved(
    specs: Mapping[str, str], name: str, errors: Mapping[str, str]
) -> None:
    with pytest.raises(NriCdiError) as caught:
        resolved(specs, name, **errors)
    assert str(caught.value) in DOCUMENTED


@pytest.mark.parametrize(
    ("edits", "runtime"),
    [
        ("{deviceNodes: [{path: /dev/gpu0}]}", CONTAINERD_2_1),
        ("{deviceNodes: [{path: /dev/gpu0, hostPath: /etc}]}", CONTAINERD_2_1),
        (
            "{deviceNodes: [{path: /dev/gpu0, hostPath: /dev/null, type: b}]}",
            CONTAINERD_2_1,
        ),
        ("{deviceNodes: [{path: /dev/gpu0, permissions: r}]}", CONTAINERD_2_1),
        ("{deviceNodes: [{path: /dev/gpu0, type: p}]}", CONTAINERD_2_1),
        ("{netDevices: [{hostInterfaceName: eth1, name: net0}]}", CONTAINERD_2_1),
        ("{intelRdt: {schemata: ['L3:0=f']}}", CONTAINERD_2_1),
        ("{additionalGids: [44]}", CONTAINERD_2_1),
        ("{env: ['-A=1']}", CONTAINERD_2_1),
        ("{deviceNodes: [{path: /dev/gpu0}]}", DOCKER),
    ],
)
def test_edits_that_cannot_be_carried_out(edits: str, runtime: RuntimeInfo) -> None:
    with pytest.raises(NriCdiError) as caught:
        adjusted(edits, runtime)
    assert str(caught.value) in DOCUMENTED


def test_devices_that_exclude_each_other() -> None:
    with pytest.raises(NriCdiError) as caught:
        two_interfaces()
    assert str(caught.value) in DOCUMENTED


@pytest.mark.parametrize(
    "arguments",
    [
        ["--index", "5"],
        ["--socket", "nri.sock"],
        ["--name", "my plugin"],
        ["--log-level", "loud"],
    ],
)
def test_flags_that_cannot_be(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *arguments]) == 2
    assert capsys.readouterr().err.removesuffix("\n") in DOCUMENTED


def test_a_configuration_that_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    assert main(["run", "--config", str(path)]) == 2
    path.write_text("spec_dir: /etc/cdi\n")
    assert main(["run", "--config", str(path)]) == 2
    for line in capsys.readouterr().err.splitlines():
        assert line.replace(str(path), "/etc/nri-cdi/config.yaml") in DOCUMENTED


ALL_DENIED = "policy:\n  rules: [{name: all, action: deny, namespaces: ['*']},\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        'index: &a "10"',
        "log_level: debug\nlog_level: info",
        "exclusive: nvidia.com/gpu=*",
        "environment: {GPUS: vendor}",
        "status: 0.0.0.0:80",
        "policy: {}",
        "policy: {rules: [{name: a, action: allow, devices: ['*']}]}",
        "policy: {rules: [{action: deny, devices: ['*']}]}",
        "policy: {rules: [{name: a, action: deny}]}",
        "policy: {rules: [{name: a, namespaces: [], action: deny}]}",
        "policy: {rules: [{name: a, devices: [gpu], action: deny}]}",
        f"{ALL_DENIED}  {{name: some, action: allow, namespaces: [a]}}]",
    ],
)
def test_a_configuration_that_is_not_meant_so(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of_file(text.encode(), "/etc/nri-cdi/config.yaml")
    assert f"nri-cdi: {caught.value.lines()[-1]}" in DOCUMENTED


@pytest.mark.parametrize("name", ["NRI_CDI_POLICY", "NRI_CDI_INJECTON"])
def test_an_environment_that_cannot_be(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        environment_settings({name: "x"})
    assert f"nri-cdi: {caught.value}" in DOCUMENTED


# What follows is written in a state that is hard to bring about, or by a peer. The page
# has its words in the place of the code's placeholders.
TRYING = "; trying again until it works"
FEWEST_LETTERS = 10


def templates() -> Iterator[re.Pattern[str]]:
    """The texts of the code that are long enough to tell, with what they leave open."""
    for path in sorted((ROOT / "src/nri_cdi").rglob("*.py")):
        if "_pb" not in path.parts:
            yield from _templates(ast.walk(ast.parse(path.read_text())))


def _templates(nodes: Iterable[ast.AST]) -> Iterator[re.Pattern[str]]:
    for node in nodes:
        parts: list[str] = []
        if isinstance(node, ast.JoinedStr):
            parts = [
                re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+"
                for part in node.values
            ]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = re.split(r"%(?:\.\d)?[sdgf]", node.value)
            parts = [".+".join(map(re.escape, words))]
        text = "".join(parts)
        if len(re.findall("[a-z]", text)) >= FEWEST_LETTERS:
            yield re.compile(text)


TEMPLATES = list(templates())


@pytest.mark.parametrize("line", DOCUMENTED)
def test_the_code_has_the_words(line: str) -> None:
    for text in {line, line.removesuffix(TRYING)}:
        assert any(template.search(text) for template in TEMPLATES), text


def test_the_log_of_changed_specs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    net = 'cdiVersion: "0.6.0"\nkind: vendor.com/net\ndevices:\n- name: "0"\n'
    net += "  containerEdits: {env: [A=1]}\n"
    gpu = net.replace("net", "gpu").replace(" {env: [A=1]}", "\n    deviceNodes:")
    rdt = net.replace("net", "cpu").replace("0.6.0", "1.0.0")
    rdt = rdt.replace("{env: [A=1]}", "{intelRdt: {closID: gold, enableCMT: true}}")
    specs = {"a": f"{gpu}    - pth: /dev/gpu0\n", "b": net, "c": net, "rdt": rdt}
    (tmp_path / "cdi").mkdir()
    for name, text in specs.items():
        (tmp_path / "cdi" / f"{name}.yaml").write_text(text)
    (tmp_path / "vendor").touch()
    with caplog.at_level(logging.WARNING):
        asyncio.run(scanned(str(tmp_path / "vendor"), str(tmp_path / "cdi")))
    messages = {line.replace(str(tmp_path), "/etc") for line in caplog.messages}
    assert len(messages) == 5
    assert messages <= set(DOCUMENTED)


async def scanned(*spec_dirs: str) -> None:
    async with SpecKeeper(spec_dirs) as specs:
        await specs.rescan()
