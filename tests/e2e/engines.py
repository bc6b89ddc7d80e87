"""What a container engine makes of CDI names, and what our own injection does.

The engine's OCI spec is the one that its runtime gets. Ours is made of the one for the
same container without devices. They are compared whole: all that is left out is what is
random, and what differs is known exactly.
"""

from __future__ import annotations

import json
import os
import subprocess
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from testbed.docker import Docker
from testbed.engine import Engine, Run
from testbed.podman import Podman
from tests.e2e.enginecases import PROBE, Case
from tests.e2e.pluginprocess import PROGRAM

Config: TypeAlias = dict[str, Any]
Differences: TypeAlias = dict[str, tuple[object, object]]
"""JSON pointers, each with what we have there and what the engine has."""

ABSENT = "absent"
ENGINES = (Docker, Podman)
INJECT_S = 20
HOSTNAME_LENGTH = 12
"""How much of a container's id its host name is, where it has no other."""

# Docker applies CDI to these and the devices asked for; it adds the container's own
# files and volumes later. Source: moby, daemon/oci_linux.go, createSpec.
DOCKER_DEFAULT_MOUNTS = frozenset(
    ("/proc", "/dev", "/dev/pts", "/sys", "/sys/fs/cgroup", "/dev/mqueue", "/dev/shm")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What engines differ in, because of their CDI library or of their own.

    ``env``: whether a variable that is there already is replaced or appended to (our
    two modes). ``fills_modes``: nodes get the host's ``fileMode`` (CDI from 1.1.0, and
    we). ``stable``: mounts of the same depth keep their order (CDI from 1.0.0, and we),
    and are not sorted by destination. ``user_first``: the container's user is known
    when CDI is applied, so that nodes get its ids and it keeps the groups; Docker 28
    sets the user, with all of its groups, later.
    """

    env: str
    fills_modes: bool
    stable: bool
    user_first: bool


KNOWN_HABITS = {
    "docker 28.": Habits(
        env="append", fills_modes=False, stable=True, user_first=False
    ),
    "podman 5.4": Habits(
        env="append", fills_modes=False, stable=False, user_first=True
    ),
}
"""By the beginning of the engine's name and version, one each. Debian builds this
Docker with CDI 1.0.1, and this podman with 0.8.0."""


OURS = Habits(env="replace", fills_modes=True, stable=True, user_first=True)
"""Those of the reference's main branch."""


