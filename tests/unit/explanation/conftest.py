"""The specs of a node."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.registry import Registry

EDITS: dict[str, dict[str, object]] = {
    "env": {"env": ["GPU=yes"]},
    "nothing": {"additionalGids": [0]},
    "no-node": {"deviceNodes": [{"path": "/dev/x", "hostPath": "/nonexistent/x"}]},
    "gids": {"env": ["A=1"], "additionalGids": [5, 6]},
    "net": {"netDevices": [{"hostInterfaceName": "eth1", "name": "net1"}]},
    "user": {
        "deviceNodes": [
            {"path": "/dev/u", "type": "c", "major": 1, "minor": 3, "fileMode": 438}
        ]
    },
    "mount": {
        "mounts": [{"hostPath": "/h", "containerPath": "/c", "options": ["bind"]}]
    },
}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    devices = [{"name": name, "containerEdits": edit} for name, edit in EDITS.items()]
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    devices.append(
        {"name": "fifo", "containerEdits": {"deviceNodes": [{"path": str(fifo)}]}}
    )
    spec = {"cdiVersion": "1.1.0", "kind": "vendor.com/gpu", "devices": devices}
    (tmp_path / "gpu.json").write_text(json.dumps(spec))
    cache = Cache([str(tmp_path)])
    cache.refresh()
    return cache.registry
