"""Findings as the tables of these tests have them."""

from __future__ import annotations

from collections.abc import Iterable

from nri_cdi.cdi.lint import Finding

Said = tuple[str, str, str]
"""A rule, a place, and the message."""


def said(findings: Iterable[Finding]) -> list[Said]:
    return [(each.rule, each.pointer, each.message) for each in findings]
