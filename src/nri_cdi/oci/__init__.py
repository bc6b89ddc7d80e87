"""The OCI runtime spec as a JSON value: reading, editing, writing. It does no I/O."""

from __future__ import annotations

from nri_cdi.oci.document import format_oci_spec, parse_oci_spec
from nri_cdi.oci.draft import Draft
from nri_cdi.oci.hooks import add_hooks
from nri_cdi.oci.linux import (
    add_devices,
    add_net_devices,
    allow_devices,
    has_user_namespace,
    set_intel_rdt,
)
from nri_cdi.oci.mounts import add_mounts
from nri_cdi.oci.process import EnvMode, add_gids, set_env, user_ids

__all__ = [
    "Draft",
    "EnvMode",
    "add_devices",
    "add_gids",
    "add_hooks",
    "add_mounts",
    "add_net_devices",
    "allow_devices",
    "format_oci_spec",
    "has_user_namespace",
    "parse_oci_spec",
    "set_env",
    "set_intel_rdt",
    "user_ids",
]
