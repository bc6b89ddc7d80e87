"""A file's new content, put in place whole or not at all.

Whoever reads the file sees the old content or the new one. What the caller was told is
written is on the disk. A writer that is killed in between leaves a temporary file
behind: ``.nri-cdi-``, 16 digits, ``.tmp``. No scan of spec directories takes it for a
spec. Nobody removes it, as it can't be told from that of a writer who is at work.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from errno import EEXIST, EINVAL, EISDIR, ENODATA, ENOENT, ENOTSUP

_TEMPORARY_NAME = ".nri-cdi-{}.tmp"
_RANDOM_BYTES = 8

_DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

# Source: xattr(7), acl(5). The mode is in the list as well, and comes after it.
_ACL = "system.posix_acl_access"
_LABEL = "security.selinux"

# It has none, the file system knows none, or the file is gone since it was found.
_NO_LIST = (ENODATA, ENOTSUP, ENOENT)

# Nobody else may read what is not yet known to be fit for them.
_PRIVATE = 0o600


def replace_file(
    path: str,
    data: bytes,
    *,
    mode: int = 0o644,
    overwrite: bool = True,
    check: Callable[[], object] | None = None,
) -> None:
    """Put a file with ``data`` at ``path``, in a directory that exists.

    A regular file that was there hands on its permission bits, its owner, its access
    control list and, if that is allowed, its SELinux label. Other extended attributes
    are not kept, and further names of it (hard links) keep the old content. A new file
    gets ``mode``, whatever the umask. A symbolic link is replaced itself, and not what
    it leads to. Without ``overwrite`` whatever is there stays as it is; that takes a
    file system that has hard links. ``check`` is called when all is ready: if it
    raises, nothing is replaced.

    Raises:
        OSError: it can't be done; the error's file name is ``path``, and what was there
            is untouched. FileExistsError: something is there, and shall stay. Only if
            the directory itself can't be flushed to the disk the file has been replaced
            all the same.
    """
    try:
        _replace(path, data, mode, overwrite=overwrite, check=check)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error
    except ValueError as error:
        raise OSError(EINVAL, "this can't be the name of a file", path) from error


def _replace(
    path: str,
    data: bytes,
    mode: int,
    *,
    overwrite: bool,
    check: Callable[[], object] | None,
) -> None:
    directory, name = os.path.split(path)
    if not name:
        raise OSError(EISDIR, os.strerror(EISDIR))
    folder = os.open(directory or os.curdir, _DIRECTORY_FLAGS)
    try:
        old = _present(name, folder)
        if old is not None and not overwrite:
            raise OSError(EEXIST, os.strerror(EEXIST))
        temporary = _TEMPORARY_NAME.format(secrets.token_hex(_RANDOM_BYTES))
        file = os.open(temporary, _CREATE_FLAGS, _PRIVATE, dir_fd=folder)
        try:
            _fill(file, data, mode, old, path)
            if check is not None:
                check()
            _put(temporary, name, folder, overwrite=overwrite)
        except BaseException:
            # It is gone if an interrupt came just after it was put in place.
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)
            raise
        os.fsync(folder)
    finally:
        os.close(folder)


def _present(name: str, folder: int) -> os.stat_result | None:
    """What has this name; None if nothing does.

    Raises: OSError, if it is nothing that a file may take the place of.
    """
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise OSError(EISDIR, os.strerror(EISDIR))
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISLNK(status.st_mode):
        raise OSError(EINVAL, "what is there is not a regular file")
    return status


def _fill(
    file: int, data: bytes, mode: int, old: os.stat_result | None, path: str
) -> None:
    with os.fdopen(file, "wb") as stream:
        stream.write(data)
        stream.flush()
        if old is not None and stat.S_ISREG(old.st_mode):
            mode = stat.S_IMODE(old.st_mode)
            new = os.fstat(file)
            if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
                os.fchown(file, old.st_uid, old.st_gid)
            _hand_on_access(path, file)
        # After the owner: to change that takes the set-user-id bit away.
        os.fchmod(file, mode)
        os.fsync(file)


def _hand_on_access(path: str, file: int) -> None:
    """Give a file the access control list and the label of the one at ``path``."""
    # Without the list, the permission bits would let its group do what only those may
    # who are in it. A directory may give each new file in it a list, too.
    acl = _list(path)
    if acl is not None:
        os.setxattr(file, _ACL, acl)
    elif _list(file) is not None:
        os.removexattr(file, _ACL)
    with suppress(OSError):  # there is none, or it has that of the directory
        label = os.getxattr(path, _LABEL, follow_symlinks=False)
        os.setxattr(file, _LABEL, label)


def _list(file: str | int) -> bytes | None:
    """The access control list of a file, by its path or descriptor; None if none."""
    try:
        return os.getxattr(file, _ACL)
    except OSError as error:
        if error.errno in _NO_LIST:
            return None
        raise


def _put(temporary: str, name: str, folder: int, *, overwrite: bool) -> None:
    if overwrite:
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        return
    # Unlike a rename, a link never takes the place of what came in between.
    os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.unlink(temporary, dir_fd=folder)
