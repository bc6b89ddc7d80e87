"""Spec directories for the tests of verbs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ENV = {"env": ["A=1"]}


def device(name: str, edits: Mapping[str, Any] = ENV, **more: Any) -> dict[str, Any]:
    """A device as it stands in a spec."""
    return {"name": name, **more, "containerEdits": edits}


def write(
    path: Path,
    devices: Sequence[str | Mapping[str, Any]],
    *,
    kind: str = "v.com/gpu",
    **more: Any,
) -> str:
    """Write a spec of these devices; the directory is made, and the path given back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [device(each) if isinstance(each, str) else each for each in devices]
    spec = {"cdiVersion": "1.1.0", "kind": kind, **more, "devices": made}
    path.write_text(json.dumps(spec))
    return str(path)
