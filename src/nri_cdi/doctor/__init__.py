"""The doctor: what on this node keeps containers from their devices, and what mends it.

It looks, and changes nothing: it connects to no socket of a runtime, and runs nothing
but runtimes' ``--version``.
"""

from __future__ import annotations

from nri_cdi.doctor.facts import Facts, told_runtime
from nri_cdi.doctor.findings import Check, Finding
from nri_cdi.doctor.node import Node
from nri_cdi.doctor.plugin import Plugin, read_plugin, unknown_settings
from nri_cdi.doctor.report import WORDS, Ability, Report, examine, to_plain
from nri_cdi.doctor.runtimes import Docker, Runtime, drop_in_of

__all__ = [
    "WORDS",
    "Ability",
    "Check",
    "Docker",
    "Facts",
    "Finding",
    "Node",
    "Plugin",
    "Report",
    "Runtime",
    "drop_in_of",
    "examine",
    "read_plugin",
    "to_plain",
    "told_runtime",
    "unknown_settings",
]
