"""Device nodes completed with what the host knows."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nri_cdi.cdi.devnodes import DeviceNodeError, ResolvedNode, resolve_node
from nri_cdi.cdi.model import DeviceNode
from nri_cdi.errors import RequestError

Lstat = Callable[[str], os.stat_result]


def _status(
    kind: int, mode: int = 0o640, major: int = 0, minor: int = 0
) -> os.stat_result:
    fields = [kind | mode, *[0] * 9]
    return os.stat_result(fields, {"st_rdev": os.makedev(major, minor)})


HOST = {
    "/dev/char": _status(stat.S_IFCHR, 0o640, 10, 20),
    "/dev/block": _status(stat.S_IFBLK, 0o4660, 8, 1),
    "/dev/fifo": _status(stat.S_IFIFO, 0o600),
    "/dev/link": _status(stat.S_IFLNK, 0o777),
    "/dev/file": _status(stat.S_IFREG, 0o644),
}


def _host(asked: list[str] | None = None) -> Lstat:
    def lstat(path: str) -> os.stat_result:
        if asked is not None:
            asked.append(path)
        if "\0" in path:
            raise ValueError("embedded null byte")
        if path == "/dev/broken":
            raise OSError
        if path not in HOST:
            raise FileNotFoundError(2, "No such file or directory")
        return HOST[path]

    return lstat


def _resolved(path: str, **rest: Any) -> ResolvedNode:
    blank = {
        "major": 0,
        "minor": 0,
        "file_mode": None,
        "permissions": "",
        "uid": None,
        "gid": None,
    }
    return ResolvedNode(path=path, **{**blank, **rest})


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (
            DeviceNode(path="/dev/char"),
            _resolved("/dev/char", type="c", major=10, minor=20, file_mode=0o640),
        ),
        (
            DeviceNode(
                path="/dev/x", host_path="/dev/block", uid=0, gid=7, permissions="r"
            ),
            _resolved(
                "/dev/x",
                type="b",
                major=8,
                minor=1,
                file_mode=0o4660,
                uid=0,
                gid=7,
                permissions="r",
            ),
        ),
        (
            DeviceNode(path="/dev/char", type="c", file_mode=0o600),
            _resolved("/dev/char", type="c", major=10, minor=20, file_mode=0o600),
        ),
        (
            # A minor without a major is the host's all the same.
            DeviceNode(path="/dev/char", minor=5),
            _resolved("/dev/char", type="c", major=10, minor=20, file_mode=0o640),
        ),
        (
            DeviceNode(path="/dev/char", major=9),
            _resolved("/dev/char", type="c", major=9, minor=0, file_mode=0o640),
        ),
        (
            DeviceNode(path="/dev/char", major=9, minor=3),
            _resolved("/dev/char", type="c", major=9, minor=3, file_mode=0o640),
        ),
        (
            # With a type and a major, the host isn't compared.
            DeviceNode(path="/dev/block", type="c", major=9),
            _resolved("/dev/block", type="c", major=9, file_mode=0o4660),
        ),
        (
            DeviceNode(path="/dev/char", type="u", major=9),
            _resolved("/dev/char", type="u", major=9, file_mode=0o640),
        ),
        (
            DeviceNode(path="/dev/none", type="c", major=9, minor=3),
            _resolved("/dev/none", type="c", major=9, minor=3),
        ),
        (
            DeviceNode(path="/dev/link", type="b", major=9),
            _resolved("/dev/link", type="b", major=9),
        ),
        (DeviceNode(path="/dev/none", type="p"), _resolved("/dev/none", type="p")),
        (
            DeviceNode(path="/dev/fifo", type="p"),
            _resolved("/dev/fifo", type="p", file_mode=0o600),
        ),
        (
            DeviceNode(path="/dev/fifo", minor=3),
            _resolved("/dev/fifo", type="p", minor=3, file_mode=0o600),
        ),
    ],
)
def test_what_a_node_lacks_comes_from_the_host(
    node: DeviceNode, expected: ResolvedNode
) -> None:
    assert resolve_node(node, _host()) == expected


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (DeviceNode(path="/dev/none"), "no such file or directory"),
        (DeviceNode(path="/dev/a", host_path="/dev/none"), "no such file or directory"),
        (DeviceNode(path="/dev/none", type="c"), "no such file or directory"),
        (DeviceNode(path="/dev/none", type="c", minor=5), "no such file or directory"),
        (DeviceNode(path="/dev/none", major=5), "no such file or directory"),
        (DeviceNode(path="/dev/link"), "not a device node"),
        (DeviceNode(path="/dev/file", type="b"), "not a device node"),
        (DeviceNode(path="/dev/a\0"), "not the name of a file"),
        (DeviceNode(path="/dev/broken"), "unknown error"),
        (DeviceNode(path="/dev/char", type="b"), "it is of type c on the host, not b"),
        (DeviceNode(path="/dev/char", type="u"), "it is of type c on the host, not u"),
        (DeviceNode(path="/dev/fifo", type="c"), "it is of type p on the host, not c"),
    ],
)
def test_a_node_that_the_host_lacks_is_an_error(node: DeviceNode, reason: str) -> None:
    with pytest.raises(DeviceNodeError) as caught:
        resolve_node(node, _host())
    error = caught.value
    assert isinstance(error, RequestError)
    host_path = node.host_path or node.path
    assert (error.path, error.host_path) == (node.path, host_path)
    assert error.reason == reason
    assert str(error) == (
        f"device node {node.path!r}: host path {host_path!r}: {reason}"
    )


@pytest.mark.parametrize(
    ("node", "calls"),
    [
        (DeviceNode(path="/dev/char"), ["/dev/char"]),
        (DeviceNode(path="/dev/a", host_path="/dev/char"), ["/dev/char"]),
        (DeviceNode(path="/dev/char", type="c", major=1), ["/dev/char"]),
        (DeviceNode(path="/dev/char", type="c", major=1, file_mode=0), []),
    ],
)
def test_the_host_is_asked_once_at_most(node: DeviceNode, calls: list[str]) -> None:
    asked: list[str] = []
    resolve_node(node, _host(asked))
    assert asked == calls


def test_a_device_of_this_host_is_resolved(tmp_path: Path) -> None:
    path = str(tmp_path / "fifo")
    os.mkfifo(path, 0o600)
    assert resolve_node(DeviceNode(path=path)) == _resolved(
        path, type="p", file_mode=0o600
    )
    status = os.lstat("/dev/null")
    null = resolve_node(DeviceNode(path="/dev/x", host_path="/dev/null"))
    assert (null.type, null.major, null.minor) == ("c", 1, 3)
    assert null.file_mode == stat.S_IMODE(status.st_mode)
