"""The exceptions that this package raises on purpose.

The class says whose fault it is: a protocol error is the peer's (remote) or our
caller's (local), a spec error is a file's, a resolve error the requester's. Facts are
attributes; the text is what a person reads, and names the thing and its place.
Anything else that escapes is a bug.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nri_cdi.quoting import printable


class NriCdiError(Exception):
    """Base of every error of this package."""


class ProtocolError(NriCdiError):
    """The rules of a protocol were broken. Raised only as one of its subclasses."""

    def __init__(self, message: str) -> None:
        if type(self) is ProtocolError:
            raise TypeError("raise LocalProtocolError or RemoteProtocolError")
        super().__init__(message)


class LocalProtocolError(ProtocolError):
    """Our caller asked for something that the protocol forbids."""


class RemoteProtocolError(ProtocolError):
    """The peer sent something that the protocol forbids; the connection is lost."""


class InvalidNameError(NriCdiError, ValueError):
    """A text that is not a name of the kind asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in a document.

    ``rule`` is a stable identifier. ``pointer`` is the place within the document
    (``devices[3].containerEdits.mounts[0]``; empty for the whole of it), ``line`` and
    ``column`` count from 1 and are None where the text gives no position.
    """

    rule: str
    message: str
    pointer: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return f"{self.pointer}: {self.message}" if self.pointer else self.message


class DocumentError(NriCdiError):
    """A file that can't be used; ``problems`` has at least one item, in file order.

    The text has one line a problem: ``path:line:column: pointer: message``.
    """

    def __init__(self, path: str, problems: Sequence[Problem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """The text of each problem, with its place in front; none has a line break."""
        path = printable(self.path)
        return [
            f"{_place(path, problem)}: {printable(str(problem))}"
            for problem in self.problems
        ]


class SpecError(DocumentError):
    """A CDI spec that is unreadable, malformed or invalid."""


class FormatError(DocumentError):
    """A valid CDI spec that can't be rewritten without losing something of it."""


class ConfigError(DocumentError):
    """A configuration that is unreadable, malformed or invalid."""


class ManifestError(DocumentError):
    """Kubernetes manifests that are unreadable, or that an API server would refuse."""


class OciSpecError(DocumentError):
    """An OCI runtime spec that is unreadable, malformed, or not what it should be."""


class RequestError(NriCdiError):
    """A container asks for devices that it can't have: its author's to mend."""


class AnnotationError(RequestError):
    """An annotation that asks for devices in words that can't be read."""


class ResolveError(RequestError):
    """Devices that no spec defines, or that several define; ``names`` has them all."""

    def __init__(self, message: str, names: Iterable[str] = ()) -> None:
        self.names = tuple(names)
        super().__init__(message)


class UnsupportedEditError(RequestError):
    """An edit that the connected runtime has no way to carry out."""


def _place(path: str, problem: Problem) -> str:
    if problem.line is None:
        return path
    if problem.column is None:
        return f"{path}:{problem.line}"
    return f"{path}:{problem.line}:{problem.column}"
