"""The files that a verb is given: by name, by directory, or on standard input."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nri_cdi.cdi.reading import MAX_FILE_SIZE, read_file
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.scan import scan_spec_dirs
from nri_cdi.cli.process import misused
from nri_cdi.errors import Problem, SpecError

STANDARD_INPUT = "-"
STANDARD_INPUT_NAME = "<stdin>"

# What the caller has open already, as shells name it for ``<(command)``. Any other FIFO
# has nobody at its end, as far as we know, and to open it could take forever.
OPEN_STREAM = re.compile("/dev/(stdin|fd/[0-9]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to look at: its path, as messages have it, and where its bytes are.

    A directory that can't be listed is one too; ``unlistable`` has the reason.

    Raises: ConfigError, if the path is what is left of an unset variable.
    """

    path: str
    is_standard_input: bool = False
    unlistable: str = ""

    def __post_init__(self) -> None:
        if not self.path:
            raise misused("FILE", "'' is not the name of a file")

    def read(self) -> bytes:
        """All of it. Raises: SpecError, if that can't be had, or is too much."""
        if self.unlistable:
            message = f"the directory can't be listed: {self.unlistable}"
            raise self._error(Rule.UNREADABLE_FILE, message)
        if not self.is_standard_input and not OPEN_STREAM.fullmatch(self.path):
            return read_file(self.path)
        try:
            data = self._stream()
        except OSError as error:
            message = f"it can't be read: {(error.strerror or str(error)).lower()}"
            raise self._error(Rule.UNREADABLE_FILE, message) from error
        if len(data) > MAX_FILE_SIZE:
            message = f"there are over {MAX_FILE_SIZE} bytes"
            raise self._error(Rule.FILE_TOO_LARGE, message)
        return data

    def _stream(self) -> bytes:
        """What an open stream has, and no more than shows that it is too much."""
        if not self.is_standard_input:
            with Path(self.path).open("rb") as file:
                return file.read(MAX_FILE_SIZE + 1)
        if sys.stdin is None:  # a process may be started without it
            return b""
        return sys.stdin.buffer.read(MAX_FILE_SIZE + 1)

    def _error(self, rule: Rule, message: str) -> SpecError:
        return SpecError(self.path, [Problem(rule=rule, message=message)])


def sources(arguments: Iterable[str]) -> Iterator[Source]:
    """The files that are meant, in the order given; ``-`` is standard input.

    A directory stands for its spec files, sorted by name, as a runtime would read it.
    What can't be read, be it a directory, is a source whose ``read`` raises.

    Raises: ConfigError, as `Source` does, and `read_once`.
    """
    arguments = list(arguments)
    read_once(arguments)
    for argument in arguments:
        if argument not in ("", STANDARD_INPUT) and _is_directory(argument):
            yield from _in_directory(argument)
        else:
            yield source_of(argument)


def source_of(argument: str) -> Source:
    """The file that an argument names; ``-`` is standard input."""
    if argument == STANDARD_INPUT:
        return Source(path=STANDARD_INPUT_NAME, is_standard_input=True)
    return Source(path=argument)


def read_once(arguments: Sequence[str]) -> None:
    """Raises: ConfigError, if standard input is to be read a second time."""
    if arguments.count(STANDARD_INPUT) > 1:
        raise misused("FILE", "standard input can be read only once")


def _is_directory(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except OSError:  # pathlib hides some of them; the reader has words for all
        return False


def _in_directory(folder: str) -> Iterator[Source]:
    scan = scan_spec_dirs([folder])
    for path, reason in scan.dir_errors.items():
        yield Source(path=path, unlistable=reason)
    for candidate in scan.candidates:
        yield Source(path=candidate.path)
