"""What all unit tests share."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """Spare the garbage collector thousands of tests, which stay until the end."""
    gc.collect()
    gc.freeze()
