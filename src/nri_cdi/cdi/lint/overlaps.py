"""Edits of one container that meet: the later one wins, or both fail.

What is the same twice is no overlap, but for hooks, which run twice.

Source: CDI container-edits.go, Apply; for interfaces OCI runtime-spec, config-linux.md.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace

from nri_cdi.cdi.lint.findings import Finding, Sieve, finding
from nri_cdi.cdi.lint.rules import LintRule
from nri_cdi.cdi.model import (
    ContainerEdits,
    DeviceNode,
    Hook,
    IntelRdt,
    LinuxNetDevice,
    Mount,
)
from nri_cdi.cdi.pointers import at_index
from nri_cdi.cdi.quoting import quoted

Label = Callable[[str], str]
"""Makes a place within a block of edits one that a message can name."""

_Key = tuple[LintRule, Hashable]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """Something that a container has once, and how an edit wants it to be."""

    rule: LintRule
    what: Hashable
    value: object
    pointer: str
    words: str


@dataclass(slots=True, kw_only=True)
class Overlaps:
    """What the edits of one container claim, in the order in which they come.

    ``base`` has what came before, and stays as it is.
    """

    base: Overlaps | None = None
    _claimed: dict[_Key, tuple[object, str]] = field(default_factory=dict)

    def add(self, edits: ContainerEdits, label: Label) -> list[Finding]:
        """Take note of a block, and say where it meets what was there before.

        The places of findings start at the block; messages name the other place.
        """
        sieve = Sieve()
        for claim in _claims(edits):
            known = self._known((claim.rule, claim.what))
            if known is not None and known[0] != claim.value:
                message = f"{claim.words}: {known[1]}"
                sieve.add([finding(claim.rule, claim.pointer, message)])
            self._claimed[claim.rule, claim.what] = claim.value, label(claim.pointer)
        return sieve.found

    def _known(self, key: _Key) -> tuple[object, str] | None:
        known = self._claimed.get(key)
        if known is None and self.base is not None:
            return self.base._known(key)
        return known


def _claims(edits: ContainerEdits) -> Iterator[_Claim]:
    for index, variable in enumerate(edits.env):
        yield _variable(at_index("env", index), variable)
    for index, node in enumerate(edits.device_nodes):
        yield _node(at_index("deviceNodes", index), node)
    for index, net_device in enumerate(edits.net_devices):
        yield from _interface(at_index("netDevices", index), net_device)
    for index, hook in enumerate(edits.hooks):
        yield _hook(at_index("hooks", index), hook)
    for index, mount in enumerate(edits.mounts):
        yield _mount(at_index("mounts", index), mount)
    if edits.intel_rdt is not None:
        yield _rdt(edits.intel_rdt)


def _variable(pointer: str, variable: str) -> _Claim:
    name, _, value = variable.partition("=")
    return _Claim(
        rule=LintRule.VARIABLE_OVERLAP,
        what=name,
        value=value,
        pointer=pointer,
        words=f"{quoted(name)} replaces another value of the variable",
    )


def _node(pointer: str, node: DeviceNode) -> _Claim:
    return _Claim(
        rule=LintRule.NODE_OVERLAP,
        what=node.path,
        value=replace(node, host_path=node.host_path or node.path),
        pointer=pointer,
        words=f"{quoted(node.path)} replaces another device node at this path",
    )


def _mount(pointer: str, mount: Mount) -> _Claim:
    return _Claim(
        rule=LintRule.MOUNT_OVERLAP,
        what=mount.container_path,
        value=mount,
        pointer=pointer,
        words=f"{quoted(mount.container_path)} replaces another mount at this path",
    )


def _interface(pointer: str, net_device: LinuxNetDevice) -> Iterator[_Claim]:
    host, name = net_device.host_interface_name, net_device.name
    yield _Claim(
        rule=LintRule.INTERFACE_OVERLAP,
        what=("host", host),
        value=name,
        pointer=pointer,
        words=f"the interface {quoted(host)} has another name elsewhere, and can have "
        "only one",
    )
    yield _Claim(
        rule=LintRule.INTERFACE_OVERLAP,
        what=("container", name),
        value=host,
        pointer=pointer,
        words=f"another interface becomes {quoted(name)} too, and only one can",
    )


def _hook(pointer: str, hook: Hook) -> _Claim:
    return _Claim(
        rule=LintRule.REPEATED_HOOK,
        what=hook,
        value=object(),  # never the same as another one's: each runs
        pointer=pointer,
        words="the same hook runs once more",
    )


def _rdt(rdt: IntelRdt) -> _Claim:
    return _Claim(
        rule=LintRule.RDT_OVERLAP,
        what="",
        value=rdt,
        pointer="intelRdt",
        words="it replaces another intelRdt as a whole",
    )
