"""Hooks that fail, or that an image can take over."""

from __future__ import annotations

from typing import Any

import pytest

from nri_cdi.cdi.editrules import HOOK_NAMES
from nri_cdi.cdi.lint.hooks import lint_hook
from nri_cdi.cdi.model import Hook
from tests.unit.cdi.lint.said import Said, said


@pytest.mark.parametrize("name", [name for name in HOOK_NAMES if name != "prestart"])
def test_hooks_with_variables_are_fine(name: str) -> None:
    hook = Hook(hook_name=name, path="/h", args=("h", "-x"), env=("A=b",), timeout=1)
    assert lint_hook(hook) == []


@pytest.mark.parametrize(
    "name", ["createRuntime", "startContainer", "poststart", "poststop"]
)
def test_only_some_hooks_inherit_variables_with_rights_of_root(name: str) -> None:
    assert lint_hook(Hook(hook_name=name, path="/h")) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"hook_name": "createContainer", "path": "/h"},
            (
                "hook-without-env",
                "",
                "a createContainer hook without env gets the variables of the image, "
                "LD_PRELOAD too, and runs as root: give it one variable at least",
            ),
        ),
        (
            {"hook_name": "createRuntime", "path": "h"},
            (
                "relative-host-path",
                "path",
                "'h' starts at whatever directory the runtime is in; give the whole "
                "path, from '/' on",
            ),
        ),
        *(
            (
                {"hook_name": "createRuntime", "path": "/h", "timeout": timeout},
                (
                    "hook-timeout",
                    "timeout",
                    f"a timeout of {timeout} s ends the hook as it starts, and the "
                    "container with it; leave it out for none",
                ),
            )
            for timeout in (0, -1)
        ),
        (
            {"hook_name": "createRuntime", "path": "/h", "args": ("--link", "h")},
            (
                "hook-arguments",
                "args[0]",
                "args start with the program's own name, as argv does: the hook does "
                "not see '--link'",
            ),
        ),
        (
            {"hook_name": "prestart", "path": "/h"},
            (
                "deprecated-hook",
                "hookName",
                "prestart is deprecated; createRuntime runs at the same moment",
            ),
        ),
    ],
)
def test_a_doubtful_hook_has_one_finding(fields: Any, expected: Said) -> None:
    assert said(lint_hook(Hook(**fields))) == [expected]
