"""The edits that a request for devices comes to, and where each came from.

Source: CDI pkg/cdi/cache.go, InjectDevices: in request order, a spec's own edits once,
before those of the first of its devices; then each device's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from nri_cdi.cdi.model import ContainerEdits
from nri_cdi.quoting import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedEdits:
    """Edits and their source: ``device`` is empty for those of the whole spec."""

    edits: ContainerEdits
    kind: str
    device: str
    path: str

    @property
    def origin(self) -> str:
        """The source in words, for messages: on one line, whatever the file's name."""
        what = (
            f"device {self.device}" if self.device else f"containerEdits of {self.kind}"
        )
        return f"{what} ({printable(self.path)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a request comes to: its devices, each once, and their edits in order."""

    devices: tuple[str, ...]
    parts: tuple[SourcedEdits, ...]

    def merged(self) -> ContainerEdits:
        """All edits as one: lists in order, the last ``intelRdt`` wins."""
        return merge(part.edits for part in self.parts)


def merge(many: Iterable[ContainerEdits]) -> ContainerEdits:
    """Join edits: lists one after the other, repeats kept; the last ``intelRdt`` wins.

    Source: CDI container-edits.go, Append.
    """
    parts = [edits for edits in many if edits]
    if len(parts) == 1:
        return parts[0]
    settings = [edits.intel_rdt for edits in parts if edits.intel_rdt is not None]
    join = chain.from_iterable
    return ContainerEdits(
        env=tuple(join(edits.env for edits in parts)),
        device_nodes=tuple(join(edits.device_nodes for edits in parts)),
        net_devices=tuple(join(edits.net_devices for edits in parts)),
        hooks=tuple(join(edits.hooks for edits in parts)),
        mounts=tuple(join(edits.mounts for edits in parts)),
        intel_rdt=settings[-1] if settings else None,
        additional_gids=tuple(join(edits.additional_gids for edits in parts)),
    )
