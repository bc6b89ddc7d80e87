"""Names of fields as Go's encoding/json compares them: their case hardly counts."""

from __future__ import annotations

# Two letters more than lower() folds into ASCII. Source: fold.go, foldRune.
_FOLDED = {0x17F: "s", 0x212A: "k"}


def fold(key: str) -> str:
    """``key`` in lower case, by and large."""
    return key.translate(_FOLDED).lower()
