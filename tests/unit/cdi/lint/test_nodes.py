"""Device nodes that can't be made, or not as they were meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.lint.nodes import lint_node
from nri_cdi.cdi.model import DeviceNode
from tests.unit.cdi.lint.said import Said, said

NO_EFFECT = (
    "minor 5 has no effect without a major: both are taken from the host; give both "
    "or none"
)
OLD_LIBRARIES = (
    "container-device-interface up to 1.1.0, which Docker, Podman and CRI-O have, "
    "refuses a file with 'none' in it"
)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"host_path": "/dev/b", "type": "c", "major": 4095, "minor": 1048575},
        {"type": "p"},
        {"type": "p", "minor": 5},
        {"type": "u", "major": 1},
        {"major": 195},
        {"file_mode": 0o660, "permissions": "rrw"},
    ],
)
def test_usual_nodes_are_fine(fields: dict[str, Any]) -> None:
    assert lint_node(DeviceNode(path="/dev/a", **fields)) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"path": "dev/a"},
            (
                "relative-host-path",
                "path",
                "'dev/a' starts at whatever directory the runtime is in; give the "
                "whole path, from '/' on",
            ),
        ),
        (
            {"path": "dev/a", "type": "c", "major": 1},
            (
                "relative-container-path",
                "path",
                "'dev/a' is no absolute path; most runtimes take it from '/' on: "
                "write '/dev/a'",
            ),
        ),
        (
            {"path": "dev/a", "host_path": "/dev/a"},
            (
                "relative-container-path",
                "path",
                "'dev/a' is no absolute path; most runtimes take it from '/' on: "
                "write '/dev/a'",
            ),
        ),
        (
            {"path": "/dev/a", "host_path": "a"},
            (
                "relative-host-path",
                "hostPath",
                "'a' starts at whatever directory the runtime is in; give the whole "
                "path, from '/' on",
            ),
        ),
        (
            {"path": "/dev//a"},
            (
                "unclean-path",
                "path",
                "'/dev//a' is '/dev/a', but runtimes compare paths letter by letter: "
                "what stands there already isn't replaced",
            ),
        ),
        (
            {"path": "/dev/a", "type": "u"},
            (
                "unusable-node-type",
                "type",
                "no node of a host is of type 'u'; write 'c', or give its major too",
            ),
        ),
        ({"path": "/dev/a", "minor": 5}, ("ignored-minor", "minor", NO_EFFECT)),
        (
            {"path": "/dev/a", "type": "b", "minor": 5},
            ("ignored-minor", "minor", NO_EFFECT),
        ),
        (
            {"path": "/dev/a", "major": 4096},
            (
                "device-number",
                "major",
                "no device has the major 4096; it is from 0 to 4095",
            ),
        ),
        (
            {"path": "/dev/a", "major": 1, "minor": -1},
            (
                "device-number",
                "minor",
                "no device has the minor -1; it is from 0 to 1048575",
            ),
        ),
        (
            {"path": "/dev/a", "file_mode": 666},
            (
                "file-mode-base",
                "fileMode",
                "666 is decimal, and 01232 in octal; for the permissions 0666 write "
                "438 (in YAML also 0666)",
            ),
        ),
        (
            {"path": "/dev/a", "file_mode": 0o20666},
            (
                "file-mode-bits",
                "fileMode",
                "8630 (020666 in octal) has more than permission bits in it; write "
                "438 (0666 in octal)",
            ),
        ),
        (
            {"path": "/dev/a", "file_mode": 0},
            (
                "file-mode-bits",
                "fileMode",
                "0 lets nobody but root open the node; 438 is 0666 in octal",
            ),
        ),
        (
            {"path": "/dev/a", "permissions": "none"},
            ("permissions-none", "permissions", OLD_LIBRARIES),
        ),
    ],
)
def test_a_doubtful_node_has_one_finding(fields: Any, expected: Said) -> None:
    assert said(lint_node(DeviceNode(**fields))) == [expected]


def _octal_meant(mode: int) -> bool:
    findings = lint_node(DeviceNode(path="/dev/a", file_mode=mode))
    return any(finding.rule == "file-mode-base" for finding in findings)


@pytest.mark.parametrize("digits", [440, 444, 600, 640, 644, 660, 664, 666, 755, 777])
def test_modes_that_were_written_as_octal_are_found(digits: int) -> None:
    assert _octal_meant(digits)
    assert not _octal_meant(int(str(digits), 8))


@pytest.mark.parametrize("mode", [0o620, 0o400, 0o1777, 12, 7, 888, 99999])
def test_other_modes_are_not_taken_for_octal(mode: int) -> None:
    assert not _octal_meant(mode)


@given(st.integers(0, 7), st.integers(0, 7), st.integers(0, 7))
def test_a_mode_that_takes_from_group_and_others_is_never_in_the_wrong_base(
    owner: int, group: int, other: int
) -> None:
    owner |= 4
    group &= owner
    mode = owner << 6 | group << 3 | (other & group)
    assert not _octal_meant(mode)
