"""The runtimes of a node: those that run, those that are only installed, and Docker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from posixpath import join

from nri_cdi.doctor import containerd, crio
from nri_cdi.doctor.flags import Flags
from nri_cdi.doctor.node import Node
from nri_cdi.doctor.processes import Process
from nri_cdi.doctor.settings import Settings, table
from nri_cdi.doctor.sockets import listening
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import (
    CONTAINERD,
    CRI_O,
    DOCKER,
    RuntimeInfo,
    Version,
    parse_version,
)

AskVersion = Callable[[str, str], str]
"""Takes a program's path and its name; see `nri_cdi.doctor.programs`."""

# The names of the programs.
_PROGRAMS = {"containerd": CONTAINERD, "crio": CRI_O, "dockerd": DOCKER}
# Programs that are a runtime too, if they are called so.
_MULTIPLE = frozenset(("k3s", "rke2"))
_FLAGS = {
    CONTAINERD: containerd.FLAGS,
    CRI_O: crio.FLAGS,
    DOCKER: Flags(with_value=frozenset(("config-file", "data-root", "group", "H"))),
}

# Where packages and archives put programs.
_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/opt/bin")

DOCKER_FILE = "/etc/docker/daemon.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """A runtime; without a ``process`` it is installed, and does not run.

    ``version`` is empty where it can't be told. ``listens`` says whether somebody does
    at its NRI socket, and ``info`` what can be expected of its release.
    """

    name: str
    program: str
    version: str
    process: Process | None
    settings: Settings
    listens: bool = False

    @property
    def pid(self) -> int | None:
        """The number of its process; None if it does not run."""
        return None if self.process is None else self.process.pid

    @property
    def release(self) -> Version | None:
        """The version, if it is one."""
        return parse_version(self.version)

    @property
    def info(self) -> RuntimeInfo:
        """What a plugin makes of the runtime."""
        return RuntimeInfo.from_configure(
            api.ConfigureRequest(runtime_name=self.name, runtime_version=self.version)
        )

    def __str__(self) -> str:
        """The runtime in a message: ``containerd 2.1.9 (pid 7)``."""
        version = self.version.partition("+")[0].removeprefix("v")
        pid = "" if self.pid is None else f"(pid {self.pid})"
        return " ".join(filter(None, (self.name, version, pid)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Docker:
    """Docker; ``injects_cdi`` is None where its version doesn't say."""

    version: str
    process: Process
    nri: bool
    injects_cdi: bool | None


# Source: moby daemon/command/daemon.go: features.cdi is on by default from 28.2 on.
_DOCKER_INJECTS: Version = (28, 2, 0)


def daemons(processes: Sequence[Process], name: str) -> Iterator[Process]:
    """The processes that are the daemon of a runtime, and not its other commands."""
    mine = [each for each in processes if _runtime_of(each) == name]
    pids = {each.pid: each.arguments for each in mine}
    for process in mine:
        # What a daemon starts has its arguments until it is another program.
        is_forked = pids.get(process.parent) == process.arguments
        if process.is_trusted and not is_forked and _is_daemon(name, process.arguments):
            yield process


def find_runtimes(
    node: Node, processes: Sequence[Process], ask: AskVersion
) -> tuple[Runtime, ...]:
    """The runtimes for pods, those that run before those that don't."""
    running = [
        _running(node, name, process, ask)
        for name in (CONTAINERD, CRI_O)
        for process in daemons(processes, name)
        if not process.is_elsewhere
    ]
    if running:
        return tuple(running)
    return tuple(
        _installed(node, runtime, folder, program, ask)
        for program, runtime in _PROGRAMS.items()
        if runtime != DOCKER
        for folder in _FOLDERS
        if node.status(join(folder, program)) is not None
    )


def find_docker(
    node: Node, processes: Sequence[Process], ask: AskVersion
) -> tuple[Docker, ...]:
    """The Docker daemons that run."""
    return tuple(
        _docker(node, process, ask)
        for process in daemons(processes, DOCKER)
        if not process.is_elsewhere
    )


def _runtime_of(process: Process) -> str:
    name = process.called if process.name in _MULTIPLE else process.name
    return _PROGRAMS.get(name, "")


def _is_daemon(name: str, arguments: tuple[str, ...]) -> bool:
    given = {flag for flag, _ in _FLAGS[name].given(arguments)}
    return given.isdisjoint(("", "version", "v", "help", "h"))


def _running(node: Node, name: str, process: Process, ask: AskVersion) -> Runtime:
    version = _version(process, ask)
    arguments = process.arguments
    settings = _settings(node, name, arguments, version, process.pid)
    socket = node.canonical(settings.nri.socket)
    return Runtime(
        name=name,
        program=process.program,
        version=version,
        process=process,
        settings=settings,
        listens=socket in listening(node, process.pid),
    )


def _installed(
    node: Node, name: str, folder: str, program: str, ask: AskVersion
) -> Runtime:
    version = ask(join(folder, program), program)
    return Runtime(
        name=name,
        program=join(folder, program),
        version=version,
        process=None,
        settings=_settings(node, name, (), version),
    )


def _settings(
    node: Node, name: str, arguments: tuple[str, ...], version: str, pid: int = 0
) -> Settings:
    release = parse_version(version)
    if name == CRI_O:
        return crio.read_settings(node, arguments, release)
    cwd = (node.link(f"/proc/{pid}/cwd") if pid else "") or "/"
    return containerd.read_settings(node, arguments, cwd, release)


def _version(process: Process, ask: AskVersion) -> str:
    # Another file has its place: what that says is not what runs.
    return "" if process.is_replaced else ask(process.program, process.called)


def _docker(node: Node, process: Process, ask: AskVersion) -> Docker:
    version = _version(process, ask)
    path = _FLAGS[DOCKER].last(process.arguments, "config-file") or DOCKER_FILE
    try:
        content = json.loads(node.text(path) or "{}")
    except (ValueError, RecursionError):
        content = {}
    release = parse_version(version)
    features = table(content, "features") if isinstance(content, dict) else {}
    default = None if release is None else release >= _DOCKER_INJECTS
    given = features.get("cdi")
    options = table(content, "nri-opts") if isinstance(content, dict) else {}
    return Docker(
        version=version,
        process=process,
        nri=options.get("enable") is True or _enables_nri(process.arguments),
        injects_cdi=given if isinstance(given, bool) else default,
    )


def _enables_nri(arguments: tuple[str, ...]) -> bool:
    given = _FLAGS[DOCKER].given(arguments)
    return any(name == "nri-opts" and "enable=true" in text for name, text in given)


def drop_in_of(runtime: Runtime) -> str:
    """Where a drop-in file for this runtime is read from; empty if nowhere."""
    for pattern in runtime.settings.imports:
        folder, _, name = pattern.rpartition("/")
        if name in ("*", "*.toml") and "*" not in folder:
            return folder
    return ""
