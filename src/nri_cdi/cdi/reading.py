"""Reading a spec file: bytes to a valid Spec, or to every reason why there is none."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path

from nri_cdi.cdi.collecting import collection_paused
from nri_cdi.cdi.composing import Composed
from nri_cdi.cdi.document import decode, load
from nri_cdi.cdi.events import MalformedError
from nri_cdi.cdi.model import Spec
from nri_cdi.cdi.pointers import is_within, parent
from nri_cdi.cdi.positions import locate
from nri_cdi.cdi.problems import in_order, placed
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.shapes import build_spec
from nri_cdi.cdi.validation import validate_content
from nri_cdi.errors import Problem, SpecError
from nri_cdi.quoting import quoted, quoted_path

MAX_FILE_SIZE = 16 * 1024 * 1024
"""Bytes of a spec file: some 50 000 devices. Much larger values in it would hold up
other threads: each is made by one call of C."""

_CHUNK = 64 * 1024

# Nothing that may have a spec's name can make this wait, or become our terminal.
_OPEN_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY

_KINDS_OF_FILE = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFLNK: "a symbolic link",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSpec:
    """A valid spec, the file it is from, and what in it should be otherwise."""

    spec: Spec
    path: str
    warnings: tuple[Problem, ...]


def read_spec(path: str | os.PathLike[str]) -> LoadedSpec:
    """Read the spec in a regular file, or in one that a symbolic link leads to.

    Never waits for anything but the disk, and reads no more than MAX_FILE_SIZE.

    Raises:
        SpecError: the file can't be read, or has no valid spec in it.
    """
    name = os.fsdecode(path)
    return parse_spec(read_file(name), name)


def parse_spec(data: bytes, path: str) -> LoadedSpec:
    """Read the spec in ``data``, YAML or JSON; ``path`` is where it came from.

    Raises:
        SpecError: it is no valid spec; the error has every problem, with places.
    """
    with collection_paused():
        try:
            text = decode(data)
            document = load(text)
        except MalformedError as error:
            raise SpecError(path, (error.problem,)) from error
        return _loaded(text, document, path)


def _loaded(text: str, document: Composed, path: str) -> LoadedSpec:
    if document.value is None and not document.flaws:
        raise SpecError(path, (_NO_SPEC_DATA,))
    built = build_spec(document.value)
    _take_apart(document.value)
    # Of what couldn't be read or built there is nothing to be said but that.
    unread = {flaw.pointer for flaw in document.flaws if flaw.rule in _VALUE_FLAWS}
    unbuilt = (item for item in built.problems if item.pointer not in unread)
    unsound = (*document.flaws, *unbuilt)
    invalid = _unrelated(validate_content(built.spec), map(_concerned, unsound))
    problems = (*unsound, *invalid)
    if problems:
        raise SpecError(path, in_order(_placed(text, problems)))
    warnings = in_order(_placed(text, built.warnings)) if built.warnings else ()
    return LoadedSpec(spec=built.spec, path=path, warnings=warnings)


def _take_apart(value: object) -> None:
    """Free a document's lists item by item.

    To free 10 000 devices at once stops all threads for some 5 ms.
    """
    items = value.values() if isinstance(value, dict) else ()
    for item in items:
        while isinstance(item, list) and item:
            item.pop()


_VALUE_FLAWS = (Rule.UNKNOWN_ANCHOR, Rule.TAG_MISMATCH)

_NO_SPEC_DATA = Problem(
    rule=Rule.NO_SPEC_DATA,
    message="there is no spec: the text, or its first document, is empty",
)


def _concerned(unsound: Problem) -> str:
    """The place of which nothing is sure for a problem of the text or the shape."""
    # A merge that failed may have brought all that is missing beside it.
    is_merge = unsound.rule is Rule.UNUSABLE_MERGE
    return parent(unsound.pointer) if is_merge else unsound.pointer


def _unrelated(problems: Iterable[Problem], pointers: Iterable[str]) -> list[Problem]:
    """Those problems that are neither at nor in nor around any of ``pointers``."""
    others = tuple(pointers)
    return [
        problem
        for problem in problems
        if not any(
            is_within(other, problem.pointer) or is_within(problem.pointer, other)
            for other in others
        )
    ]


def _placed(text: str, problems: Sequence[Problem]) -> list[Problem]:
    """``problems`` with lines and columns, as far as they have none yet."""
    positions = locate(text, {problem.pointer for problem in problems})
    return [placed(problem, positions) for problem in problems]


def read_file(path: str, *, follow: bool = True) -> bytes:
    """The bytes of a regular file, or, with ``follow``, of one that a link leads to.

    Never waits for anything but the disk, and reads no more than MAX_FILE_SIZE.

    Raises:
        SpecError: there is no such file, or it can't be a spec.
    """
    try:
        # Asked by name first: to open a device can have effects.
        _check_file(path, Path(path).stat() if follow else Path(path).lstat())
        flags = _OPEN_FLAGS if follow else _OPEN_FLAGS | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags), "rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            _check_file(path, status)
            return _read_all(path, file, status.st_size)
    except OSError as error:
        message = f"the file can't be read: {_reason(path, error)}"
        raise _file_error(path, Rule.UNREADABLE_FILE, message) from error
    except ValueError as error:
        message = f"the file can't be read: {quoted(path)} can't be a file's name"
        raise _file_error(path, Rule.UNREADABLE_FILE, message) from error


def _reason(path: str, error: OSError) -> str:
    """Why a file can't be read; whoever sees a link in its place looks for the end."""
    if isinstance(error, FileNotFoundError):
        with suppress(OSError):
            target = quoted_path(str(Path(path).readlink()))
            return f"it is a link to {target}, which leads nowhere"
    reason = error.strerror or "unknown error"
    return f"{reason[:1].lower()}{reason[1:]}"


def _check_file(path: str, status: os.stat_result) -> None:
    """Raises: SpecError, unless it is a regular file of a size that we read."""
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        words = _KINDS_OF_FILE[kind]
        message = f"it is {words}, and must be a regular file"
        raise _file_error(path, Rule.NOT_A_REGULAR_FILE, message)
    if status.st_size > MAX_FILE_SIZE:
        raise _too_large(path)


def _read_all(path: str, file: RawIOBase, size: int) -> bytes:
    """Everything in ``file``, which had ``size`` bytes, and may be growing."""
    chunks: list[bytes] = []
    total = 0
    while chunk := file.read(max(size + 1 - total, _CHUNK)):
        chunks.append(chunk)
        total += len(chunk)
        if total > MAX_FILE_SIZE:
            raise _too_large(path)
    return b"".join(chunks)


def _too_large(path: str) -> SpecError:
    message = f"the file has over {MAX_FILE_SIZE} bytes"
    return _file_error(path, Rule.FILE_TOO_LARGE, message)


def _file_error(path: str, rule: Rule, message: str) -> SpecError:
    return SpecError(path, (Problem(rule=rule, message=message),))
