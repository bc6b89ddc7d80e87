"""Whether the plugin and its runtime can meet: NRI, its socket, its plugin directory.

Source: NRI pkg/adaptation/adaptation.go, discoverPlugins and startListener;
pkg/api/plugin.go, ParsePluginName.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from posixpath import join

from nri_cdi.doctor.checks.runtimes import restart
from nri_cdi.doctor.crio import DROP_IN
from nri_cdi.doctor.facts import Facts
from nri_cdi.doctor.findings import Check, Finding
from nri_cdi.doctor.pasting import pasted
from nri_cdi.doctor.runtimes import Runtime, drop_in_of
from nri_cdi.nri.capabilities import CRI_O
from nri_cdi.quoting import quoted

_PLUGIN_NAME = re.compile(r"[0-9][0-9]-.+", re.DOTALL)
_EXECUTABLE = 0o111


def check_nri(facts: Facts) -> Iterator[Finding]:
    """What keeps the plugin from its runtime."""
    runtime = facts.own
    if runtime is None:
        if facts.running and facts.knows("socket"):
            yield _no_such_socket(facts)
        return
    nri = runtime.settings.nri
    if nri.enabled is False:
        yield Check.NRI_OFF.found(
            str(runtime),
            "NRI is off: it asks no plugin, and containers get no devices",
            f"{runtime.settings.nri_switch}; {restart(runtime)}",
        )
        return
    if nri.enabled is None and not runtime.listens:
        yield Check.NRI_UNKNOWN.found(
            str(runtime),
            "no file says whether NRI is on, and the version is unknown",
            f"{runtime.settings.nri_switch}; {restart(runtime)}",
        )
    yield from _plugin_files(facts, runtime)
    # Of a configuration that can't be read nothing else is sure.
    if not facts.is_launched and not runtime.settings.problems:
        yield from _connection(facts, runtime)


def _connection(facts: Facts, runtime: Runtime) -> Iterator[Finding]:
    nri = runtime.settings.nri
    if not nri.connections:
        key = "nri_disable_connections" if _is_crio(runtime) else "disable_connections"
        yield Check.CONNECTIONS_OFF.found(
            str(runtime),
            f"{key} = true: no plugin can connect that it hasn't started itself",
            f"set {key} = false in {_where(runtime)}; {restart(runtime)}",
        )
    elif facts.knows("socket") and facts.node.canonical(nri.socket) != facts.socket:
        yield _other_socket(facts, runtime)
    elif not runtime.listens:
        yield Check.SOCKET_DEAD.found(
            nri.socket,
            f"{runtime} has it in its configuration, and does not listen there",
            restart(runtime),
        )


def _no_such_socket(facts: Facts) -> Finding:
    ends = [f"{each} has {each.settings.nri.socket}" for each in facts.running]
    message = f"no runtime has it: {'; '.join(ends)}"
    return Check.OTHER_SOCKET.found(
        facts.config.socket, message, "set socket: to one of these in the configuration"
    )


def _other_socket(facts: Facts, runtime: Runtime) -> Finding:
    socket = runtime.settings.nri.socket
    message = f"the plugin looks for it here, and {runtime} has {socket}"
    path = facts.plugin.config_path or "/etc/nri-cdi/config.yaml"
    remedy = f"set socket: {socket} in {path}"
    return Check.OTHER_SOCKET.found(facts.config.socket, message, remedy)


def _plugin_files(facts: Facts, runtime: Runtime) -> Iterator[Finding]:
    folder = runtime.settings.nri.plugin_dir
    for name in facts.node.names(folder):
        path = join(folder, name)
        # A link counts as executable there, wherever it leads.
        status = facts.node.status(path, follow=False)
        if status is None or stat.S_ISDIR(status.st_mode):
            continue
        if status.st_mode & _EXECUTABLE and not _PLUGIN_NAME.fullmatch(name):
            yield Check.PLUGIN_FILE_NAME.found(
                path,
                f"{quoted(name)} does not start with two digits and a dash, and keeps "
                f"{runtime.name} from starting",
                f"{'rm' if stat.S_ISLNK(status.st_mode) else 'chmod a-x'} "
                f"{pasted(path)}",
            )


def _where(runtime: Runtime) -> str:
    """The file to write to: a drop-in where one is read, and doesn't hide the rest."""
    settings = runtime.settings
    folder = drop_in_of(runtime)
    if _is_crio(runtime):
        return join(folder, DROP_IN)
    return settings.files[0] if settings.files else "/etc/containerd/config.toml"


def _is_crio(runtime: Runtime) -> bool:
    return runtime.name == CRI_O