class Comparison:
    """One engine that runs, with the specs of all cases.

    ``folder`` is for files of ours.
    """

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self._file = folder / "config.json"
        self._bases: dict[tuple[str, ...], Run] = {}
        self.habits = self._ask_habits()

    @property
    def name(self) -> str:
        """Such as ``docker 28.5.2+dfsg4``."""
        return f"{type(self.engine).__name__.lower()} {self.engine.version()}"

    def run(self, *names: str, options: tuple[str, ...] = ()) -> Run:
        """Have the engine run a container with these devices.

        Raises: EngineError, where it refuses.
        """
        return self.engine.run(*options, *(f"--device={name}" for name in names))

    def inject(self, base: Config, *names: str) -> subprocess.CompletedProcess[str]:
        """``nri-cdi inject``, with the engine's specs and its way with variables."""
        self._file.write_text(json.dumps(base))
        specs = f"--spec-dir={self.engine.cdi_spec_dir}"
        options = [specs, f"--env={self.habits.env}", f"--oci-spec={self._file}"]
        return subprocess.run(
            [PROGRAM, "inject", *options, *names],
            capture_output=True,
            text=True,
            check=False,
            timeout=INJECT_S,
        )

    def base(self, case: Case) -> Run:
        """The same container without devices."""
        if case.options not in self._bases:
            self._bases[case.options] = self.engine.run(*case.options)
        return self._bases[case.options]

    def theirs(self, case: Case) -> Config:
        """The OCI spec that the engine makes for a case."""
        run = self.run(*case.requested, options=case.options)
        assert bool(run.error) == case.refused, run.error
        config = deepcopy(run.config)
        self._order_env(config, case)
        if isinstance(self.engine, Podman) and not (case.has_mounts and self._sorts):
            _sort_mounts(config)
        return _masked(run, config)

    def ours(self, case: Case) -> Config:
        """The OCI spec that we make for a case."""
        base = self.base(case)
        config = deepcopy(base.config)
        late = self._late_mounts(config)
        config["mounts"] = [each for each in config["mounts"] if each not in late]
        done = self.inject(config, *case.requested)
        assert done.returncode == 0, done.stderr
        injected: Config = json.loads(done.stdout)
        injected["mounts"] += late
        self._order_env(injected, case)
        if isinstance(self.engine, Podman) or self._sorts:
            _sort_mounts(injected)
        return _masked(base, injected)

    def known_differences(self, case: Case, ours: Config) -> Differences:
        """The differences that the engine's habits account for."""
        known: Differences = {}
        for index, node in enumerate(ours["linux"].get("devices", ())):
            left_out: dict[str, int] = {}
            if not self.habits.fills_modes and node["path"] in case.modes:
                left_out["fileMode"] = case.modes[node["path"]]
            if not self.habits.user_first:
                left_out |= case.owners.get(node["path"], {})
            for key, value in left_out.items():
                known[f"/linux/devices/{index}/{key}"] = (value, ABSENT)
        if not self.habits.user_first:
            gids = ours["process"]["user"].get("additionalGids", ())
            for index, gid in enumerate(gids):
                if gid in case.groups:
                    pointer = f"/process/user/additionalGids/{index}"
                    known[pointer] = (gid, ABSENT)
        if case.propagation and isinstance(self.engine, Podman):
            # As for a volume: without it the mount would get nothing from the host.
            known["/linux/rootfsPropagation"] = (ABSENT, case.propagation)
        return known

    def _ask_habits(self) -> Habits:
        config = self.run(*PROBE.requested, options=PROBE.options).config
        env, user = config["process"]["env"], config["process"]["user"]
        targets = [mount["destination"] for mount in config["mounts"]]
        (node,) = config["linux"]["devices"]
        (group,) = PROBE.groups
        paths = [each for each in env if each.startswith("PATH=")]
        return Habits(
            env="append" if len(paths) > 1 else "replace",
            fills_modes="fileMode" in node,
            stable=targets.index("/zz") < targets.index("/aa"),
            user_first=group in user["additionalGids"],
        )

    def _late_mounts(self, base: Config) -> list[Config]:
        if not isinstance(self.engine, Docker):
            return []
        known = DOCKER_DEFAULT_MOUNTS
        return [each for each in base["mounts"] if each["destination"] not in known]

    @property
    def _sorts(self) -> bool:
        """Whether CDI leaves the mounts in one order, wherever they were before."""
        return not self.habits.stable

    def _order_env(self, config: Config, case: Case) -> None:
        """Sort the engine's own variables: their order is that of a Go map."""
        env = config["process"]["env"]
        own = len(self.base(case).config["process"]["env"])
        env[:own] = sorted(env[:own])


def differences(ours: Config, theirs: Config) -> Differences:
    """Everything in which two OCI specs are not the same."""
    our, their = _flat(ours), _flat(theirs)
    pairs = {key: (our.get(key, ABSENT), their.get(key, ABSENT)) for key in our | their}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def _sort_mounts(config: Config) -> None:
    # As CDI did before 1.0.0.
    config["mounts"].sort(
        key=lambda mount: (
            os.path.normpath(mount["destination"]).count("/"),
            mount["destination"],
        )
    )


def _masked(run: Run, config: Config) -> Config:
    """The OCI spec without what is another for each container."""
    text = json.dumps(config)
    root = config["root"]["path"]
    for part, name in (
        (root, "ROOT"),
        (run.id, "ID"),
        (run.id[:HOSTNAME_LENGTH], "ID"),
    ):
        text = text.replace(part, name)
    masked: Config = json.loads(text)
    return masked


def _flat(value: object, pointer: str = "") -> dict[str, object]:
    """All leaves by their JSON pointers; what is empty is a leaf, too."""
    if isinstance(value, dict) and value:
        items = [(str(key), each) for key, each in value.items()]
    elif isinstance(value, list) and value:
        items = [(str(index), each) for index, each in enumerate(value)]
    else:
        return {pointer: value}
    leaves = (_flat(each, f"{pointer}/{key}") for key, each in items)
    return {key: leaf for flat in leaves for key, leaf in flat.items()}
