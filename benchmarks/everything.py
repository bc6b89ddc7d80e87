"""A plugin with everything on: policy, exclusive devices, aliases, status, validation.

Its configuration is that of a node that several teams share. The rule that lets the
measured pods through is the last of 20, so that all of them have to be looked at, and
the newest runtime is connected, which asks for the most.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import specs
from benchmarks.container import create_request
from benchmarks.processes import BenchmarkError, Running, plugin_command, running
from nri_cdi.nri import api
from nri_cdi.nri.events import EVENTS
from testbed.standin import containerd

RUNTIME = containerd("2.3.0", "0.12.0")

VARIABLE = "BENCH_VISIBLE_DEVICES"

SUFFIX = "with everything on"
"""What the names of the figures say."""

GOVERNED = ("policy", "status", "validate")
GOVERNED_SUFFIX = "with policy, metrics and validation on"
"""What the figures of the design have to hold with, and what their names say."""

VALIDATION = next(
    event.mask for event in EVENTS if event.rpc == "ValidateContainerAdjustment"
)

# With that of the measured pods, 20 rules.
TEAMS = 15


class NotOnError(BenchmarkError):
    """The plugin does not do what its configuration says."""


def command(folder: Path, spec_dir: Path, only: Collection[str] = ()) -> list[str]:
    """The real plugin with everything on, for the socket of ``folder``.

    Or with ``only`` some of its settings, by their names.
    """
    settings = _settings(folder)
    chosen = {key: settings[key] for key in only or settings}
    path = folder / "config.yaml"
    path.write_text(json.dumps(chosen))  # which is YAML, too
    return [*plugin_command(folder, spec_dir), "--config", str(path)]


def status_path(folder: Path) -> Path:
    """The socket of its status."""
    return folder / "status.sock"


@contextmanager
def running_everything(
    folder: Path, spec_dir: Path, only: Collection[str] = ()
) -> Iterator[Running]:
    """The plugin, registered and synchronized.

    Raises: NotOnError if it doesn't validate.
    """
    with running(command(folder, spec_dir, only), folder, RUNTIME) as plugin:
        if not plugin.events & VALIDATION:
            raise NotOnError(f"subscribed to {plugin.events:#x}, not to validation")
        yield plugin


def request_by_annotation_and_variable(name: str) -> api.CreateContainerRequest:
    """The request for a container that asks twice for a device of the one kind."""
    request = create_request(f"{specs.ONE_KIND}={name}")
    request.container.env.append(f"{VARIABLE}={name}")
    return request


def _settings(folder: Path) -> dict[str, Any]:
    return {
        "aliases": ["cdi-devices.noderesource.dev", "nvidia.cdi.k8s.io"],
        "environment": {VARIABLE: specs.ONE_KIND},
        "policy": {"default": "deny", "rules": _rules()},
        "exclusive": [f"{specs.ONE_KIND}=*", f"{specs.MANY_KIND}=*"],
        "validate": True,
        "status": str(status_path(folder)),
    }


def _rules() -> list[dict[str, Any]]:
    """Rules as operators write them, none of them about the pods but the last."""
    every = [f"{specs.ONE_KIND}=*", f"{specs.MANY_KIND}=*"]
    teams = [
        {
            "name": f"team-{number:02}",
            "namespaces": [f"team-{number:02}", f"team-{number:02}-*"],
            "devices": [*every, f"vendor{number}.test/gpu=*"],
            "action": "allow",
        }
        for number in range(TEAMS)
    ]
    return [
        _rule("management", "deny", devices=["management.vendor.test/*=*"]),
        _rule("all-at-once", "deny", devices=["*/*=all"]),
        _rule("batch", "audit", labels={"queue": "batch-*"}, devices=every),
        *teams,
        _rule("sandboxed", "deny", runtime_handlers=["kata*", "gvisor"], devices=every),
        _rule(
            "research", "allow", namespaces=["research", "research-*"], devices=every
        ),
    ]


def _rule(name: str, action: str, **matching: object) -> dict[str, Any]:
    return {"name": name, **matching, "action": action}
