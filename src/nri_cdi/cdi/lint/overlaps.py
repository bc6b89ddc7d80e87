"""Edits of one container that meet: the later one wins, or both fail.

What is the same twice is no overlap, but for hooks, which run twice. Yet of two devices
that are asked for together it is worth knowing.

Source: CDI container-edits.go, Apply; for interfaces OCI runtime-spec, config-linux.md.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace

from nri_cdi.cdi.edits import SourcedEdits
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
from nri_cdi.quoting import quoted

Label = Callable[[str], str]
"""Makes a place within a block of edits one that a message can name."""

# A name like others, but by convention a device that has the edits of all.
ALL = "all"

_Key = tuple[LintRule, Hashable]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """Something that a container has once, and how an edit wants it to be.

    ``words`` are for an edit that wants it otherwise, ``alike`` for one that wants it
    so too; empty if that is not worth a word.
    """

    rule: LintRule
    what: Hashable
    value: object
    pointer: str
    words: str
    alike: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    """A claim that was made: the value, the place in words, and the source if known."""

    value: object
    place: str
    source: SourcedEdits | None


@dataclass(slots=True, kw_only=True)
class Overlaps:
    """What the edits of one container claim, in the order in which they come.

    ``base`` has what came before, and stays as it is.
    """

    base: Overlaps | None = None
    _claimed: dict[_Key, _Claimed] = field(default_factory=dict)

    def add(
        self, edits: ContainerEdits, label: Label, source: SourcedEdits | None = None
    ) -> list[Finding]:
        """Take note of a block, and say where it meets what was there before.

        Blocks with a ``source`` are parts of a request. The places of findings start at
        the block; messages name the other place.
        """
        sieve = Sieve()
        for claim in _claims(edits):
            known = self._known((claim.rule, claim.what))
            if known is not None:
                sieve.add(_met(claim, known, source))
            self._claimed[claim.rule, claim.what] = _Claimed(
                value=claim.value, place=label(claim.pointer), source=source
            )
        return sieve.found

    def _known(self, key: _Key) -> _Claimed | None:
        known = self._claimed.get(key)
        if known is None and self.base is not None:
            return self.base._known(key)
        return known


def _met(
    claim: _Claim, known: _Claimed, source: SourcedEdits | None
) -> Iterator[Finding]:
    if known.value != claim.value:
        yield finding(claim.rule, claim.pointer, f"{claim.words}: {known.place}")
    elif claim.alike and _are_of_two_devices(known.source, source):
        message = f"{claim.alike}: {known.place}"
        yield finding(LintRule.SHARED_EDIT, claim.pointer, message)


def _are_of_two_devices(one: SourcedEdits | None, other: SourcedEdits | None) -> bool:
    """Whether two devices brought these that can be expected to have nothing alike.

    A spec's own edits belong to its devices, and those of `ALL` are the others' too.
    """
    if one is None or other is None:
        return False
    if one.path != other.path:
        return True
    of_any = {"", f"{one.kind}={ALL}"}
    return one.device != other.device and of_any.isdisjoint((one.device, other.device))


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
        alike=f"{quoted(name)} has the same value elsewhere",
    )


def _node(pointer: str, node: DeviceNode) -> _Claim:
    return _Claim(
        rule=LintRule.NODE_OVERLAP,
        what=node.path,
        value=replace(node, host_path=node.host_path or node.path),
        pointer=pointer,
        words=f"{quoted(node.path)} replaces another device node at this path",
        alike=f"{quoted(node.path)} is the same device node elsewhere",
    )


def _mount(pointer: str, mount: Mount) -> _Claim:
    return _Claim(
        rule=LintRule.MOUNT_OVERLAP,
        what=mount.container_path,
        value=mount,
        pointer=pointer,
        words=f"{quoted(mount.container_path)} replaces another mount at this path",
        alike=f"{quoted(mount.container_path)} is the same mount elsewhere",
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
