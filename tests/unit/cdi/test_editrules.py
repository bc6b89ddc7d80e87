"""What makes a block of edits valid."""

from __future__ import annotations

from typing import Any

import pytest

from nri_cdi.cdi.editrules import validate_edits
from nri_cdi.cdi.model import (
    ContainerEdits,
    DeviceNode,
    Hook,
    IntelRdt,
    LinuxNetDevice,
    Mount,
)
from nri_cdi.errors import Problem


def _node(path: str = "/dev/a", **rest: Any) -> ContainerEdits:
    return ContainerEdits(device_nodes=(DeviceNode(path=path, **rest),))


def _mount(
    host_path: str = "/a", container_path: str = "/b", **rest: Any
) -> ContainerEdits:
    mount = Mount(host_path=host_path, container_path=container_path, **rest)
    return ContainerEdits(mounts=(mount,))


def _hook(
    hook_name: str = "prestart", path: str = "/bin/a", **rest: Any
) -> ContainerEdits:
    return ContainerEdits(hooks=(Hook(hook_name=hook_name, path=path, **rest),))


def _rdt(clos_id: str) -> ContainerEdits:
    return ContainerEdits(intel_rdt=IntelRdt(clos_id=clos_id))


def _net(*pairs: tuple[str, str]) -> ContainerEdits:
    return ContainerEdits(
        net_devices=tuple(
            LinuxNetDevice(host_interface_name=host, name=name) for host, name in pairs
        )
    )


@pytest.mark.parametrize(
    "edits",
    [
        ContainerEdits(),
        ContainerEdits(env=("A=b", "B=", "C=d=e", "a b=\n")),
        _node(),
        _node("relative"),
        *(_node(type=kind) for kind in ("", "b", "c", "u", "p")),
        *(
            _node(permissions=letters)
            for letters in ("", "r", "rwm", "mrw", "rrr", "none")
        ),
        _node(major=-(2**63), minor=2**63 - 1, uid=0, gid=2**32 - 1, file_mode=0o666),
        _mount(options=("ro", "bind"), type="none"),
        *(
            _hook(name)
            for name in (
                "prestart",
                "createRuntime",
                "createContainer",
                "startContainer",
                "poststart",
                "poststop",
            )
        ),
        _hook(path="relative", args=("a", ""), env=("A=b",), timeout=-1),
        _net(("eth0", "net0"), ("eth1", "eth0")),
        *(_rdt(name) for name in ("", "/", "a.b", "...", "x" * 4095)),
        ContainerEdits(additional_gids=(0, 5, 5, 2**32 - 1)),
    ],
)
def test_valid_edits_have_no_problems(edits: ContainerEdits) -> None:
    assert validate_edits(edits) == []


