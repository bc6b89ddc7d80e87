"""Nodes as trees of files: what a doctor sees of one, and nothing that runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nri_cdi.config import Config
from nri_cdi.doctor import Facts, Finding, Node, Plugin, examine
from nri_cdi.doctor.instances import DEFAULT_FILE

SOCKET = "/run/nri/nri.sock"
NOW_S = 1_800_000_000
TICKS = 100

SPEC: dict[str, Any] = {
    "cdiVersion": "0.6.0",
    "kind": "vendor.com/gpu",
    "devices": [{"name": "0", "containerEdits": {"env": ["A=b"]}}],
}
RUNTIME_PID, PLUGIN_PID = 7, 9

NRI_ON = f"""\
version = 2
[plugins."io.containerd.nri.v1.nri"]
  disable = false
  socket_path = "{SOCKET}"
"""


class Tree:
    """A node below a folder; its runtime and its plugin are to be added."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.versions: dict[str, str] = {}
        self.config = Config(socket=SOCKET, spec_dirs=("/etc/cdi",))
        self.plugin = Plugin(config=self.config, config_path=DEFAULT_FILE)
        self.write("/proc/stat", f"cpu 0\nbtime {NOW_S - 1000}\n")
        self.spec(SPEC)
        (root / "run").mkdir()
        (root / "var").mkdir()
        (root / "var/run").symlink_to("/run")

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)
        return place

    def spec(self, content: Mapping[str, Any], name: str = "vendor.json") -> Path:
        return self.write(f"/etc/cdi/{name}", json.dumps(content))

    def devices(self, **edits: Mapping[str, Any]) -> None:
        """The devices of the one spec."""
        devices = [
            {"name": name, "containerEdits": each} for name, each in edits.items()
        ]
        self.spec({**SPEC, "cdiVersion": "1.1.0", "devices": devices})

    def process(
        self,
        pid: int,
        *arguments: str,
        program: str = "",
        parent: int = 1,
        age_s: int = 100,
        inotify: Sequence[int] = (),
    ) -> None:
        """A process; ``inotify`` has the watches of each of its instances."""
        folder = f"/proc/{pid}"
        self.write(f"{folder}/cmdline", "".join(f"{word}\0" for word in arguments))
        start = (1000 - age_s) * TICKS
        fields = f"S {parent} {'0 ' * 17}{start} 0"
        self.write(f"{folder}/stat", f"{pid} (a) b) {fields}")
        exe = self.root / folder.lstrip("/") / "exe"
        if not exe.is_symlink():
            exe.symlink_to(program or arguments[0])
        for number, watches in enumerate(inotify):
            fd = self.write(f"{folder}/fd/{number}", "")
            fd.unlink()
            fd.symlink_to("anon_inode:inotify")
            lines = "pos:\t0\n" + "inotify wd:1 ino:2\n" * watches
            self.write(f"{folder}/fdinfo/{number}", lines)

    def containerd(
        self,
        version: str = "2.1.9",
        config: str | None = NRI_ON,
        *flags: str,
        listens: bool = True,
        pid: int = RUNTIME_PID,
        socket: str = SOCKET,
    ) -> None:
        """A containerd that runs; ``config`` is its file."""
        self.process(pid, "/usr/bin/containerd", *flags)
        self.versions["/usr/bin/containerd"] = version
        if config is not None:
            self._old(self.write("/etc/containerd/config.toml", config))
        self._sockets(pid, socket, listens=listens)

    def crio(self, version: str = "1.34.0", *flags: str, listens: bool = True) -> None:
        self.process(RUNTIME_PID, "/usr/bin/crio", *flags)
        self.versions["/usr/bin/crio"] = version
        self._sockets(RUNTIME_PID, SOCKET, listens=listens)

    def running_plugin(self, *flags: str, pid: int = PLUGIN_PID) -> None:
        program = "/usr/bin/python3.11"
        self.process(pid, program, "/usr/bin/nri-cdi", "run", *flags)

    def configure(self, **settings: Any) -> None:
        """Change the plugin's settings."""
        self.plugin = replace(
            self.plugin, config=replace(self.plugin.config, **settings)
        )

    def facts(self) -> Facts:
        return Facts(
            Node(str(self.root)),
            self.plugin,
            ask=lambda program, _: self.versions.get(program, ""),
            now_s=NOW_S,
        )

    def findings(self) -> list[Finding]:
        return list(examine(self.facts()).findings)

    def rules(self) -> list[str]:
        """The identifiers of what is found, but for what every such node has."""
        found = [finding.rule for finding in self.findings()]
        return [rule for rule in found if rule != "fails-open"]

    def finding(self, rule: str) -> Finding:
        [found] = [each for each in self.findings() if each.rule == rule]
        return found

    def _old(self, path: Path) -> None:
        """Older than the runtime, as what it has read is."""
        os.utime(path, (NOW_S - 5000, NOW_S - 5000))

    def _sockets(self, pid: int, socket: str, *, listens: bool) -> None:
        state = "00010000" if listens else "00000000"
        rows = ("Num RefCount Protocol Flags Type St Inode Path", "0: 3 0 0 0001 03 11")
        row = f"0: 00000002 00000000 {state} 0001 01 12 {socket}"
        self.write(f"/proc/{pid}/net/unix", "\n".join((*rows, row, "")))


def fine(root: Path) -> Tree:
    """A node with which nothing is wrong."""
    tree = Tree(root)
    tree.containerd(config=f"{NRI_ON}{SAME_DIRS}")
    tree.running_plugin()
    return tree


SAME_DIRS = '[plugins."io.containerd.grpc.v1.cri"]\n  cdi_spec_dirs = ["/etc/cdi"]\n'
