"""What containers would get, as plain values for programs and as tables for people."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from nri_cdi.adjustment.plain import to_plain as plain_adjustment
from nri_cdi.cdi.edits import SourcedEdits
from nri_cdi.cdi.plain import to_plain as plain_edits
from nri_cdi.cli.edittext import describe
from nri_cdi.cli.output import Style, Styled, print_table, styled
from nri_cdi.cli.process import say
from nri_cdi.explanation import (
    ContainerExplanation,
    PodExplanation,
    RequestedDevice,
    Result,
)
from nri_cdi.manifests import Pod
from nri_cdi.nri.capabilities import RuntimeInfo
from nri_cdi.quoting import printable

_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "container": "container",
        "initContainer": "init container",
        "ephemeralContainer": "ephemeral container",
    }
)
_STYLES: Mapping[Result, Style] = MappingProxyType(
    {
        Result.INJECTED: Style.GOOD,
        Result.NOTHING: Style.FAINT,
        Result.REFUSED: Style.BAD,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """What the explanations hold for.

    The runtime may be that of the plugin here. ``configuration`` is the file, "" if
    there is none, and ``variables`` are those that set something beside it.
    """

    runtime: RuntimeInfo
    is_plugins: bool = False
    configuration: str = ""
    variables: tuple[str, ...] = ()


def to_plain(pods: Iterable[PodExplanation], premises: Premises) -> dict[str, Any]:
    """All of it, as ``nri-cdi explain -o json`` has it."""
    runtime = premises.runtime
    return {
        "runtime": {
            "name": runtime.name,
            "version": runtime.version,
            "nriVersion": ".".join(map(str, runtime.nri_version)),
        },
        "configuration": {
            "path": premises.configuration,
            "variables": list(premises.variables),
        },
        "pods": [
            {
                "path": explained.pod.path,
                "kind": explained.pod.kind,
                "name": explained.pod.name,
                "namespace": explained.pod.namespace,
                "warnings": list(explained.warnings),
                "containers": [_plain_container(one) for one in explained.containers],
            }
            for explained in pods
        ],
    }


def _plain_container(explained: ContainerExplanation) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "name": explained.container.name,
        "type": explained.container.type,
        "result": str(explained.result),
    }
    for name, text in (
        ("mode", explained.mode),
        ("rule", explained.rule),
        ("error", explained.error),
        ("kubeletError", explained.kubelet_error),
    ):
        if text:
            plain[name] = text
    plain["warnings"] = list(explained.warnings)
    plain["unsupported"] = list(explained.unsupported)
    plain["requests"] = [_plain_request(device) for device in explained.requests]
    plain["delegated"] = [_plain_part(part) for part in explained.delegated]
    plain["annotations"] = dict(sorted(explained.adjustment.annotations.items()))
    return plain | plain_adjustment(explained.adjustment)


def _plain_request(device: RequestedDevice) -> dict[str, Any]:
    plain = {
        "device": device.name,
        "annotations": list(device.annotations),
        "variables": list(device.variables),
        "delegated": device.is_delegated,
    }
    return plain | ({"spec": device.path} if device.path else {})


def _plain_part(part: SourcedEdits) -> dict[str, Any]:
    return {
        # None stands for the whole spec.
        "device": part.device or None,
        "kind": part.kind,
        "spec": part.path,
        "containerEdits": plain_edits(part.edits),
    }


def print_tables(pods: Iterable[PodExplanation], premises: Premises) -> None:
    """A table a container; the warnings about a pod as a whole go to stderr."""
    whose = ", that of the plugin here" if premises.is_plugins else ""
    print(f"runtime: {premises.runtime}{whose}; --runtime takes another")
    print(f"configuration: {_configuration(premises)}; --config takes another")
    for explained in pods:
        for warning in explained.warnings:
            say(f"warning: {explained.pod}: {warning}")
        for one in explained.containers:
            _print_container(explained.pod, one)


def _configuration(premises: Premises) -> str:
    parts: Sequence[str] = (premises.configuration or "defaults", *premises.variables)
    return ", ".join(map(printable, parts))


def _print_container(pod: Pod, explained: ContainerExplanation) -> None:
    container = explained.container
    title = printable(f"{pod}, {_TYPES[container.type]} {container.name}")
    result = styled(str(explained.result), _STYLES[explained.result])
    mode = f" ({explained.mode})" if explained.mode else ""
    print(f"\n{styled(title, Style.HEADING)}: {result}{mode}")
    _print_remarks(explained)
    rows = list(_rows(explained))
    if rows:
        print_table(("WHAT", "NAME", "DETAILS"), rows)


def _print_remarks(explained: ContainerExplanation) -> None:
    # The kubelet's words have the error's at their end.
    if explained.kubelet_error:
        _print_bad("the kubelet shows", explained.kubelet_error)
    elif explained.error:
        _print_bad("error", explained.error)
    elif explained.rule:
        # What is denied has the rule in its error.
        print(f"{styled('audited', Style.WARNING)}: policy rule {explained.rule}")
    for text in explained.unsupported:
        _print_bad("not possible", text)
    for text in explained.warnings:
        print(f"{styled('warning', Style.WARNING)}: {printable(text)}")


def _print_bad(heading: str, text: str) -> None:
    print(f"{styled(heading, Style.BAD)}: {printable(text)}")


def _rows(explained: ContainerExplanation) -> Iterator[tuple[str, str, str]]:
    """A line for each thing that is asked for, and each that comes of it."""
    for device in explained.requests:
        yield "request", Styled(device.name, Style.NAME), _request(device)
    for part in explained.delegated:
        for what, words in describe(part.edits):
            yield "delegated", what, words
    plain = plain_adjustment(explained.adjustment)
    for node in plain["devices"]:
        yield "device", node["path"], _node(node)
    for rule in plain["deviceRules"]:
        word = "allow" if rule["allow"] else "deny"
        yield "device rule", f"{word} {rule['access']}", _number(rule)
    for mount in plain["mounts"]:
        options = ",".join(mount["options"])
        yield "mount", mount["destination"], f"from {mount['source']}, {options}"
    for entry in plain["env"]:
        name, _, value = entry.partition("=")
        yield "env", name, value
    for stage, hooks in plain["hooks"].items():
        for hook in hooks:
            yield "hook", stage, _hook(hook)
    for host, net_device in plain["netDevices"].items():
        yield "net device", net_device["name"], f"from {host}"
    for name, value in plain.get("intelRdt", {}).items():
        yield "intel rdt", name, _value(value)
    if "rdtClass" in plain:
        yield "intel rdt", "class", plain["rdtClass"]


def _request(device: RequestedDevice) -> str:
    variables = (f"variable {name}" for name in device.variables)
    facts = [f"by {', '.join((*device.annotations, *variables))}"]
    facts += [f"from {device.path}"] if device.path else []
    facts += ["delegated"] if device.is_delegated else []
    return ", ".join(facts)


def _number(device: Mapping[str, Any]) -> str:
    return f"{device['type']} {device['major']}:{device['minor']}"


def _node(node: Mapping[str, Any]) -> str:
    facts = [_number(node)]
    if "fileMode" in node:
        facts.append(f"mode {node['fileMode']:04o}")
    facts += [f"{key} {node[key]}" for key in ("uid", "gid") if key in node]
    return ", ".join(facts)


def _hook(hook: Mapping[str, Any]) -> str:
    # The first argument is the name that the program goes by.
    facts = [shlex.join([hook["path"], *hook.get("args", ())[1:]])]
    if "env" in hook:
        facts.append(f"env {shlex.join(hook['env'])}")
    if "timeout" in hook:
        facts.append(f"timeout {hook['timeout']} s")
    return ", ".join(facts)


def _value(value: object) -> str:
    return "; ".join(value) if isinstance(value, list) else str(value).lower()
