"""A file that is read, changed and written back, by one process at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nri_cdi.atomicfile import replace_file
from nri_cdi.cdi.scan import Identity, identify

LOCK_WAIT_S = 10
"""How long others may take. Each change takes far less than a second."""

_POLL_S = 0.005

_DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def rewrite(path: str, make: Callable[[], bytes]) -> None:
    """Replace the file that ``path`` leads to with what ``make`` makes of it.

    Calls for files of one directory wait for each other, so all of them count. If
    anything else changed the file meanwhile, it stays as it is.

    Raises: OSError, if the file can't be written; what was there is untouched.
    """
    target = os.path.realpath(path)
    with _alone_in(os.path.split(target)[0]):
        before = identify(path)
        replace_file(target, make(), check=lambda: _check(path, before))


def _check(path: str, before: Identity) -> None:
    if identify(path) != before:
        raise OSError(errno.EBUSY, "it was changed meanwhile; run the command again")


@contextmanager
def _alone_in(directory: str) -> Iterator[None]:
    """Hold the lock of a directory, unless its file system has none.

    The file itself could not be locked: a new one takes its place.

    Raises: OSError, if another process holds the lock for too long.
    """
    folder = os.open(directory, _DIRECTORY_FLAGS)
    try:
        _lock(folder)
        yield
    finally:
        os.close(folder)


def _lock(folder: int) -> None:
    """Raises: OSError, if another process holds the lock for too long."""
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                message = "another process has its directory locked; run it again later"
                raise OSError(errno.EBUSY, message) from error
            time.sleep(_POLL_S)
        except OSError:  # network file systems may not know it
            return
        else:
            return
