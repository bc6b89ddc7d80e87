"""Mounts that fail, or give something else than was meant."""

from __future__ import annotations

from typing import Any

import pytest

from nri_cdi.cdi.lint.mounts import lint_mount
from nri_cdi.cdi.model import Mount
from tests.unit.cdi.lint.said import Said, said

WITHOUT_BIND = (
    "mount-without-bind",
    "",
    "without 'bind' or 'rbind' in its options a mount fails with 'no such device'",
)


def _mount(host_path: str, container_path: str, *options: str, **rest: Any) -> Mount:
    return Mount(
        host_path=host_path, container_path=container_path, options=options, **rest
    )


@pytest.mark.parametrize(
    "mount",
    [
        _mount("/a", "/b", "ro", "nosuid", "nodev", "bind"),
        _mount("/a", "/b", "rbind", "rprivate", type="none"),
        _mount("/a", "/b", "bind", type="bind"),
        _mount("tmpfs", "/b", "size=64k", "mode=1777", type="tmpfs"),
        _mount("proc", "/proc", type="proc"),
    ],
)
def test_usual_mounts_are_fine(mount: Mount) -> None:
    assert lint_mount(mount) == []


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        (_mount("/a", "/b"), WITHOUT_BIND),
        (_mount("/a", "/b", "ro"), WITHOUT_BIND),
        (_mount("/a", "/b", type="none"), WITHOUT_BIND),
        (_mount("/a", "/b", type="bind"), WITHOUT_BIND),
        (
            _mount("a", "/b", "bind"),
            (
                "relative-host-path",
                "hostPath",
                "'a' starts at whatever directory the runtime is in; give the whole "
                "path, from '/' on",
            ),
        ),
        (
            _mount("/a", "../b", "bind"),
            (
                "relative-container-path",
                "containerPath",
                "'../b' is no absolute path; most runtimes take it from '/' on: "
                "write '/b'",
            ),
        ),
        (
            _mount("/a", "/b/", "bind"),
            (
                "unclean-path",
                "containerPath",
                "'/b/' is '/b', but runtimes compare paths letter by letter: what "
                "stands there already isn't replaced",
            ),
        ),
        (
            _mount("/a", "//b", "bind"),
            (
                "unclean-path",
                "containerPath",
                "'//b' is '/b', but runtimes compare paths letter by letter: what "
                "stands there already isn't replaced",
            ),
        ),
        (
            _mount("/a", "/", "bind"),
            (
                "mount-over-root",
                "containerPath",
                "it hides all that the image has; mount on a directory below '/'",
            ),
        ),
        (
            _mount("/a", "/b", "bind", "readonly"),
            (
                "unknown-mount-option",
                "options[1]",
                "'readonly' is no option of a bind mount, and runc refuses it; write "
                "'ro'",
            ),
        ),
        (
            _mount("/a", "/b", "bind", "mode=755"),
            (
                "unknown-mount-option",
                "options[1]",
                "'mode=755' is no option of a bind mount, and runc refuses it",
            ),
        ),
        (
            _mount("/a", "/b", "rw", "bind", "ro"),
            (
                "contradicting-options",
                "options[2]",
                "'rw' and 'ro' exclude each other; 'ro' counts",
            ),
        ),
    ],
)
def test_a_doubtful_mount_has_one_finding(mount: Mount, expected: Said) -> None:
    assert said(lint_mount(mount)) == [expected]


def test_options_in_one_text_are_no_options() -> None:
    assert said(lint_mount(_mount("/a", "/b", "bind", "ro,nosuid"))) == [
        (
            "unknown-mount-option",
            "options[1]",
            "'ro,nosuid' is no option of a bind mount, and runc refuses it; each "
            "option is an item of the list",
        )
    ]
    assert said(lint_mount(_mount("/a", "/b", "bind,ro"))) == [WITHOUT_BIND]
