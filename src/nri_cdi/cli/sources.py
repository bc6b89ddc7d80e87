"""The files that a verb is given: by name, by directory, or on standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nri_cdi.cdi.reading import MAX_FILE_SIZE, read_file
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.scan import is_spec_name
from nri_cdi.errors import Problem, SpecError

STANDARD_INPUT = "-"
STANDARD_INPUT_NAME = "<stdin>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to look at: its path, as messages have it, and where its bytes are."""

    path: str
    is_standard_input: bool = False

    def read(self) -> bytes:
        """All of it. Raises: SpecError, if that can't be had, or is too much."""
        if not self.is_standard_input:
            return read_file(self.path)
        data = sys.stdin.buffer.read(MAX_FILE_SIZE + 1)
        if len(data) > MAX_FILE_SIZE:
            message = f"there are over {MAX_FILE_SIZE} bytes"
            problem = Problem(rule=Rule.FILE_TOO_LARGE, message=message)
            raise SpecError(self.path, [problem])
        return data


def sources(arguments: Iterable[str]) -> Iterator[Source]:
    """The files that are meant, in the order given; ``-`` is standard input.

    A directory stands for its spec files, sorted by name, as a runtime would read it.
    What can't be read, a directory too, is a source whose ``read`` raises.
    """
    for argument in arguments:
        if argument == STANDARD_INPUT:
            yield Source(path=STANDARD_INPUT_NAME, is_standard_input=True)
        elif Path(argument).is_dir():
            yield from _in_directory(argument)
        else:
            yield Source(path=argument)


def _in_directory(folder: str) -> Iterator[Source]:
    try:
        entries = sorted(Path(folder).iterdir())
    except OSError:
        yield Source(path=folder)
        return
    for entry in entries:
        if is_spec_name(entry.name) and (entry.is_symlink() or not entry.is_dir()):
            yield Source(path=str(entry))
