"""A spec as nvidia-ctk writes it: some forty mounts, edits on two levels, hooks."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import specs
from tests.e2e.node import Node

RECORDED = Path(__file__).resolve().parents[3] / "shared/data/specs/nvidia-525.yaml"
"""What nvidia-ctk wrote on a machine with one card; not part of the project."""

NVIDIA = "nvidia.com/gpu"
OPTIONS = ["ro", "nosuid", "nodev", "bind"]
LIBRARIES = 30
BINARIES = ("nvidia-smi", "nvidia-debugdump", "nvidia-persistenced")
SOCKET = "/run/nvidia-persistenced/socket"

# nvidia-ctk's part in this: it notes what it was called with, a line a call.
HOOK = """\
#!/bin/sh
echo "$*" >>{log}
"""


def generated() -> dict[str, Any]:
    """A spec of the shape that nvidia-ctk's have."""
    folder = "/usr/lib/x86_64-linux-gnu"
    paths = [
        f"{folder}/libnvidia-{number}.so.525.147.05" for number in range(LIBRARIES)
    ]
    paths += [f"/usr/bin/{name}" for name in BINARIES]
    paths += [
        f"{folder}/nvidia/xorg/nvidia_drv.so",
        "/lib/firmware/nvidia/gsp_ad10x.bin",
    ]
    mounts = [
        {"hostPath": path, "containerPath": path, "options": OPTIONS} for path in paths
    ]
    options = [*OPTIONS, "noexec"]
    mounts.append({"hostPath": SOCKET, "containerPath": SOCKET, "options": options})
    card = {
        "deviceNodes": [{"path": "/dev/nvidia0"}, {"path": "/dev/dri/renderD128"}],
        "hooks": [
            _hook("create-symlinks", "--link", "../card0::/dev/dri/by-path/card"),
            _hook("chmod", "--mode", "755", "--path", "/dev/dri"),
        ],
    }
    control = {
        "deviceNodes": [{"path": "/dev/nvidiactl"}, {"path": "/dev/nvidia-uvm"}],
        "hooks": [_hook("update-ldcache", "--folder", folder)],
        "mounts": mounts,
    }
    return specs.spec(
        {"0": card, "all": card}, kind=NVIDIA, edits=control, version="0.5.0"
    )


def recorded() -> dict[str, Any]:
    """The spec that nvidia-ctk wrote."""
    spec: dict[str, Any] = yaml.safe_load(RECORDED.read_text())
    return spec


def _hook(*args: str) -> dict[str, Any]:
    return {
        "hookName": "createContainer",
        "path": "/usr/bin/nvidia-ctk",
        "args": ["nvidia-ctk", "hook", *args],
    }


def furnish(spec: dict[str, Any], host: Path, hook: Path) -> None:
    """Make all that the spec has of the host below ``host``, and say so in the spec."""
    every = [spec["containerEdits"], *(d["containerEdits"] for d in spec["devices"])]
    for edits in every:
        for each in edits["hooks"]:
            each["path"] = str(hook)
        for node in edits["deviceNodes"]:
            node["hostPath"] = str(host) + node["path"]
            if not Path(node["hostPath"]).exists():
                specs.make_node(Path(node["hostPath"]), "c", 1, 3)
        for mount in edits.get("mounts", ()):
            mount["hostPath"] = str(host) + mount["hostPath"]
            _make_source(Path(mount["hostPath"]))


def _make_source(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name == "socket":
        os.mknod(path, stat.S_IFSOCK | specs.NODE_MODE)
    else:
        path.write_text(path.name)


def _recorded_or_none() -> list[Callable[[], dict[str, Any]]]:
    return [recorded] if RECORDED.exists() else []


@pytest.mark.parametrize("source", [generated, *_recorded_or_none()])
def test_a_container_gets_all_that_a_card_takes(
    node: Node, source: Callable[[], dict[str, Any]]
) -> None:
    spec = source()
    calls = node.folder / "calls"
    program = specs.make_program(node.folder / "nvidia-ctk", HOOK.format(log=calls))
    furnish(spec, node.folder / "host", program)
    (node.spec_dir / "nvidia.yaml").write_text(yaml.safe_dump(spec))
    shared, card = spec["containerEdits"], spec["devices"][0]["containerEdits"]

    with node.running(f"{NVIDIA}=0") as container:
        mounted = container.output("/bin/cat", "/proc/mounts")
        nodes = [each["path"] for each in shared["deviceNodes"] + card["deviceNodes"]]
        stats = container.output("/bin/stat", "-c", "%F %t:%T %n", *nodes)
        names = container.shell(
            "for f in "
            + " ".join(mount["containerPath"] for mount in shared["mounts"])
            + '; do if [ -S "$f" ]; then echo "$f"; else cat "$f"; echo; fi; done'
        )

    options = {
        line.split()[1]: line.split()[3].split(",") for line in mounted.splitlines()
    }
    for mount in shared["mounts"]:
        wanted = set(mount["options"]) - {"bind"}
        assert wanted <= set(options[mount["containerPath"]]), mount["containerPath"]
    assert len(shared["mounts"]) > 30
    assert stats.splitlines() == [
        f"character special file 1:3 {path}" for path in nodes
    ]
    paths = [Path(mount["containerPath"]) for mount in shared["mounts"]]
    assert names.splitlines() == [
        str(path) if path.name == "socket" else path.name for path in paths
    ]
    assert calls.read_text().splitlines() == [
        " ".join(hook["args"][1:]) for hook in shared["hooks"] + card["hooks"]
    ]
