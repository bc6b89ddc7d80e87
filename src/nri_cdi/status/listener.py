"""The socket that the status is served on: made, watched over, and taken away."""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from nri_cdi.address import Address, LoopbackAddress, UnixAddress

# Its owner alone, which is root: pods' names are nobody else's business.
SOCKET_MODE = 0o600
DIRECTORY_MODE = 0o755

# The connections that wait to be taken: as many as may be open. The event loop takes
# all of them in one go: with the 100 of asyncio, hasty clients hold it up for 30 ms.
BACKLOG = 32

# socket.settimeout: a socket that never blocks.
NO_WAIT = 0

_Identity = tuple[int, int]


class Listener:
    """A socket at ``address``, which may be opened again after it was lost."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._identity: _Identity | None = None

    def open(self) -> socket.socket:
        """A listening socket that doesn't block.

        Raises: OSError, with a text that says what stands in the way.
        """
        if isinstance(self.address, LoopbackAddress):
            return _open_port(self.address)
        listening = _open_unix(self.address)
        self._identity = _identity(self.address.path)
        return listening

    def is_ours(self) -> bool:
        """Whether clients that come by the address still reach this socket."""
        if isinstance(self.address, LoopbackAddress):
            return True
        return self._identity is not None and self._identity == _identity(
            self.address.path
        )

    def remove(self) -> None:
        """Take the file away, unless it is somebody else's by now."""
        if isinstance(self.address, UnixAddress) and self.is_ours():
            with suppress(OSError):
                os.unlink(self.address.path)  # noqa: PTH108
        self._identity = None


def _open_port(address: LoopbackAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address.host, address.port))
        listening.listen(BACKLOG)
        listening.settimeout(NO_WAIT)
    except OSError:
        listening.close()
        raise
    return listening


def _open_unix(address: UnixAddress) -> socket.socket:
    path = Path(address.path)
    path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Linux gives the file the mode that the socket has: it is never there with
        # another one. Source: net/unix/af_unix.c, unix_bind_bsd.
        os.fchmod(listening.fileno(), SOCKET_MODE)
        try:
            listening.bind(address.path)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            _make_way(path)
            listening.bind(address.path)
        listening.listen(BACKLOG)
        listening.settimeout(NO_WAIT)
    except OSError:
        listening.close()
        raise
    return listening


def _make_way(path: Path) -> None:
    """Remove the socket of a process that has ended; nothing else is ever removed.

    Raises: OSError.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(errno.EEXIST, "something that is no socket is there")
        if _is_alive(path):
            raise OSError(errno.EADDRINUSE, "another process serves there")
        path.unlink()


def _is_alive(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(NO_WAIT)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except BlockingIOError:
            # So many wait for it that there is no place for one more.
            return True
        return True


def _identity(path: str) -> _Identity | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return (status.st_dev, status.st_ino)
