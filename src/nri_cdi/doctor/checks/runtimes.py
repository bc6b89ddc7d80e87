"""Whether a runtime runs that can have plugins, as its configuration says."""

from __future__ import annotations

from collections.abc import Iterator

from nri_cdi.doctor.facts import Facts
from nri_cdi.doctor.findings import Check, Finding
from nri_cdi.doctor.pasting import pasted
from nri_cdi.doctor.runtimes import Docker, Runtime, daemons
from nri_cdi.nri.capabilities import CONTAINERD, CRI_O, NRI_VERSIONS, Version

# Of a file's time and a process's: the kernel counts from a whole second.
_SLACK_S = 2

UNITS = {CONTAINERD: "containerd", CRI_O: "crio"}
"""The runtimes' units of systemd."""


def check_runtimes(facts: Facts) -> Iterator[Finding]:
    """What is wrong with the runtimes, for each that this plugin has to do with."""
    if not facts.running:
        yield _none(facts)
    for runtime in facts.running:
        if facts.own is not None and runtime is not facts.own:
            yield _other(runtime)
        else:
            yield from _runtime(facts, runtime)
    for name in (CONTAINERD, CRI_O):
        for process in daemons(facts.processes, name):
            if process.is_elsewhere:
                yield Check.RUNTIME_ELSEWHERE.found(
                    f"{name} (pid {process.pid})",
                    "it runs within a container, and serves what is in there",
                    "run nri-cdi doctor in that container",
                )
    yield from map(_docker, facts.docker)


def restart(runtime: Runtime) -> str:
    """The line that restarts a runtime."""
    return f"systemctl restart {UNITS[runtime.name]}"


def _none(facts: Facts) -> Finding:
    if facts.info is not None:
        # The plugin met it. A pod without hostPID sees its own processes alone.
        return Check.RUNTIME_UNSEEN.found(
            str(facts.info),
            "the plugin is connected to it, and no process of it can be seen here",
            "run nri-cdi doctor on the node itself, or with hostPID: true in the pod",
        )
    if not facts.runtimes:
        message = "no containerd and no CRI-O runs here, nor is one installed"
        return Check.NO_RUNTIME.found("node", message, "install containerd or CRI-O")
    [runtime, *_] = facts.runtimes
    message = f"{runtime.program} is installed, and does not run"
    unit = UNITS[runtime.name]
    return Check.NO_RUNTIME.found(
        runtime.name, message, f"systemctl enable --now {unit}"
    )


def _other(runtime: Runtime) -> Finding:
    nri = runtime.settings.nri
    where = f"it has its NRI socket at {nri.socket}" if nri.enabled else "NRI is off"
    message = f"{where}; this plugin serves another runtime"
    return Check.OTHER_RUNTIME.found(str(runtime), message)


def _runtime(facts: Facts, runtime: Runtime) -> Iterator[Finding]:
    yield from _version(runtime, told=facts.info is not None)
    for path, problem in runtime.settings.problems:
        yield Check.RUNTIME_CONFIG.found(
            path,
            f"{problem}; {runtime.name} does not start with it",
            "mend the file before the next restart",
        )
    if not runtime.settings.cri:
        yield Check.CRI_OFF.found(
            str(runtime),
            "its CRI plugin is in disabled_plugins, so it serves no pods",
            f"remove it from disabled_plugins in {_last_file(runtime)}; "
            f"{restart(runtime)}",
        )
    yield from _age(facts, runtime)


def _version(runtime: Runtime, *, told: bool) -> Iterator[Finding]:
    process = runtime.process
    if process is not None and process.is_replaced:
        yield Check.RUNTIME_REPLACED.found(
            str(runtime),
            f"{runtime.program} is another file since it was started",
            restart(runtime),
        )
    elif runtime.release is None:
        if not told:
            yield Check.VERSION_UNKNOWN.found(
                str(runtime),
                f"{runtime.program} was not asked, or gave no answer: the doctor runs "
                "only what nobody but root can have written, with this node's root",
                f"{pasted(runtime.program)} --version",
            )
    elif runtime.release < _oldest(runtime.name):
        first = ".".join(map(str, _oldest(runtime.name)[:2]))
        yield Check.RUNTIME_TOO_OLD.found(
            str(runtime),
            f"it has no NRI, which came with {runtime.name} {first}",
            f"update {runtime.name}",
        )


def _oldest(name: str) -> Version:
    return NRI_VERSIONS[name][-1][0]


def _age(facts: Facts, runtime: Runtime) -> Iterator[Finding]:
    process = runtime.process
    if process is None or process.started_s is None:
        return
    for path in runtime.settings.files:
        status = facts.node.status(path)
        if status is not None and status.st_mtime > process.started_s + _SLACK_S:
            yield Check.RESTART_NEEDED.found(
                path,
                f"it was changed after {runtime} was started, which may not know it",
                restart(runtime),
            )


def _last_file(runtime: Runtime) -> str:
    return runtime.settings.files[0] if runtime.settings.files else "its configuration"


def _docker(docker: Docker) -> Finding:
    subject = f"docker {docker.version} (pid {docker.process.pid})".replace("  ", " ")
    more = "; its NRI takes no devices from plugins" if docker.nri else ""
    if docker.injects_cdi is False:
        remedy = 'set "features": {"cdi": true} in /etc/docker/daemon.json'
    else:
        remedy = "docker run --device vendor.com/class=name"
    message = f"its containers need no plugin: Docker injects CDI devices itself{more}"
    return Check.DOCKER.found(subject, message, remedy)
