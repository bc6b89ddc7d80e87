"""The instances of this plugin on a node: those that run, and how they were started."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nri_cdi.cdi.lint import Host
from nri_cdi.config import BY_KEY, OPTIONS, Config, load_config
from nri_cdi.doctor.flags import Flags
from nri_cdi.doctor.node import Node
from nri_cdi.doctor.processes import Process
from nri_cdi.errors import ConfigError

PROGRAM = "nri-cdi"
DEFAULT_FILE = "/etc/nri-cdi/config.yaml"
_MODULE = "nri_cdi"
_VERB = "run"

# What a runtime names the plugins in its directory. Source: NRI pkg/api/plugin.go.
_LAUNCHED = re.compile(rf"[0-9][0-9]-{PROGRAM}[A-Za-z0-9_.+-]*")

_UNITS = tuple(
    f"{folder}/systemd/system/{PROGRAM}.service"
    for folder in ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
)

_FLAGS = Flags(
    with_value=frozenset(
        ("config", *(each.flag.lstrip("-") for each in OPTIONS if each.metavar))
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A process of the plugin; ``launched`` if a runtime started it.

    ``socket`` is as the process calls it, and empty for one that was launched: it has a
    connection. It ``serves`` if that is the socket which is asked about. ``validate``
    is its setting of that name.
    """

    process: Process
    socket: str
    serves: bool
    launched: bool = False
    validate: str = "false"

    @property
    def validator(self) -> bool:
        """Whether it only checks what others inject."""
        return self.validate == "only"


def find_instances(
    node: Node, processes: Sequence[Process], config_path: str | None, config: Config
) -> tuple[Instance, ...]:
    """The instances that run; ``config`` is what is in ``config_path``.

    An instance serves if it is at the socket of ``config``.
    """
    found: list[Instance] = []
    for process in processes:
        arguments = own_arguments(process.arguments)
        if arguments is None or not process.is_trusted:
            continue
        launched = is_launched_name(Path(arguments[0]).name)
        settings = _settings(node, process, arguments, config_path, config)
        given = _FLAGS.last(arguments, "socket")
        socket = given or _variable(node, process) or settings.socket
        found.append(
            Instance(
                process=process,
                socket="" if launched else socket,
                serves=launched or _is_same(node, process, socket, config.socket),
                launched=launched,
                validate=_validate(arguments, settings),
            )
        )
    return tuple(found)


def unit_file(node: Node) -> str:
    """The plugin's unit of systemd, if it has one."""
    there = (path for path in _UNITS if node.status(path) is not None)
    return next(there, "")


def is_launched_name(name: str) -> bool:
    """Whether a file in a runtime's plugin directory is this plugin."""
    return _LAUNCHED.fullmatch(name) is not None


def own_arguments(arguments: tuple[str, ...]) -> tuple[str, ...] | None:
    """A plugin's own arguments, its name first; None if it is another program."""
    for start, word in enumerate(arguments[:2]):
        name = Path(word).name
        if _LAUNCHED.fullmatch(name):
            return arguments[start:]
        if name == PROGRAM and _VERB in arguments[start + 1 :]:
            # Flags may stand before the verb.
            rest = [each for each in arguments[start + 1 :] if each != _VERB]
            return (word, *rest)
    if arguments[1:3] == ("-m", _MODULE) and _VERB in arguments[3:]:
        return (_MODULE, *(each for each in arguments[3:] if each != _VERB))
    return None


def _host(node: Node, process: Process) -> Host:
    """The files as the process has them: those of a container are not the node's."""
    if process.is_elsewhere:
        return Host(root=f"/proc/{process.pid}/root")
    return node.host


def _settings(
    node: Node,
    process: Process,
    arguments: tuple[str, ...],
    config_path: str | None,
    config: Config,
) -> Config:
    """The settings of an instance, of which ``config_path`` has been read."""
    name = Path(arguments[0]).name
    if is_launched_name(name):
        names = (f"{name}.conf", f"{name[len('NN-') :]}.conf")
        is_known = config_path is not None and Path(config_path).name in names
        return config if is_known else Config()
    path = _FLAGS.last(arguments, "config") or DEFAULT_FILE
    if path == config_path and not process.is_elsewhere:
        return config
    try:
        return load_config(_host(node, process).locate(path))
    except (OSError, ConfigError):
        return Config()


def _validate(arguments: tuple[str, ...], settings: Config) -> str:
    flags = BY_KEY["validate"].constants
    given = [each.value for each in flags if each.flag in arguments]
    return given[-1] if given else settings.validate


def _is_same(node: Node, process: Process, theirs: str, ours: str) -> bool:
    """Whether a process and we mean the same socket."""
    if not process.is_elsewhere:
        return node.canonical(theirs) == node.canonical(ours)
    try:
        there, here = _host(node, process).stat(theirs), node.host.stat(ours)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def _variable(node: Node, process: Process) -> str:
    for entry in node.text(f"/proc/{process.pid}/environ").split("\0"):
        name, _, text = entry.partition("=")
        if name == "NRI_CDI_SOCKET":
            return text
    return ""
