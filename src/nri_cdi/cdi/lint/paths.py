"""Paths in specs: from the root on, and written in one way only.

Source: OCI runtime-spec, config.md and config-linux.md ("absolute path").
"""

from __future__ import annotations

import posixpath

from nri_cdi.cdi.lint.findings import Finding, finding
from nri_cdi.cdi.lint.rules import LintRule
from nri_cdi.quoting import quoted_path


def lint_host_path(field: str, path: str) -> list[Finding]:
    """What is doubtful about a path on the host."""
    if path.startswith("/"):
        return []
    message = (
        f"{quoted_path(path)} starts at whatever directory the runtime is in; "
        "give the whole path, from '/' on"
    )
    return [finding(LintRule.RELATIVE_HOST_PATH, field, message)]


def lint_container_path(field: str, path: str) -> list[Finding]:
    """What is doubtful about a path in the container."""
    if not path.startswith("/"):
        message = (
            f"{quoted_path(path)} is no absolute path; most runtimes take it from "
            f"'/' on: write {quoted_path(clean(path))}"
        )
        return [finding(LintRule.RELATIVE_CONTAINER_PATH, field, message)]
    if path == clean(path):
        return []
    # Source: CDI internal/ociedit/spec_editor.go, RemoveMount and RemoveDevice.
    message = (
        f"{quoted_path(path)} is {quoted_path(clean(path))}, but runtimes compare "
        "paths letter by letter: what stands there already isn't replaced"
    )
    return [finding(LintRule.UNCLEAN_PATH, field, message)]


def clean(path: str) -> str:
    """The shortest way to write ``path``, from the root on."""
    # Two slashes in front are special to POSIX, and kept, but not to Linux.
    return "/" + posixpath.normpath(f"/{path}").lstrip("/")
