"""Writing a spec file: whole or not at all, and so that everybody reads the same.

Source: CDI pkg/cdi/spec.go, write. It differs in that files can be read by everybody,
are on the disk when this is done, and keep the mode and the owner that they had.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import takewhile
from pathlib import Path
from typing import Any

from nri_cdi.atomicfile import replace_file
from nri_cdi.cdi.jsontext import to_json
from nri_cdi.cdi.model import Spec
from nri_cdi.cdi.plain import to_plain
from nri_cdi.cdi.pointers import at_index, at_key
from nri_cdi.cdi.problems import in_order, problem
from nri_cdi.cdi.reading import MAX_FILE_SIZE
from nri_cdi.cdi.rules import Rule
from nri_cdi.cdi.specnames import spec_path
from nri_cdi.cdi.validation import validate_spec
from nri_cdi.cdi.yamltext import to_yaml
from nri_cdi.errors import Problem, SpecError
from nri_cdi.quoting import quoted

DIRECTORY_MODE = 0o755

_HALF = re.compile("[\ud800-\udfff]")


class SpecFormat(StrEnum):
    """What a spec file is written in; the value is its name's extension."""

    JSON = ".json"
    YAML = ".yaml"


def spec_text(spec: Spec, form: SpecFormat) -> str:
    """The text of a spec file: one line a value, fields as the specification has them.

    A valid spec reads as the same again, for the reference and for other readers of
    YAML or JSON as well.
    """
    return _text(to_plain(spec), form)


def check_spec(spec: Spec, path: str) -> None:
    """Raises: SpecError, with every problem, unless the spec is valid."""
    problems = validate_spec(spec)
    if problems:
        raise SpecError(path, in_order(problems))


def write_spec(
    spec: Spec, path: str | os.PathLike[str], *, overwrite: bool = True
) -> str:
    """Write a spec file, in the format that its extension says; its path comes back.

    That is ``path``, with ``.yaml`` appended if it ends in neither that nor ``.json``.
    A missing directory is made. A new file is 0644; one that is there keeps its mode
    and owner, and who reads it gets the old or the new one, never a part.

    Raises:
        SpecError: the spec is not valid; the error has every problem.
        InvalidNameError: no spec file can have this name, or no directory its own.
        FileExistsError: the file is there, and is not to be overwritten.
        OSError: it can't be written.
    """
    target = spec_path(path)
    data = _data(spec, target)
    _make_directories(Path(target).parent)
    replace_file(target, data, overwrite=overwrite)
    return target


def remove_spec(path: str | os.PathLike[str]) -> bool:
    """Remove a spec file; false if there is none.

    ``path`` is as for `write_spec`.

    Raises:
        InvalidNameError: no spec file can have this name.
        OSError: it can't be removed.
    """
    target = Path(spec_path(path))
    try:
        # A file system that is read-only would say so, be there a file or not.
        target.lstat()
        target.unlink()
    except FileNotFoundError:
        return False
    _flush(target.parent)
    return True


def _data(spec: Spec, path: str) -> bytes:
    check_spec(spec, path)
    plain = to_plain(spec)
    unwritable = list(_unwritable(plain, ""))
    if unwritable:
        raise SpecError(path, in_order(unwritable))
    data = _text(plain, SpecFormat(path[path.rindex(".") :])).encode()
    if len(data) > MAX_FILE_SIZE:
        message = f"it would have over {MAX_FILE_SIZE} bytes, which nobody would read"
        raise SpecError(path, [Problem(rule=Rule.FILE_TOO_LARGE, message=message)])
    return data


def _text(plain: Any, form: SpecFormat) -> str:
    return to_yaml(plain) if form is SpecFormat.YAML else to_json(plain)


def _unwritable(value: Any, pointer: str) -> Iterator[Problem]:
    """The texts that no file can have in it. No file that was read has any."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _unwritable(item, at_key(pointer, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unwritable(item, at_index(pointer, index))
    elif isinstance(value, str) and _HALF.search(value):
        message = f"{quoted(value)} has half a surrogate pair in it, which is no letter"
        yield problem(Rule.NOT_UTF_8, pointer, message)


def _make_directories(directory: Path) -> None:
    """Make directories that everybody may read, as far as they are missing."""
    missing = list(takewhile(_is_missing, (directory, *directory.parents)))
    for each in reversed(missing):
        _make_directory(each)


def _is_missing(directory: Path) -> bool:
    return not directory.is_dir()


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir()
    except FileExistsError:
        if directory.is_dir():  # somebody else made it meanwhile
            return
        raise _why_no_directory(directory) from None
    # Whatever the umask, and whatever may have taken its place.
    with _opened(directory, os.O_NOFOLLOW) as descriptor:
        os.fchmod(descriptor, DIRECTORY_MODE)
    _flush(directory.parent)


def _why_no_directory(path: Path) -> OSError:
    try:
        path.stat()
    except FileNotFoundError:
        return FileNotFoundError(errno.ENOENT, "the link leads nowhere", str(path))
    except OSError as error:
        return error
    return NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def _flush(directory: Path) -> None:
    """Put the entries of a directory on the disk."""
    with _opened(directory) as descriptor:
        os.fsync(descriptor)


@contextmanager
def _opened(directory: Path, flags: int = 0) -> Iterator[int]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
