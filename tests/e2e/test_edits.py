"""Every kind of edit, as a process in the running container finds it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import specs
from tests.e2e.node import Node

RESOLVE = {"injection": "resolve"}
"""The runtime's own CDI support, which has other specs here, is left out of it."""

DEVICE = f"{specs.KIND}=one"
MARK_S = 5
POLL_S = 0.02

# Says where it runs, and notes what it got: its arguments, environment and input.
HOOK = """\
#!/bin/sh
{ echo "args: $*"; echo "env: $MARK"; cat; } >"$TARGET.part"
mv "$TARGET.part" "$TARGET"
"""
# How opening a device that has no driver fails, if the cgroup lets it come so far.
LET_THROUGH = "No such device or address"
KEPT_OUT = "Operation not permitted"

HOOK_PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"


def give(node: Node, device: specs.Edits, **spec: Any) -> None:
    """Define the one device of a test."""
    specs.write(node.spec_dir / "one.json", specs.spec({"one": device}, **spec))


def hook(node: Node, stage: str, *args: str) -> tuple[Path, dict[str, Any]]:
    """A hook, and the file that it leaves."""
    program = node.folder / "hook"
    if not program.exists():
        specs.make_program(program, HOOK)
    mark = node.folder / f"{stage}.mark"
    return mark, {
        "hookName": stage,
        "path": str(program),
        "args": ["hook", *args],
        "env": [HOOK_PATH, f"TARGET={mark}", f"MARK={stage} ran"],
        "timeout": 10,
    }


def read_mark(mark: Path) -> tuple[str, str, dict[str, Any]]:
    """What a hook has left: its arguments, environment and the container's state."""
    deadline = time.monotonic() + MARK_S
    while not mark.exists():
        assert time.monotonic() < deadline, f"no {mark.name} within {MARK_S} s"
        time.sleep(POLL_S)
    args, env, state = mark.read_text().split("\n", 2)
    return args, env, json.loads(state)


def test_a_device_with_every_kind_of_edit_arrives_whole(node: Node) -> None:
    char = specs.make_node(node.folder / "host-char", "c", 1, 5)
    block = specs.make_node(node.folder / "host-block", "b", 7, 211)
    file = specs.make_file(node.folder / "library.so", "of the host")
    specs.make_file(node.folder / "data/deep/file", "in a folder")
    created, create = hook(node, "createContainer", "one argument", "two")
    stopped, stop = hook(node, "poststop")
    give(
        node,
        {
            "env": ["COLOUR=blue", "EMPTY=", "EQUATION=a=b"],
            "deviceNodes": [
                {
                    "path": "/dev/given/char",
                    "hostPath": str(char),
                    "uid": 1000,
                    "gid": 44,
                    "fileMode": 0o640,
                },
                {"path": "/dev/given/block", "hostPath": str(block), "type": "b"},
            ],
            "mounts": [
                {
                    "hostPath": str(file),
                    "containerPath": "/opt/given/library.so",
                    "options": ["ro", "nosuid", "nodev", "bind"],
                },
                {
                    "hostPath": str(node.folder / "data"),
                    "containerPath": "/opt/given/data",
                    "options": ["rw", "rbind"],
                },
            ],
            "hooks": [create],
        },
        edits={"env": ["SHAPE=round", "COLOUR=red"], "hooks": [stop]},
    )

    with node.running(DEVICE) as container:
        nodes = container.shell(
            "stat -c '%F %t:%T %a %u:%g' /dev/given/char /dev/given/block"
        )
        env = container.env()
        library = container.output("/bin/cat", "/opt/given/library.so")
        container.shell("echo changed >/opt/given/data/deep/file")
        read_only = container.shell("echo no >/opt/given/library.so || echo refused")
        options = container.shell("grep ' /opt/given/library.so ' /proc/mounts")
        not_stopped = stopped.exists()

    assert nodes.splitlines() == [
        "character special file 1:5 640 1000:44",
        "block special file 7:d3 666 0:0",
    ]
    assert (env["COLOUR"], env["EMPTY"], env["EQUATION"]) == ("blue", "", "a=b")
    assert env["SHAPE"] == "round"
    assert library == "of the host"
    assert (node.folder / "data/deep/file").read_text() == "changed\n"
    assert read_only == "refused\n"
    assert {"ro", "nosuid", "nodev"} <= set(options.split()[3].split(","))
    args, said, state = read_mark(created)
    assert args == "args: one argument two"
    assert said == "env: createContainer ran"
    assert (state["id"], state["status"]) == (container.id, "creating")
    assert not not_stopped
    assert read_mark(stopped)[2]["status"] == "stopped"


def test_hooks_of_every_stage_run(node: Node) -> None:
    on_host = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"]
    hooks = [hook(node, stage) for stage in on_host]
    # This one runs in the container, and so does its program.
    inside = {
        "hookName": "startContainer",
        "path": "/bin/touch",
        "args": ["touch", "/tmp/started"],
    }
    give(node, {"hooks": [*(each for _, each in hooks), inside]})

    with node.running(DEVICE) as container:
        assert container.has("/tmp/started")

    assert [read_mark(mark)[1] for mark, _ in hooks] == [
        f"env: {stage} ran" for stage in on_host
    ]


def free_major() -> int:
    """A major number of character devices that no driver has."""
    lines = Path("/proc/devices").read_text().partition("\n\n")[0].splitlines()[1:]
    taken = {int(line.split()[0]) for line in lines}
    # Source: Linux, Documentation/admin-guide/devices.txt: local and experimental use.
    return next(major for major in range(240, 255) if major not in taken)


