"""Lint: what is doubtful about specs that are valid."""

from __future__ import annotations

from nri_cdi.cdi.lint.document import lint_document
from nri_cdi.cdi.lint.findings import Finding
from nri_cdi.cdi.lint.host import Host
from nri_cdi.cdi.lint.registries import lint_registry, unread_entries
from nri_cdi.cdi.lint.requests import lint_request, request_errors
from nri_cdi.cdi.lint.rules import LintRule, Severity
from nri_cdi.cdi.lint.specs import lint_spec

__all__ = [
    "Finding",
    "Host",
    "LintRule",
    "Severity",
    "lint_document",
    "lint_registry",
    "lint_request",
    "lint_spec",
    "request_errors",
    "unread_entries",
]
