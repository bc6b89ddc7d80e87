"""The hooks of an OCI spec.

Source: OCI runtime-spec, config.md, "POSIX-platform Hooks".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nri_cdi.oci.draft import Draft


def add_hooks(draft: Draft, hooks: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Add hooks, each with its stage, after those that the stage has.

    Raises: OciSpecError.
    """
    for stage, hook in hooks:
        draft.own_list("hooks", stage).append(hook)
