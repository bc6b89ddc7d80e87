"""What has to be put right in a child process that was forked.

It has one thread, and copies of all there is. A lock that another thread held at the
fork stays locked for good. And descriptors are shared with the parent: what the child
reads from them the parent misses, and what the child writes to them the parent gets.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

_Owner = TypeVar("_Owner")

_mending: WeakKeyDictionary[Any, Callable[[Any], None]] = WeakKeyDictionary()


def after_fork(owner: _Owner, mend: Callable[[_Owner], None]) -> None:
    """Have ``mend`` called with ``owner``, if it is still there, in each child process.

    ``mend`` must not hold ``owner``, which would then stay for good.
    """
    _mending[owner] = mend


def mend_all() -> None:
    """Put everything right; it is called where ``os.fork`` has made a child."""
    for owner, mend in list(_mending.items()):
        mend(owner)


os.register_at_fork(after_in_child=mend_all)
