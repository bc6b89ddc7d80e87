"""Environment variables that containers get otherwise than was meant.

Their values are never shown: they can be secrets.
"""

from __future__ import annotations

import re

from nri_cdi.cdi.lint.findings import Finding, finding
from nri_cdi.cdi.lint.rules import LintRule
from nri_cdi.quoting import quoted

# Source: POSIX, Base Definitions, 8.1; names in lower case are common, and fine.
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE = re.compile(rf"\$(?:\{{{_NAME.pattern}\}}|{_NAME.pattern})")
_QUOTES = ("'", '"')

SEARCH_PATHS = ("PATH", "LD_LIBRARY_PATH", "LD_PRELOAD")


def lint_variable(variable: str) -> list[Finding]:
    """What is doubtful about ``NAME=value``."""
    name, _, value = variable.partition("=")
    found: list[Finding] = []
    if not _NAME.fullmatch(name):
        message = (
            f"{quoted(name)} is no name that a shell takes; use letters, digits and "
            "'_', and no digit in front"
        )
        found.append(finding(LintRule.VARIABLE_NAME, "", message))
    if len(value) > 1 and value[0] in _QUOTES and value[0] == value[-1]:
        message = (
            f"the value of {quoted(name)} has quotes around it, which the container "
            "gets too; put the quotes around NAME=value as a whole"
        )
        found.append(finding(LintRule.QUOTED_VALUE, "", message))
    if _REFERENCE.search(value):
        message = (
            f"the value of {quoted(name)} names a variable with '$', which nothing "
            "expands; give the whole value"
        )
        found.append(finding(LintRule.UNEXPANDED_VARIABLE, "", message))
    if name in SEARCH_PATHS:
        message = f"{name} replaces the one of the image, and adds nothing to it"
        found.append(finding(LintRule.REPLACED_SEARCH_PATH, "", message))
    return found
