"""Spec files and what they need on the host, for tests to write."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KIND = "vendor.test/device"
VERSION = "0.6.0"
NODE_MODE = 0o666

Edits = Mapping[str, Any]


def spec(
    devices: Mapping[str, Edits],
    *,
    kind: str = KIND,
    edits: Edits | None = None,
    version: str = VERSION,
) -> dict[str, Any]:
    """A spec with these devices, by name, and edits of its own."""
    return {
        "cdiVersion": version,
        "kind": kind,
        "devices": [
            {"name": name, "containerEdits": edits} for name, edits in devices.items()
        ],
        **({"containerEdits": edits} if edits else {}),
    }


def env(**values: str) -> Edits:
    """Edits that do nothing but set variables."""
    return {"env": [f"{key}={value}" for key, value in values.items()]}


def write(path: Path, content: Mapping[str, Any]) -> Path:
    """Write a spec, as JSON: YAML is a superset of it, whatever the file is called."""
    path.write_text(json.dumps(content))
    return path


def make_node(path: Path, type_: str, major: int, minor: int) -> Path:
    """A device node on the host: ``type_`` is ``c`` or ``b``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = stat.S_IFBLK if type_ == "b" else stat.S_IFCHR
    os.mknod(path, kind | NODE_MODE, os.makedev(major, minor))
    path.chmod(NODE_MODE)  # whatever the umask is
    return path


def make_file(path: Path, text: str) -> Path:
    """A file on the host, with the folders that it takes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def make_program(path: Path, text: str) -> Path:
    """An executable on the host."""
    make_file(path, text).chmod(0o755)
    return path
