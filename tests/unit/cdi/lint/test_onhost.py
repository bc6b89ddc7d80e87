"""What a spec means on a host, compared with what the host has."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.cdi.lint import Host
from nri_cdi.cdi.lint.onhost import lint_on_host
from nri_cdi.cdi.model import ContainerEdits, DeviceNode, Hook, LinuxNetDevice, Mount
from tests.unit.cdi.lint.said import Said, said

NULL = "/dev/null"  # c 1:3 on every Linux
BIND = ("ro", "bind")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host with what an unprivileged user can make."""
    (tmp_path / "dev").mkdir()
    os.mkfifo(tmp_path / "dev" / "fifo")
    (tmp_path / "dev" / "link").symlink_to("fifo")
    (tmp_path / "sys/class/net").mkdir(parents=True)
    (tmp_path / "sys/class/net/eth0").symlink_to("/sys/devices/nowhere")
    (tmp_path / "bin").mkdir()
    for name, mode in (("tool", 0o755), ("text", 0o644), ("open", 0o757)):
        path = tmp_path / "bin" / name
        path.touch()
        path.chmod(mode)
    return tmp_path


def _node(path: str, **rest: Any) -> ContainerEdits:
    return ContainerEdits(device_nodes=(DeviceNode(path=path, **rest),))


def _hook(path: str, name: str = "createRuntime") -> ContainerEdits:
    return ContainerEdits(hooks=(Hook(hook_name=name, path=path),))


def _mount(host_path: str, options: tuple[str, ...] = BIND) -> ContainerEdits:
    mount = Mount(host_path=host_path, container_path="/x", options=options)
    return ContainerEdits(mounts=(mount,))


def _interface(name: str) -> ContainerEdits:
    net_device = LinuxNetDevice(host_interface_name=name, name="net0")
    return ContainerEdits(net_devices=(net_device,))