def test_the_device_cgroup_lets_in_what_is_injected_and_nothing_else(
    node: Node,
) -> None:
    major = free_major()
    host = specs.make_node(node.folder / "injected", "c", major, 7)
    give(node, {"deviceNodes": [{"hostPath": str(host), "path": "/dev/injected"}]})
    # Redirection's failure ends a shell, so each attempt has one of its own.
    attempt = "sh -c ': {} /dev/{}' 2>&1 || true"

    with node.running(DEVICE) as container:
        container.shell(
            f"mknod /dev/other c {major} 8; cd /dev; mknod same c {major} 7"
        )
        said = {
            (mode, name): container.shell(attempt.format(mode, name))
            for mode in ("<", ">>", "<>")
            for name in ("injected", "same", "other")
        }

    for (mode, name), message in said.items():
        wanted = KEPT_OUT if name == "other" else LET_THROUGH
        assert wanted in message, (mode, name)


def test_an_injected_device_can_be_read_and_written(node: Node) -> None:
    zero = specs.make_node(node.folder / "zero", "c", 1, 5)
    give(node, {"deviceNodes": [{"hostPath": str(zero), "path": "/dev/given"}]})

    with node.running(DEVICE) as container:
        read = container.shell("head -c 3 /dev/given | od -An -tx1")
        container.shell("echo text >/dev/given")

    assert read.split() == ["00", "00", "00"]


def test_nodes_belong_to_the_user_of_the_container_where_its_runtime_tells(
    node: Node,
) -> None:
    null = specs.make_node(node.folder / "null", "c", 1, 3)
    nodes = [
        {"hostPath": str(null), "path": "/dev/given/plain"},
        {"hostPath": str(null), "path": "/dev/given/owned", "uid": 7, "gid": 8},
    ]
    give(node, {"deviceNodes": nodes})

    with node.running(DEVICE, run_as_user=1000, run_as_group=1000) as container:
        said = container.shell(
            "id -u; stat -c '%u:%g' /dev/given/plain /dev/given/owned"
        )
        container.shell("echo text >/dev/given/plain")

    plain = "1000:1000" if node.runtime.capabilities.container_user else "0:0"
    assert said.split() == ["1000", plain, "7:8"]


def test_a_node_follows_its_host_device(node: Node) -> None:
    host = specs.make_node(node.folder / "host", "c", 1, 3)
    give(node, {"deviceNodes": [{"hostPath": str(host), "path": "/dev/given"}]})
    numbers = []
    for minor in (3, 7):
        host.unlink()
        specs.make_node(host, "c", 1, minor)
        with node.running(DEVICE) as container:
            numbers.append(container.output("/bin/stat", "-c", "%t:%T", "/dev/given"))

    assert numbers == ["1:3\n", "1:7\n"]


@pytest.mark.parametrize("settings", [RESOLVE], ids=["resolve"])
def test_a_node_gives_less_than_all_access_or_nothing_at_all(node: Node) -> None:
    host = specs.make_node(node.folder / "host", "c", free_major(), 7)
    given = {"hostPath": str(host), "path": "/dev/given", "permissions": "r"}
    give(node, {"deviceNodes": [given]})

    if node.runtime.capabilities.device_rules:
        with node.running(DEVICE) as container:
            read = container.shell("sh -c ': </dev/given' 2>&1 || true")
            write = container.shell("sh -c ': >>/dev/given' 2>&1 || true")
        assert LET_THROUGH in read
        assert KEPT_OUT in write
    else:
        assert (
            f"{where(node)}: deviceNodes[0]: {node.runtime} can't give less than read "
            "and write access to '/dev/given'; "
            "it needs NRI 0.10 (containerd 2.2.0, CRI-O 1.34)"
        ) in node.refusal(DEVICE)


@pytest.mark.parametrize("settings", [RESOLVE], ids=["resolve"])
@pytest.mark.parametrize(
    ("capability", "edits", "words", "config"),
    [
        (
            "net_devices",
            {"netDevices": [{"hostInterfaceName": "nri-cdi0", "name": "net0"}]},
            "netDevices[0]: {runtime} can't move network devices; it needs NRI 0.11 "
            "(containerd 2.2.1, CRI-O 1.35)",
            {"netDevices": {"nri-cdi0": {"name": "net0"}}},
        ),
        (
            "rdt",
            {"intelRdt": {"closID": "guaranteed", "enableMonitoring": True}},
            "intelRdt: {runtime} can't set more of Intel RDT than a closID; it needs "
            "NRI 0.11 (containerd 2.2.1, CRI-O 1.35)",
            {"intelRdt": {"closID": "guaranteed", "enableMonitoring": True}},
        ),
        (
            "no release has it",
            {"additionalGids": [44]},
            "additionalGids[0]: {runtime} can't add group 44 to a process through NRI; "
            "let the gid or fileMode of the device node give the access",
            {},
        ),
    ],
    ids=["netDevices", "intelRdt", "additionalGids"],
)
def test_what_the_runtime_can_not_carry_out_is_refused_with_the_reason(
    node: Node,
    capability: str,
    edits: specs.Edits,
    words: str,
    config: dict[str, Any],
) -> None:
    give(node, edits, version="1.1.0")

    if getattr(node.runtime.capabilities, capability, False):
        with node.created(DEVICE) as container:
            linux = container.config()["linux"]
        assert {key: linux.get(key) for key in config} == config
    else:
        message = f"{where(node)}: {words.format(runtime=node.runtime)}"
        assert message in node.refusal(DEVICE)


def where(node: Node) -> str:
    """How a message names the one device of a test, and its place."""
    return f"device {DEVICE} ({node.spec_dir / 'one.json'})"
