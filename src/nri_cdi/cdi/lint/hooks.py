"""Hooks that fail, or that an image can take over.

Source: OCI runtime-spec, config.md, "POSIX-platform Hooks"; CVE-2025-23266.
"""

from __future__ import annotations

from nri_cdi.cdi.lint.findings import Finding, finding
from nri_cdi.cdi.lint.paths import lint_host_path
from nri_cdi.cdi.lint.rules import LintRule
from nri_cdi.cdi.model import Hook
from nri_cdi.quoting import quoted

PRESTART = "prestart"
CREATE_CONTAINER = "createContainer"
START_CONTAINER = "startContainer"


def lint_hook(hook: Hook) -> list[Finding]:
    """What is doubtful about a hook, whatever the host has."""
    found = lint_host_path("path", hook.path)
    # runc runs this one alone with the container's variables and the rights of root. A
    # startContainer hook has the former, but no more rights than the container.
    if hook.hook_name == CREATE_CONTAINER and not hook.env:
        message = (
            "a createContainer hook without env gets the variables of the image, "
            "LD_PRELOAD too, and runs as root: give it one variable at least"
        )
        found.append(finding(LintRule.HOOK_WITHOUT_ENV, "", message))
    if hook.timeout is not None and hook.timeout <= 0:
        message = (
            f"a timeout of {hook.timeout} s ends the hook as it starts, and the "
            "container with it; leave it out for none"
        )
        found.append(finding(LintRule.HOOK_TIMEOUT, "timeout", message))
    if hook.args and hook.args[0].startswith("-"):
        message = (
            f"args start with the program's own name, as argv does: the hook does not "
            f"see {quoted(hook.args[0])}"
        )
        found.append(finding(LintRule.HOOK_ARGUMENTS, "args[0]", message))
    if hook.hook_name == PRESTART:
        message = "prestart is deprecated; createRuntime runs at the same moment"
        found.append(finding(LintRule.DEPRECATED_HOOK, "hookName", message))
    return found
