"""Every example of every verb's ``--help``, in a shell, as a new user would try it.

The specs of the node lie in a folder of the test, and so does what the examples call
``/etc/cdi`` and ``/host``. Other programs in the examples are stand-ins.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nri_cdi.cli import VERBS

PROGRAM = Path(sys.executable).with_name("nri-cdi")

# It runs until it is stopped, and tests of its own are about it.
PLUGIN = "run"

# These do too, but for one that has an end.
ENDLESS = tuple(f"nri-cdi monitor{rest}" for rest in ("", " --initial -o json"))

LIMIT_S = 30

SPEC = """\
cdiVersion: 0.6.0
kind: vendor.com/gpu
devices:
- name: "0"
  containerEdits:
    env: [VENDOR_0=yes]
- name: all
  containerEdits:
    env: [VENDOR_ALL=yes]
"""
NVIDIA = (
    SPEC.replace("vendor.com", "nvidia.com")
    + """\
- name: "1"
  containerEdits:
    env: [VENDOR_1=yes]
"""
)
OTHER = '{"cdiVersion":"0.3.0","kind":"other.com/net","devices":[{"name":"a",\
"containerEdits":{"env":["A=b"]}}]}'

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: train
  annotations:
    cdi.k8s.io/gpu: nvidia.com/gpu=0
spec:
  containers:
  - name: train
    image: busybox
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: train
spec:
  template:
    metadata:
      annotations:
        cdi.k8s.io/gpu: nvidia.com/gpu=0
    spec:
      containers:
      - name: train
        image: busybox
"""

PROGRAMS = {
    "vendor-tool": f"cat <<'END'\n{SPEC}END\n",
    "kubectl": f"cat <<'END'\n{POD}END\n",
    "jq": "cat\n",
    "runc": "echo '{}' > config.json\n",
}

# What ends with another status, and the reason for it.
OTHERWISE = {
    # This machine, or the root that the example has, lacks a plugin at the least.
    "nri-cdi doctor": 1,
    "nri-cdi doctor -o json": 1,
    "nri-cdi doctor --root /host": 1,
    # There is neither a plugin nor a configuration that says where one is.
    "nri-cdi status": 2,
    "nri-cdi status -o json | jq '.devices[] | select(.holders != [])'": 2,
    "nri-cdi status --address /run/nri-cdi/status.sock --check ready": 1,
    "nri-cdi status --address 127.0.0.1:9464": 1,
    # It says that vendor.yaml and all of its devices are worth a look, as they are.
    "nri-cdi fmt --check --diff /etc/cdi": 1,
    # Two devices of one request set other variables, but one of them is "all".
    "nri-cdi lint --request vendor.com/gpu=0,vendor.com/gpu=all": 1,
}


def _help(verb: str) -> str:
    return subprocess.run(
        [PROGRAM, verb, "--help"], check=True, capture_output=True, text=True
    ).stdout


def _examples(verb: str) -> list[str]:
    text = _help(verb).partition("\nexamples")[2].partition("\n")[2]
    return [line.strip() for line in text.splitlines() if line.startswith("  ")]


def _all_examples() -> list[tuple[str, str]]:
    return [
        (verb, example)
        for verb, _, _ in VERBS
        if verb != PLUGIN
        for example in _examples(verb)
        if example not in ENDLESS
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, text in {
        "etc/cdi/vendor.yaml": SPEC,
        "etc/cdi/nvidia.yaml": NVIDIA,
        "etc/cdi/other.json": OTHER,
        "host/etc/cdi/vendor.yaml": SPEC,
        "work/vendor.yaml": SPEC,
        "work/pod.yaml": POD,
        "work/deployment.yaml": DEPLOYMENT,
        "work/config.json": "{}",
        "work/config.yaml": "index: '20'\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    for name in ("bash-completion/completions", "zsh/vendor-completions"):
        (tmp_path / "usr/share" / name).mkdir(parents=True)
    (tmp_path / "usr/share/fish/vendor_completions.d").mkdir(parents=True)
    programs = tmp_path / "bin"
    programs.mkdir()
    own = f'exec {PROGRAM} --spec-dir {tmp_path}/etc/cdi "$@"\n'
    for name, script in {**PROGRAMS, "nri-cdi": own}.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}")
        (programs / name).chmod(0o755)
    return tmp_path


def _run(example: str, folder: Path) -> subprocess.CompletedProcess[str]:
    for path in ("/etc/cdi", "/usr/share", "/host/etc"):
        example = example.replace(f" {path}", f" {folder}{path}")
    example = example.replace("--root /host", f"--root {folder}/host")
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", example],
        cwd=folder / "work",
        env={"PATH": f"{folder}/bin:{os.defpath}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.mark.parametrize(("verb", "example"), _all_examples())
def test_an_example_does_what_it_says(verb: str, example: str, folder: Path) -> None:
    if "convert -o yaml" in example:
        shutil.copy(folder / "etc/cdi/other.json", folder / "work/vendor.json")
        (folder / "work/vendor.yaml").unlink()
    if "zsh" in example and "source" in example:
        example = example.replace("source", "cat")
    if example.endswith("fish | source"):
        example = example.replace("| source", "| cat")
    ran = _run(example, folder)
    assert "Traceback" not in ran.stderr
    assert ran.returncode == OTHERWISE.get(example, 0), ran.stderr


@pytest.mark.parametrize("verb", [verb for verb, _, _ in VERBS])
def test_every_verb_has_examples(verb: str) -> None:
    assert _examples(verb) != []
    assert all("nri-cdi" in example for example in _examples(verb))


@pytest.mark.parametrize("example", ENDLESS)
def test_an_example_of_monitor_ends_when_it_is_interrupted(
    example: str, folder: Path
) -> None:
    process = subprocess.Popen(
        ["bash", "-c", f"exec {example}"],
        cwd=folder / "work",
        env={"PATH": f"{folder}/bin:{os.defpath}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=LIMIT_S)
    assert said == f"nri-cdi: following {folder}/etc/cdi\n"


def test_the_examples_without_an_end_are_those_of_the_help() -> None:
    assert set(ENDLESS) < set(_examples("monitor"))
