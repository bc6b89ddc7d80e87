"""Whether the plugin itself runs, once, with a configuration that is valid."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import join

from nri_cdi.doctor.facts import Facts
from nri_cdi.doctor.findings import Check, Finding
from nri_cdi.doctor.instances import is_launched_name, unit_file
from nri_cdi.doctor.pasting import pasted
from nri_cdi.doctor.plugin import Snapshot
from nri_cdi.quoting import printable, some
from nri_cdi.status.verdict import count

_START = "systemctl start nri-cdi"


def check_plugin(facts: Facts) -> Iterator[Finding]:
    """What is wrong with the plugin and its configuration."""
    plugin = facts.plugin
    if plugin.broken is not None:
        first, *others = plugin.broken.lines()
        more = f" (and {len(others)} more)" if others else ""
        path = printable(plugin.broken.path)
        text = first.removeprefix(path).lstrip(":").strip()
        yield Check.CONFIG_INVALID.found(
            path, f"{text}{more}", _check_all(facts, plugin.broken.path)
        )
    if plugin.snapshot is not None:
        yield from _answers(facts, plugin.snapshot)
    elif not facts.serving:
        yield _away(facts)
    elif plugin.silence:
        yield Check.STATUS_UNREACHABLE.found(
            facts.config.status, plugin.silence, "nri-cdi status"
        )
    yield from _instances(facts)


def _away(facts: Facts) -> Finding:
    others = [each for each in facts.instances if not each.validator]
    if others:
        ends = [f"pid {each.process.pid} has {each.socket}" for each in others]
        message = f"no instance is at {facts.config.socket}: {some(ends)}"
        remedy = "give it the socket of the runtime, in the configuration"
    else:
        message, remedy = "it does not run: containers get no devices", _START
    return Check.PLUGIN_AWAY.found("nri-cdi", message, remedy)


def _check_all(facts: Facts, path: str) -> str:
    """What names all errors; without a file also those of variables."""
    is_file = path == facts.plugin.config_path
    return f"nri-cdi config check {pasted(path)}" if is_file else "nri-cdi config check"


def _check(facts: Facts, path: str) -> str:
    """What says what is wrong with the configuration that the plugin was to read."""
    # Of a plugin in a container it is the container's file, and the runtime has none.
    there = path.startswith("/") and facts.node.status(path) is not None
    return f"nri-cdi config check {pasted(path)}" if there else "nri-cdi status"


def _answers(facts: Facts, snapshot: Snapshot) -> Iterator[Finding]:
    runtime = snapshot["runtime"]
    if not runtime["synchronized"]:
        reason = runtime["reason"] or "it waits for the runtime"
        state = (
            "connected, not synchronized" if runtime["connected"] else "not connected"
        )
        yield Check.NOT_CONNECTED.found(
            "nri-cdi", f"{state}: {reason}", "journalctl -u nri-cdi"
        )
    error = snapshot["configuration"]["error"]
    if error:
        path = snapshot["configuration"]["path"]
        yield Check.CONFIG_NOT_APPLIED.found(
            path or "nri-cdi", error, _check(facts, path)
        )
    drifted = snapshot["drifted"]
    if drifted:
        pods = [f"{each['namespace']}/{each['pod']}" for each in drifted]
        yield Check.DRIFTED_CONTAINERS.found(
            some(list(dict.fromkeys(pods))),
            "created without the devices that they ask for: "
            f"{count(len(drifted), 'container')}",
            "delete the pods, so that they are made anew",
        )


def _instances(facts: Facts) -> Iterator[Finding]:
    serving = facts.serving
    launched_files = _launched_files(facts)
    unit = unit_file(facts.node)
    if launched_files and (unit or any(not each.launched for each in serving)):
        other = unit or f"pid {serving[0].process.pid}"
        yield Check.LAUNCHED_AND_SERVICE.found(
            launched_files[0],
            f"the runtime starts this one, beside {other}: one is enough",
            f"rm {pasted(launched_files[0])}",
        )
    elif len(serving) > 1 and facts.knows("socket"):
        pids = ", ".join(str(each.process.pid) for each in serving)
        yield Check.TWO_INSTANCES.found(
            f"pids {pids}",
            "they serve the same socket: right for the moment of an update alone",
            "stop one of them: the service or the DaemonSet",
        )


def _launched_files(facts: Facts) -> list[str]:
    if facts.own is None:
        return []
    folder = facts.own.settings.nri.plugin_dir
    names = filter(is_launched_name, facts.node.names(folder))
    return [join(folder, name) for name in names]
