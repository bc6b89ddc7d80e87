"""inotify instances, made without running another program."""

from __future__ import annotations

import ctypes

import inotify_simple


def open_inotify() -> inotify_simple.INotify:
    """A new instance, which does not block.

    Raises: OSError, if the kernel has none left to give.
    """
    # inotify_simple would look for libc with ctypes.util.find_library, which starts
    # ldconfig, or even a compiler: 30 ms at each start of the daemon, and programs that
    # root runs for nothing. libc is in the process already.
    if getattr(inotify_simple, "_libc", None) is None:
        inotify_simple._libc = ctypes.CDLL(None, use_errno=True)
    return inotify_simple.INotify(nonblocking=True)