@pytest.mark.parametrize(
    "edits",
    [
        ContainerEdits(),
        _node("/dev/fifo"),
        _node("/dev/x", host_path="/dev/fifo"),
        _node("/dev/fifo", type="p"),
        _node("/dev/fifo", type="p", major=5, minor=6),
        _node("relative"),
        _hook("/bin/tool"),
        _hook("/nowhere", "startContainer"),
        _hook("relative"),
        _mount("/bin/text"),
        _mount("/bin"),
        _mount("/dev/link"),
        _mount("/nowhere", ("ro",)),
        _mount("relative"),
        _interface("eth0"),
        _interface("a/b"),
        _interface(""),
    ],
)
def test_what_the_host_has_is_fine(root: Path, edits: ContainerEdits) -> None:
    assert lint_on_host(edits, Host(root=str(root))) == []


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        (
            _node("/dev/a"),
            (
                "node-missing",
                "deviceNodes[0].path",
                "there is no '/dev/a' on this host, so containers that want it fail; "
                "is the driver loaded?",
            ),
        ),
        (
            _node("/dev/a", host_path="/dev/fifo/a", type="c"),
            (
                "node-missing",
                "deviceNodes[0].hostPath",
                "there is no '/dev/fifo/a' on this host, so containers that want it "
                "fail; is the driver loaded?",
            ),
        ),
        (
            _node("/dev/link"),
            (
                "node-missing",
                "deviceNodes[0].path",
                "'/dev/link' is a symbolic link, not a device node, so containers "
                "that want it fail; name what it leads to",
            ),
        ),
        (
            _node("/bin"),
            (
                "node-missing",
                "deviceNodes[0].path",
                "'/bin' is no device node on this host, so containers that want it "
                "fail; name one",
            ),
        ),
        (
            _node("/dev/a", type="c", major=5),
            (
                "node-unknown",
                "deviceNodes[0].path",
                "there is no '/dev/a' on this host; containers get one of the numbers "
                "given all the same",
            ),
        ),
        (
            _node("/dev/fifo", type="c", major=5),
            (
                "node-drift",
                "deviceNodes[0].path",
                "'/dev/fifo' is a FIFO on this host, not c 5:0",
            ),
        ),
        (
            _mount("/nowhere"),
            (
                "mount-source-missing",
                "mounts[0].hostPath",
                "there is no '/nowhere' on this host; containers fail without it",
            ),
        ),
        (
            _hook("/nowhere"),
            (
                "hook-missing",
                "hooks[0].path",
                "there is no '/nowhere' on this host; containers fail without it",
            ),
        ),
        *(
            (
                _hook(path),
                (
                    "hook-not-executable",
                    "hooks[0].path",
                    f"{path!r} is no executable file on this host",
                ),
            )
            for path in ("/bin", "/bin/text", "/dev/fifo")
        ),
        (
            _hook("/bin/open"),
            (
                "hook-writable",
                "hooks[0].path",
                "every user may write '/bin/open', which root runs: chmod o-w",
            ),
        ),
        (
            _interface("eth1"),
            (
                "interface-missing",
                "netDevices[0].hostInterfaceName",
                "there is no interface 'eth1' on this host now",
            ),
        ),
    ],
)
def test_what_the_host_does_not_have_so(
    root: Path, edits: ContainerEdits, expected: Said
) -> None:
    assert said(lint_on_host(edits, Host(root=str(root)))) == [expected]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"type": "c"},
        {"type": "c", "major": 1, "minor": 3},
        {"major": 1, "minor": 3},
        {"type": "u", "major": 1, "minor": 3},
        {"minor": 9},
    ],
)
def test_a_node_that_agrees_with_the_host(fields: Any) -> None:
    assert lint_on_host(_node(NULL, **fields), Host()) == []


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"type": "b"}, "of type b"),
        ({"type": "p"}, "a FIFO"),
        ({"major": 1, "minor": 5}, "c 1:5"),
        ({"type": "c", "major": 2, "minor": 3}, "c 2:3"),
        ({"type": "u", "major": 1}, "c 1:0"),
    ],
)
def test_a_node_that_is_another_on_the_host(fields: Any, wanted: str) -> None:
    message = f"'/dev/null' is c 1:3 on this host, not {wanted}"
    assert said(lint_on_host(_node(NULL, **fields), Host())) == [
        ("node-drift", "deviceNodes[0].path", message)
    ]


def test_a_mount_of_a_device_node() -> None:
    message = (
        "'/dev/null' is a device node; a mount gives no right to open it: list it in "
        "deviceNodes"
    )
    assert said(lint_on_host(_mount(NULL), Host())) == [
        ("mounted-device", "mounts[0].hostPath", message)
    ]


@pytest.mark.parametrize(
    ("edits", "pointer"),
    [
        (_node("/ring/a"), "deviceNodes[0].path"),
        (_node("/x", host_path="/ring/a"), "deviceNodes[0].hostPath"),
        (_mount("/ring/a"), "mounts[0].hostPath"),
        (_hook("/ring/a"), "hooks[0].path"),
    ],
)
def test_what_can_not_be_looked_at_is_told(
    root: Path, edits: ContainerEdits, pointer: str
) -> None:
    # A directory that we may not enter would do as well, but root may enter any.
    (root / "ring").symlink_to("ring")
    message = "'/ring/a' can't be looked at: too many levels of symbolic links"
    assert said(lint_on_host(edits, Host(root=str(root)))) == [
        ("unchecked-path", pointer, message)
    ]


def test_without_sysfs_nothing_is_known_of_interfaces(tmp_path: Path) -> None:
    message = "'/sys/class/net' can't be looked at: no such file or directory"
    assert said(lint_on_host(_interface("eth0"), Host(root=str(tmp_path)))) == [
        ("unchecked-path", "netDevices[0].hostInterfaceName", message)
    ]


def test_nothing_is_opened(root: Path) -> None:
    """A FIFO would make a reader wait."""
    assert stat.S_ISFIFO((root / "dev/fifo").stat().st_mode)
    assert lint_on_host(_mount("/dev/fifo"), Host(root=str(root))) == []