_NUL = "the text has a NUL character in it"
_HOOKS = "prestart, createRuntime, createContainer, startContainer, poststart, poststop"
INVALID = [
    (
        ContainerEdits(env=("",)),
        "invalid-env",
        "env[0]",
        "environment variable '' is not NAME=value",
    ),
    (
        ContainerEdits(env=("A=b", "FOO")),
        "invalid-env",
        "env[1]",
        "environment variable 'FOO' is not NAME=value",
    ),
    (
        ContainerEdits(env=("=secret",)),
        "invalid-env",
        "env[0]",
        "environment variable '=...' is not NAME=value",
    ),
    (ContainerEdits(env=("A=\0",)), "nul-character", "env[0]", _NUL),
    (_node(""), "empty-path", "deviceNodes[0].path", "path is missing or empty"),
    (_node("/a\0"), "nul-character", "deviceNodes[0].path", _NUL),
    (_node(host_path="\0"), "nul-character", "deviceNodes[0].hostPath", _NUL),
    (
        _node(type="a"),
        "invalid-device-type",
        "deviceNodes[0].type",
        "device type 'a' is not b, c, u or p",
    ),
    (
        _node(type="cc"),
        "invalid-device-type",
        "deviceNodes[0].type",
        "device type 'cc' is not b, c, u or p",
    ),
    (
        _node(permissions="x"),
        "invalid-permissions",
        "deviceNodes[0].permissions",
        "permissions 'x' are not 'none' or letters of 'rwm'",
    ),
    (
        _node(permissions="rxw"),
        "invalid-permissions",
        "deviceNodes[0].permissions",
        "permissions 'rxw' are not 'none' or letters of 'rwm'",
    ),
    (
        _node(permissions="None"),
        "invalid-permissions",
        "deviceNodes[0].permissions",
        "permissions 'None' are not 'none' or letters of 'rwm'",
    ),
    (
        _node(major=2**63),
        "out-of-range",
        "deviceNodes[0].major",
        "9223372036854775808 is not in the range "
        "-9223372036854775808 to 9223372036854775807",
    ),
    (
        _node(minor=-(2**63) - 1),
        "out-of-range",
        "deviceNodes[0].minor",
        "-9223372036854775809 is not in the range "
        "-9223372036854775808 to 9223372036854775807",
    ),
    (
        _node(uid=-1),
        "out-of-range",
        "deviceNodes[0].uid",
        "-1 is not in the range 0 to 4294967295",
    ),
    (
        _node(gid=2**32),
        "out-of-range",
        "deviceNodes[0].gid",
        "4294967296 is not in the range 0 to 4294967295",
    ),
    (
        _node(file_mode=-1),
        "out-of-range",
        "deviceNodes[0].fileMode",
        "-1 is not in the range 0 to 4294967295",
    ),
    (
        _net(("", "a")),
        "empty-interface-name",
        "netDevices[0].hostInterfaceName",
        "hostInterfaceName is missing or empty",
    ),
    (
        _net(("a", "")),
        "empty-interface-name",
        "netDevices[0].name",
        "name is missing or empty",
    ),
    (_net(("a\0", "b")), "nul-character", "netDevices[0].hostInterfaceName", _NUL),
    (
        _net(("a", "b"), ("a", "c")),
        "duplicate-interface",
        "netDevices[1].hostInterfaceName",
        "netDevices[0] has the hostInterfaceName 'a' already",
    ),
    (
        _net(("a", "c"), ("b", "c")),
        "duplicate-interface",
        "netDevices[1].name",
        "netDevices[0] has the name 'c' already",
    ),
    (
        _hook("preStart"),
        "invalid-hook-name",
        "hooks[0].hookName",
        f"hook name 'preStart' is not one of {_HOOKS}",
    ),
    (
        _hook(""),
        "invalid-hook-name",
        "hooks[0].hookName",
        f"hook name '' is not one of {_HOOKS}",
    ),
    (_hook(path=""), "empty-path", "hooks[0].path", "path is missing or empty"),
    (_hook(path="\0"), "nul-character", "hooks[0].path", _NUL),
    (_hook(args=("a", "\0")), "nul-character", "hooks[0].args[1]", _NUL),
    (
        _hook(env=("=v",)),
        "invalid-env",
        "hooks[0].env[0]",
        "environment variable '=...' is not NAME=value",
    ),
    (
        _hook(timeout=2**63),
        "out-of-range",
        "hooks[0].timeout",
        "9223372036854775808 is not in the range "
        "-9223372036854775808 to 9223372036854775807",
    ),
    (_mount(""), "empty-path", "mounts[0].hostPath", "hostPath is missing or empty"),
    (_mount("\0"), "nul-character", "mounts[0].hostPath", _NUL),
    (
        _mount("/a", ""),
        "empty-path",
        "mounts[0].containerPath",
        "containerPath is missing or empty",
    ),
    (_mount("/a", "\0"), "nul-character", "mounts[0].containerPath", _NUL),
    (_mount(type="\0"), "nul-character", "mounts[0].type", _NUL),
    (_mount(options=("ro", "\0")), "nul-character", "mounts[0].options[1]", _NUL),
    (
        _rdt("."),
        "invalid-clos-id",
        "intelRdt.closID",
        "closID '.' can't be the name of a directory",
    ),
    (
        _rdt(".."),
        "invalid-clos-id",
        "intelRdt.closID",
        "closID '..' can't be the name of a directory",
    ),
    (_rdt("a/b"), "invalid-clos-id", "intelRdt.closID", "closID 'a/b' has '/' in it"),
    (_rdt("a\n"), "invalid-clos-id", "intelRdt.closID", r"closID 'a\n' has '\n' in it"),
    (
        _rdt("a\0"),
        "invalid-clos-id",
        "intelRdt.closID",
        r"closID 'a\x00' has '\x00' in it",
    ),
    (
        _rdt("\u00e9" * 2048),
        "invalid-clos-id",
        "intelRdt.closID",
        f"closID '{chr(0xE9) * 64}'... (2048 characters) has over 4095 bytes",
    ),
    (
        ContainerEdits(additional_gids=(1, -1)),
        "out-of-range",
        "additionalGids[1]",
        "-1 is not in the range 0 to 4294967295",
    ),
]


@pytest.mark.parametrize(("edits", "rule", "pointer", "message"), INVALID)
def test_invalid_edits_have_a_problem_each(
    edits: ContainerEdits, rule: str, pointer: str, message: str
) -> None:
    assert validate_edits(edits) == [
        Problem(rule=rule, message=message, pointer=pointer)
    ]


def test_all_problems_of_a_block_are_found() -> None:
    edits = ContainerEdits(
        env=("A", "B"),
        device_nodes=(DeviceNode(path="", type="x", permissions="y"),),
        mounts=(Mount(host_path="", container_path=""),),
    )
    assert [problem.pointer for problem in validate_edits(edits)] == [
        "env[0]",
        "env[1]",
        "deviceNodes[0].path",
        "deviceNodes[0].type",
        "deviceNodes[0].permissions",
        "mounts[0].hostPath",
        "mounts[0].containerPath",
    ]


@pytest.mark.parametrize("number", [1.5, 2.0**70, float("nan"), float("inf")])
def test_what_is_no_int_is_answered_at_once(number: Any) -> None:
    """To look for 1.5 in a range of Python is to go through all of it."""
    for edits in (
        _node(major=number, uid=number),
        _hook(timeout=number),
        ContainerEdits(additional_gids=(number,)),
    ):
        assert {problem.rule for problem in validate_edits(edits)} <= {"out-of-range"}
