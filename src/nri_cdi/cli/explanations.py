"""What containers would get, as plain values for programs and as tables for people."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from nri_cdi.adjustment.plain import to_plain as plain_adjustment
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


def to_plain(pods: Iterable[PodExplanation], runtime: RuntimeInfo) -> dict[str, Any]:
    """All of it, as ``nri-cdi explain -o json`` has it."""
    return {
        "runtime": {
            "name": runtime.name,
            "version": runtime.version,
            "nriVersion": ".".join(map(str, runtime.nri_version)),
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
        ("error", explained.error),
        ("kubeletError", explained.kubelet_error),
    ):
        if text:
            plain[name] = text
    plain["warnings"] = list(explained.warnings)
    plain["unsupported"] = list(explained.unsupported)
    plain["requests"] = [_plain_request(device) for device in explained.requests]
    return plain | plain_adjustment(explained.adjustment)


def _plain_request(device: RequestedDevice) -> dict[str, Any]:
    plain = {"device": device.name, "annotations": list(device.annotations)}
    return plain | ({"spec": device.path} if device.path else {})


def print_tables(pods: Iterable[PodExplanation], runtime: RuntimeInfo) -> None:
    """A table a container; the warnings about a pod as a whole go to stderr."""
    print(f"runtime: {runtime}; --runtime takes another")
    for explained in pods:
        for warning in explained.warnings:
            say(f"warning: {explained.pod}: {warning}")
        for one in explained.containers:
            _print_container(explained.pod, one)


def _print_container(pod: Pod, explained: ContainerExplanation) -> None:
    container = explained.container
    title = printable(f"{pod}, {_TYPES[container.type]} {container.name}")
    result = styled(str(explained.result), _STYLES[explained.result])
    print(f"\n{styled(title, Style.HEADING)}: {result}")
    # The kubelet's words have the error's at their end.
    if explained.kubelet_error:
        _print_bad("the kubelet shows", explained.kubelet_error)
    elif explained.error:
        _print_bad("error", explained.error)
    for text in explained.unsupported:
        _print_bad("not possible", text)
    for text in explained.warnings:
        print(f"{styled('warning', Style.WARNING)}: {printable(text)}")
    rows = list(_rows(explained))
    if rows:
        print_table(("WHAT", "NAME", "DETAILS"), rows)


def _print_bad(heading: str, text: str) -> None:
    print(f"{styled(heading, Style.BAD)}: {printable(text)}")


def _rows(explained: ContainerExplanation) -> Iterator[tuple[str, str, str]]:
    """A line for each thing that is asked for, and each that comes of it."""
    for device in explained.requests:
        keys = ", ".join(device.annotations)
        path = f", from {device.path}" if device.path else ""
        yield "request", Styled(device.name, Style.NAME), f"by {keys}{path}"
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
