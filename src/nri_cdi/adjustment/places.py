"""Where an edit stands, and the messages about edits that can't be carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from nri_cdi.cdi.edits import Resolution, SourcedEdits
from nri_cdi.cdi.model import ContainerEdits
from nri_cdi.errors import RequestError, UnsupportedEditError
from nri_cdi.nri.capabilities import DOCKER, SUPPORT, Capabilities, RuntimeInfo
from nri_cdi.quoting import quoted

_Edit = TypeVar("_Edit")

# "-key" takes away what another plugin has set. Source: NRI pkg/api/adjustment.go.
_REMOVAL_MARK = "-"


class EditConflictError(RequestError):
    """Devices whose edits exclude each other in one container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The runtime that is to carry out the edits.

    The first refused edit raises, unless there are ``refusals``, to which all are put.
    """

    runtime: RuntimeInfo
    capabilities: Capabilities
    refusals: list[RequestError] | None = None

    def refuse(self, error: RequestError) -> None:
        """Raise an error, or go on so that the others are found too."""
        if self.refusals is None:
            raise error
        self.refusals.append(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an edit stands; the text has its device, its file and its field."""

    origin: str
    pointer: str
    target: Target

    def __str__(self) -> str:
        return f"{self.origin}: {self.pointer}"

    def unsupported(self, action: str, remedy: str) -> UnsupportedEditError:
        """The error for an edit that takes an ``action`` the runtime can't do."""
        return UnsupportedEditError(
            f"{self}: {self.target.runtime} can't {action}; {remedy}"
        )

    def require(self, capability: str, action: str) -> None:
        """Raises: UnsupportedEditError if the runtime lacks a field of Capabilities."""
        if getattr(self.target.capabilities, capability):
            return
        if self.target.runtime.name == DOCKER:
            remedy = "let Docker inject the device by itself: docker run --device"
        else:
            remedy = f"it needs {SUPPORT[capability]}"
        self.refuse(action, remedy)

    def refuse(self, action: str, remedy: str) -> None:
        """Raises: UnsupportedEditError, unless the target takes note of them."""
        self.target.refuse(self.unsupported(action, remedy))

    def refuse_removal(self, key: str) -> None:
        """Raises: UnsupportedEditError if NRI would read ``key`` as a removal."""
        if key.startswith(_REMOVAL_MARK):
            self.refuse(
                f"set {quoted(key)}",
                f"NRI reads a leading {_REMOVAL_MARK!r} as a removal: use another name",
            )


def place(part: SourcedEdits, pointer: str, target: Target) -> Place:
    """The place of a field of ``part``."""
    return Place(origin=part.origin, pointer=pointer, target=target)


def placed(
    resolution: Resolution,
    target: Target,
    field: str,
    edits: Callable[[ContainerEdits], Sequence[_Edit]],
) -> Iterator[tuple[Place, _Edit]]:
    """The edits of one kind, in the order in which they apply, with their places."""
    for part in resolution.parts:
        for index, edit in enumerate(edits(part.edits)):
            yield place(part, f"{field}[{index}]", target), edit
