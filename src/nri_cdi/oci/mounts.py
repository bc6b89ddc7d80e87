"""The mounts of an OCI spec, and their order.

Source: OCI runtime-spec, config.md, "Mounts"; CDI pkg/cdi/oci.go and
internal/ociedit/spec_editor.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from posixpath import normpath
from typing import Any

from nri_cdi.oci.draft import Draft
from nri_cdi.oci.entries import Entries


def add_mounts(draft: Draft, mounts: Sequence[dict[str, Any]]) -> None:
    """Add mounts: each takes the place of the first one with its ``destination``.

    Then all mounts, those that were there too, are sorted by how deep they are, so that
    none hides another; those of one depth stay in order, and new ones are the last.

    Raises: OciSpecError.
    """
    if not mounts:
        return
    destinations = {mount["destination"] for mount in mounts}
    entries = Entries(draft, "destination", destinations, "mounts")
    for mount in mounts:
        entries.remove_first(mount["destination"])
        entries.append(mount["destination"], mount)
    entries.save().sort(key=_depth)


def _depth(mount: dict[str, Any] | None) -> int:
    """The slashes in a cleaned destination; ``/`` has one, as many as ``/a``."""
    clean: str = normpath((mount and mount.get("destination")) or "")
    # POSIX lets two leading slashes mean something, and Python keeps them. Go doesn't.
    return clean.count("/") - clean.startswith("//")
