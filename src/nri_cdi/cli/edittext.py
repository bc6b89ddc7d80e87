"""Container edits in words: one line each, for people."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from nri_cdi.cdi.model import (
    ContainerEdits,
    DeviceNode,
    Hook,
    IntelRdt,
    LinuxNetDevice,
    Mount,
)


def describe(edits: ContainerEdits) -> Iterator[tuple[str, str]]:
    """What each edit is, and what it says, in the order of the specification."""
    for variable in edits.env:
        yield "env", variable
    for node in edits.device_nodes:
        yield "device node", _node(node)
    for net_device in edits.net_devices:
        yield "net device", _net_device(net_device)
    for mount in edits.mounts:
        yield "mount", _mount(mount)
    for hook in edits.hooks:
        yield "hook", _hook(hook)
    if edits.intel_rdt is not None:
        yield "intel rdt", _intel_rdt(edits.intel_rdt)
    for gid in edits.additional_gids:
        yield "additional gid", str(gid)


def _node(node: DeviceNode) -> str:
    facts = []
    if node.host_path and node.host_path != node.path:
        facts.append(f"host {node.host_path}")
    if node.type:
        facts.append(f"type {node.type}")
    if node.major or node.minor:
        facts.append(f"number {node.major}:{node.minor}")
    if node.file_mode is not None:
        facts.append(f"mode {node.file_mode:04o}")
    if node.permissions:
        facts.append(f"permissions {node.permissions}")
    if node.uid is not None:
        facts.append(f"uid {node.uid}")
    if node.gid is not None:
        facts.append(f"gid {node.gid}")
    return _with(node.path, facts)


def _net_device(net_device: LinuxNetDevice) -> str:
    return f"{net_device.name} (host {net_device.host_interface_name})"


def _mount(mount: Mount) -> str:
    facts = []
    if mount.host_path != mount.container_path:
        facts.append(f"host {mount.host_path}")
    if mount.type:
        facts.append(f"type {mount.type}")
    if mount.options:
        facts.append(f"options {','.join(mount.options)}")
    return _with(mount.container_path, facts)


def _hook(hook: Hook) -> str:
    facts = []
    # The first argument is the name that the program goes by: seldom another one.
    if hook.args and hook.args[0] not in (hook.path, hook.path.rpartition("/")[2]):
        facts.append(f"as {shlex.quote(hook.args[0])}")
    if hook.env:
        facts.append(f"env {shlex.join(hook.env)}")
    if hook.timeout is not None:
        facts.append(f"timeout {hook.timeout} s")
    arguments = shlex.join([hook.path, *hook.args[1:]])
    return _with(f"{hook.hook_name} {arguments}", facts)


def _intel_rdt(rdt: IntelRdt) -> str:
    facts = []
    if rdt.clos_id:
        facts.append(f"closID {rdt.clos_id}")
    if rdt.l3_cache_schema:
        facts.append(f"l3CacheSchema {rdt.l3_cache_schema}")
    if rdt.mem_bw_schema:
        facts.append(f"memBwSchema {rdt.mem_bw_schema}")
    if rdt.schemata is not None:
        facts.append(f"schemata {', '.join(rdt.schemata)}".rstrip())
    if rdt.enable_monitoring:
        facts.append("enableMonitoring")
    return "; ".join(facts) if facts else "no settings"


def _with(what: str, facts: list[str]) -> str:
    return f"{what} ({', '.join(facts)})" if facts else what
