"""CDI edits as an NRI adjustment.

Rule: an edit either has the effect that the runtime's own CDI support would give it, or
the container fails with a message. None is dropped, and none grants more.
"""

from __future__ import annotations

from nri_cdi.adjustment.compiled import (
    CompiledAdjustment,
    compile_adjustment,
    unsupported_edits,
)
from nri_cdi.adjustment.places import EditConflictError

__all__ = [
    "CompiledAdjustment",
    "EditConflictError",
    "compile_adjustment",
    "unsupported_edits",
]
