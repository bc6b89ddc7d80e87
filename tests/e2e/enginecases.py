"""Specs and requests that container engines and our own injection are compared by.

``HOST`` stands for a folder of the host with device nodes and files (`furnish`).
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e import specs

HOST = "HOST"
STAGES = (
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
)
# For local use; of no device that could matter. Source: Linux, admin-guide/devices.
LOCAL_CHAR, LOCAL_BLOCK = 240, 241
LARGEST_GID = 2**31 - 1
"""The largest that runc 1.1 takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A spec, and what is asked for.

    ``names`` are devices of the spec, or whole names of another case's. ``options`` are
    the engine's, beside the devices. ``refused`` says that the runtime does not make
    such a container, with us or without.

    The rest is what some engines leave out (`tests.e2e.engines.Habits`): ``modes``, the
    ``fileMode`` that the host has and the spec does not give, by path in the container;
    ``owners``, what nodes get of the ids of the container's user; ``groups``, those
    added; ``propagation``, what podman makes of that of a mount.
    """

    id: str
    devices: Mapping[str, specs.Edits]
    edits: specs.Edits | None = None
    version: str = specs.VERSION
    names: tuple[str, ...] = ("one",)
    options: tuple[str, ...] = ()
    refused: bool = False
    modes: Mapping[str, int] = field(default_factory=dict)
    owners: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    groups: tuple[int, ...] = ()
    propagation: str | None = None

    @property
    def kind(self) -> str:
        return f"{self.id.replace(' ', '-')}.test/device"

    @property
    def requested(self) -> list[str]:
        """The qualified names of the devices."""
        return [each if "=" in each else f"{self.kind}={each}" for each in self.names]

    @property
    def has_mounts(self) -> bool:
        return "containerPath" in json.dumps([self.devices, self.edits])

    def spec(self, host: Path) -> dict[str, Any]:
        """The spec, for a host that has been furnished."""
        content = specs.spec(
            self.devices, kind=self.kind, edits=self.edits, version=self.version
        )
        text = json.dumps(content).replace(HOST, str(host))
        spec: dict[str, Any] = json.loads(text)
        return spec


def furnish(host: Path) -> None:
    """Make what the specs have of the host."""
    specs.make_node(host / "null", "c", 1, 3)
    specs.make_node(host / "zero", "c", 1, 5)
    specs.make_node(host / "block", "b", LOCAL_BLOCK, 7)
    (host / "null").chmod(0o640)
    os.mkfifo(host / "fifo")
    (host / "fifo").chmod(0o600)
    os.mknod(host / "socket", stat.S_IFSOCK | 0o600)
    (host / "link").symlink_to("null")
    specs.make_file(host / "library.so", "of the host")
    specs.make_file(host / "data/b/c/library.so", "mounted on")
    specs.make_file(host / "data/c/library.so", "mounted on")


def _node(path: str, **more: Any) -> dict[str, Any]:
    return {"path": path, **more}


def _bind(source: str, target: str, *options: str) -> dict[str, Any]:
    words = ["ro", "nosuid", "nodev", "bind", *options]
    return {"hostPath": f"{HOST}/{source}", "containerPath": target, "options": words}


def _hook(stage: str, *args: str, **more: Any) -> dict[str, Any]:
    return {"hookName": stage, "path": "/bin/true", "args": ["true", *args], **more}


NULL = f"{HOST}/null"
ZERO = f"{HOST}/zero"

CASES = (
    Case(
        id="every kind of edit",
        devices={
            "one": {
                "env": ["COLOUR=blue", "EMPTY=", "EQUATION=a=b"],
                "deviceNodes": [_node("/dev/given", hostPath=NULL)],
                "hooks": [_hook("createContainer", "--link", "a::b")],
                "mounts": [_bind("library.so", "/usr/lib/library.so")],
            }
        },
        modes={"/dev/given": 0o640},
    ),
    Case(
        id="the edits of a spec once for all of its devices",
        devices={
            "one": {"env": ["ONE=1"], "mounts": [_bind("data", "/opt/one")]},
            "two": {
                "env": ["TWO=2"],
                "deviceNodes": [_node("/dev/two", hostPath=ZERO)],
            },
            "three": specs.env(THREE="3"),
        },
        edits={
            "env": ["SHARED=yes"],
            "deviceNodes": [_node("/dev/shared", hostPath=NULL)],
            "mounts": [_bind("library.so", "/opt/shared.so")],
            "hooks": [_hook("poststop")],
        },
        names=("two", "one"),
        modes={"/dev/shared": 0o640, "/dev/two": specs.NODE_MODE},
    ),
    Case(
        id="devices of two specs in the order asked for",
        devices={"one": specs.env(SHARED="no", ONE="2")},
        names=(
            "one",
            "the-edits-of-a-spec-once-for-all-of-its-devices.test/device=one",
        ),
        modes={"/dev/shared": 0o640},
    ),
    Case(
        id="a later device wins",
        devices={
            "one": {
                "env": ["WINNER=one", "FIRST=1"],
                "deviceNodes": [
                    _node("/dev/given", hostPath=NULL),
                    _node("/dev/other", hostPath=NULL),
                ],
                "mounts": [_bind("library.so", "/opt/given"), _bind("data", "/opt/b")],
            },
            "two": {
                "env": ["SECOND=2", "WINNER=two"],
                "deviceNodes": [_node("/dev/given", hostPath=ZERO, permissions="r")],
                "mounts": [_bind("null", "/opt/given")],
            },
        },
        names=("one", "two"),
        modes={"/dev/given": specs.NODE_MODE, "/dev/other": 0o640},
    ),
    Case(
        id="a node of the host at its own path",
        devices={"one": {"deviceNodes": [_node("/dev/zero")]}},
        modes={"/dev/zero": 0o666},
    ),
    Case(
        id="nodes that the host does not have",
        devices={
            "one": {
                "deviceNodes": [
                    _node("/dev/char", type="c", major=LOCAL_CHAR, minor=1),
                    _node("/dev/block", type="b", major=LOCAL_BLOCK, minor=0),
                    _node("/dev/raw", type="u", major=LOCAL_CHAR, minor=2),
                    _node("/dev/fifo", type="p"),
                ]
            }
        },
    ),
    Case(
        id="nodes whose numbers are not those of the host",
        devices={
            "one": {
                "deviceNodes": [
                    _node("/dev/a", hostPath=NULL, major=LOCAL_CHAR, minor=3),
                    _node("/dev/b", hostPath=NULL, type="b", major=LOCAL_BLOCK),
                    _node("/dev/c", hostPath=NULL, minor=9),
                ]
            }
        },
        modes={"/dev/a": 0o640, "/dev/b": 0o640, "/dev/c": 0o640},
    ),
    Case(
        id="a block device and a fifo of the host",
        devices={
            "one": {
                "deviceNodes": [
                    _node("/dev/disk/given", hostPath=f"{HOST}/block"),
                    _node("/run/given", hostPath=f"{HOST}/fifo"),
                ]
            }
        },
        modes={"/dev/disk/given": specs.NODE_MODE, "/run/given": 0o600},
    ),
    Case(
        id="permissions",
        devices={
            "one": {
                "deviceNodes": [
                    _node(f"/dev/{words}", hostPath=NULL, permissions=words)
                    for words in ("r", "w", "rw", "rm", "rwm", "mrr")
                ]
            }
        },
        modes={
            f"/dev/{words}": 0o640 for words in ("r", "w", "rw", "rm", "rwm", "mrr")
        },
    ),
    Case(
        id="mode and owner of nodes",
        devices={
            "one": {
                "deviceNodes": [
                    _node("/dev/a", hostPath=NULL, fileMode=0o600, uid=1000, gid=44),
                    _node("/dev/b", hostPath=NULL, fileMode=0, uid=0, gid=0),
                    _node("/dev/c", hostPath=NULL, gid=44),
                ]
            }
        },
        modes={"/dev/c": 0o640},
    ),
    Case(
        id="nodes belong to the user of the container",
        devices={
            "one": {
                "deviceNodes": [
                    _node("/dev/a", hostPath=NULL),
                    _node("/dev/b", hostPath=NULL, uid=0, gid=0),
                    _node("/dev/c", hostPath=NULL, uid=7),
                ]
            }
        },
        options=("--user", "1000:1001"),
        modes={"/dev/a": 0o640, "/dev/b": 0o640, "/dev/c": 0o640},
        owners={"/dev/a": {"uid": 1000, "gid": 1001}, "/dev/c": {"gid": 1001}},
    ),
    Case(
        id="hooks of every stage",
        devices={
            "one": {
                "hooks": [
                    _hook(stage, stage, env=["PATH=/bin", f"STAGE={stage}"], timeout=9)
                    for stage in STAGES
                ]
            }
        },
        edits={"hooks": [_hook(stage, "of the spec") for stage in reversed(STAGES)]},
    ),
    Case(
        id="a hook without arguments",
        devices={"one": {"hooks": [{"hookName": "prestart", "path": "/bin/true"}]}},
    ),
    Case(
        id="mounts are sorted by depth",
        devices={
            "one": {
                "mounts": [
                    _bind("library.so", "/mnt/a/b/c/library.so", "rprivate"),
                    _bind("data", "/mnt/a/b"),
                    _bind("data", "/mnt/a"),
                    _bind("data", "/zz", "rslave"),
                    _bind("data", "/aa"),
                    _bind("data", "/mnt/trailing/"),
                ]
            }
        },
        propagation="rslave",
    ),
    Case(
        id="mounts of other types",
        devices={
            "one": {
                "mounts": [
                    {
                        "hostPath": "tmpfs",
                        "containerPath": "/mnt/tmpfs",
                        "type": "tmpfs",
                        "options": ["size=64k", "mode=700"],
                    },
                    {**_bind("data", "/mnt/typed"), "type": "bind"},
                ]
            }
        },
    ),
    Case(
        id="mounts in place of those of the container",
        devices={
            "one": {"mounts": [_bind("data", "/dev/mqueue"), _bind("data", "/opt")]},
        },
    ),
    Case(
        id="mounts beside volumes",
        devices={"one": {"mounts": [_bind("data", "/volume/given")]}},
        options=("--volume", "/usr:/volume/deep/usr:ro", "--tmpfs", "/volume/tmpfs"),
    ),
    Case(
        id="variables of the image and of the command line",
        devices={
            "one": {"env": ["PATH=/bin", "GIVEN=device", "NEW=1", "NEW=2", "SAME=yes"]}
        },
        options=("--env", "GIVEN=command line", "--env", "SAME=yes"),
    ),
    Case(
        id="additional groups",
        version="0.7.0",
        devices={
            "one": {"additionalGids": [44, 0, 1000, 44]},
            "two": {"additionalGids": [1000, 7, LARGEST_GID]},
        },
        edits={"additionalGids": [9]},
        names=("one", "two"),
        options=("--group-add", "44"),
        groups=(9, 1000, 7, LARGEST_GID),
    ),
    Case(
        id="additional groups of a user",
        version="0.7.0",
        devices={"one": {"additionalGids": [1000, 109]}},
        options=("--user", "1000"),
        groups=(109,),
    ),
    Case(
        id="a class of Intel RDT",
        version="0.7.0",
        devices={
            "one": {
                "intelRdt": {
                    "closID": "gold",
                    "l3CacheSchema": "L3:0=f",
                    "memBwSchema": "MB:0=70",
                }
            }
        },
        refused=True,
    ),
    Case(
        id="a privileged container has the node already",
        devices={
            "one": {
                "deviceNodes": [
                    _node("/dev/null", permissions="rw"),
                    _node("/dev/given", hostPath=NULL),
                ]
            }
        },
        options=("--privileged",),
        modes={"/dev/null": 0o666, "/dev/given": 0o640},
    ),
    Case(
        id="a node that the engine was asked for as well",
        devices={"one": {"deviceNodes": [_node("/dev/given", hostPath=NULL)]}},
        options=("--device", "/dev/zero:/dev/given:r", "--device", "/dev/full"),
        modes={"/dev/given": 0o640},
    ),
)

PROBE = Case(
    id="habits of an engine",
    version="0.7.0",
    devices={
        "one": {
            "env": ["PATH=/bin"],
            "deviceNodes": [_node("/dev/given", hostPath=NULL)],
            "mounts": [_bind("data", "/zz"), _bind("data", "/aa")],
            "additionalGids": [109],
        }
    },
    options=("--user", "1000"),
    groups=(109,),
)
"""What engines, or the CDI libraries that they are built with, do differently."""
