"""What all unit tests share."""

from __future__ import annotations

import gc
import os

from hypothesis import settings

# Half of hypothesis's own number: there are a hundred laws, and all fast tests are to
# take less than a minute. HYPOTHESIS_PROFILE=thorough has twenty times as many.
# All else stays as it is: where CI runs, hypothesis has no deadlines.
settings.register_profile("fast", settings(max_examples=50))
settings.register_profile("thorough", settings(max_examples=1000))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


def pytest_collection_finish() -> None:
    """Spare the garbage collector thousands of tests, which stay until the end."""
    gc.collect()
    gc.freeze()
