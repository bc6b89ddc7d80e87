"""Processes, as /proc tells them, and which of them are runtimes and plugins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nri_cdi.config import Config
from nri_cdi.doctor.flags import Flags
from nri_cdi.doctor.instances import find_instances
from nri_cdi.doctor.node import Node
from nri_cdi.doctor.processes import processes
from nri_cdi.doctor.programs import is_trusted, told_version
from nri_cdi.doctor.runtimes import daemons
from nri_cdi.doctor.sockets import listening
from tests.unit.doctor.trees import NOW_S, Tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_process_has_its_program_arguments_and_start(tree: Tree) -> None:
    tree.process(7, "containerd", "-c", "x y", program="/usr/bin/containerd", age_s=60)
    [found] = processes(Node(str(tree.root)))
    assert found.program == "/usr/bin/containerd"
    assert found.arguments == ("containerd", "-c", "x y")
    assert (found.pid, found.parent, found.name) == (7, 1, "containerd")
    assert found.started_s == NOW_S - 60
    assert not found.is_replaced


def test_threads_of_the_kernel_and_what_has_ended_are_left_out(tree: Tree) -> None:
    tree.write("/proc/2/cmdline", "")
    tree.write("/proc/3/stat", "")
    tree.write("/proc/self/cmdline", "x\0")
    assert processes(Node(str(tree.root))) == ()


@pytest.mark.parametrize(
    ("program", "arguments", "is_daemon"),
    [
        ("/usr/bin/containerd", ("containerd",), True),
        ("/usr/bin/containerd", ("containerd", "--log-level", "debug"), True),
        ("/usr/bin/containerd", ("containerd", "--config=/x"), True),
        ("/usr/bin/containerd", ("containerd", "--version"), False),
        ("/usr/bin/containerd", ("containerd", "config", "dump"), False),
        ("/usr/bin/containerd-shim-runc-v2", ("containerd-shim-runc-v2",), False),
        ("/var/lib/k3s/data/current/bin/k3s", ("containerd", "-c", "/x"), True),
        ("/var/lib/k3s/data/current/bin/k3s", ("k3s", "server"), False),
        ("/home/me/sh", ("containerd",), False),
    ],
)
def test_a_containerd_is_one_that_serves(
    tree: Tree, program: str, arguments: tuple[str, ...], is_daemon: bool
) -> None:
    tree.process(7, *arguments, program=program)
    found = processes(Node(str(tree.root)))
    assert [each.pid for each in daemons(found, "containerd")] == [7] * is_daemon


def test_what_a_daemon_is_about_to_start_is_not_another_one(tree: Tree) -> None:
    tree.process(7, "containerd", program="/usr/bin/containerd")
    tree.process(8, "containerd", program="/usr/bin/containerd", parent=7)
    found = processes(Node(str(tree.root)))
    assert [each.pid for each in daemons(found, "containerd")] == [7]


PYTHON = "/usr/bin/python3.11"


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((PYTHON, "/usr/bin/nri-cdi", "run"), ("/run/s", False, False)),
        (("/usr/bin/nri-cdi", "run"), ("/run/s", False, False)),
        (
            (PYTHON, "/usr/bin/nri-cdi", "--log-level", "debug", "run"),
            ("/run/s", False, False),
        ),
        (
            (PYTHON, "/x/nri-cdi", "run", "--injection", "auto", "--socket=/a"),
            ("/a", False, False),
        ),
        (
            (PYTHON, "-m", "nri_cdi", "run", "--socket", "/a"),
            ("/a", False, False),
        ),
        ((PYTHON, "/opt/nri/plugins/10-nri-cdi"), ("", True, False)),
        (
            (PYTHON, "/usr/bin/nri-cdi", "run", "--validate-only"),
            ("/run/s", False, True),
        ),
        ((PYTHON, "/usr/bin/nri-cdi", "doctor"), None),
        (("vi", "/etc/nri-cdi/config.yaml"), None),
    ],
)
def test_an_instance_is_known_by_its_arguments(
    tree: Tree, arguments: tuple[str, ...], found: tuple[str, bool, bool] | None
) -> None:
    tree.process(9, *arguments, program=PYTHON)
    node = Node(str(tree.root))
    tree.write("/etc/nri-cdi/config.yaml", "socket: /run/s\n")
    seen = find_instances(node, processes(node), None, Config())
    rows = [(each.socket, each.launched, each.validator) for each in seen]
    assert rows == ([found] if found else [])


def test_an_instance_may_have_a_file_or_a_variable(tree: Tree) -> None:
    tree.write("/etc/other.yaml", "socket: /run/other.sock\n")
    run = (PYTHON, "/usr/bin/nri-cdi", "run", "--config")
    tree.process(8, *run, "/etc/other.yaml")
    tree.process(9, *run, "/nowhere")
    tree.write("/proc/9/environ", "A=b\0NRI_CDI_SOCKET=/run/third.sock\0")
    node = Node(str(tree.root))
    seen = find_instances(node, processes(node), None, Config())
    assert [each.socket for each in seen] == ["/run/other.sock", "/run/third.sock"]


@pytest.mark.parametrize(
    ("flags", "serves"),
    [
        ([], False),
        (["--config", "/etc/ours.yaml"], True),
        (["--socket", "/var/run/s"], True),
        (["--socket", "/run/other"], False),
    ],
)
def test_an_instance_serves_if_its_socket_is_ours(
    tree: Tree, flags: list[str], serves: bool
) -> None:
    tree.running_plugin(*flags)
    node = Node(str(tree.root))
    ours = Config(socket="/run/s")
    [found] = find_instances(node, processes(node), "/etc/ours.yaml", ours)
    assert found.serves is serves


def test_only_sockets_that_listen_count(tree: Tree) -> None:
    tree.containerd()
    node = Node(str(tree.root))
    assert listening(node, 7) == {"/run/nri/nri.sock"}
    tree.containerd(listens=False)
    assert listening(node, 7) == frozenset()


@pytest.mark.parametrize(
    ("output", "version"),
    [
        (
            "containerd github.com/containerd/containerd/v2 2.1.9+unknown \n",
            "2.1.9+unknown",
        ),
        (
            "containerd containerd.io 1.7.27 05044ec0a9a75232cad458027ca83437aae3f4da",
            "1.7.27",
        ),
        ("crio version 1.34.0\nGitCommit: x\n", "1.34.0"),
        ("Docker version 28.5.2+dfsg4, build abc\n", "28.5.2+dfsg4"),
        ("what\n", ""),
        ("", ""),
    ],
)
def test_the_version_is_the_third_word(output: str, version: str) -> None:
    assert told_version(output) == version


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "trusted"),
    [
        (0o755, 0o755, True),
        (0o755, 0o1777, True),
        (0o775, 0o755, False),
        (0o757, 0o755, False),
        (0o755, 0o777, False),
        (0o755, 0o775, False),
    ],
)
def test_a_program_that_others_may_write_is_not_run(
    file_mode: int, folder_mode: int, trusted: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "containerd").touch()
    (folder / "containerd").chmod(file_mode)
    folder.chmod(folder_mode)
    assert is_trusted(str(folder / "containerd")) is trusted


def test_what_is_no_program_is_not_run(tmp_path: Path) -> None:
    assert not is_trusted(str(tmp_path))
    assert not is_trusted(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (("p", "-c", "x", "--d=y", "--on"), [("c", "x"), ("d", "y"), ("on", "")]),
        (("p", "-c"), [("c", "")]),
        (("p", "run", "-c", "x"), [("", "run")]),
        (("p", "--", "x"), [("", "--")]),
        ((), []),
    ],
)
def test_flags_are_read_as_go_does(
    arguments: tuple[str, ...], given: list[tuple[str, str]]
) -> None:
    assert list(Flags(with_value=frozenset("c")).given(arguments)) == given


def status(user: int) -> str:
    return f"Name:\tx\nUid:\t{user}\t{user}\t{user}\t{user}\n"


@pytest.mark.parametrize(("user", "is_ours"), [(os.geteuid(), True), (54321, False)])
def test_who_calls_a_program_so_has_neither_runtime_nor_plugin(
    tree: Tree, user: int, is_ours: bool
) -> None:
    tree.process(7, "/home/me/containerd")
    tree.process(8, "/home/me/nri-cdi", "run")
    for pid in (7, 8):
        # The directory of a process that bars its debugging is root's.
        tree.write(f"/proc/{pid}/status", status(user))
    node = Node(str(tree.root))
    found = processes(node)
    assert [process.owner for process in found] == [user, user]
    assert bool([*daemons(found, "containerd")]) is is_ours
    assert bool(find_instances(node, found, None, Config())) is is_ours


FORGED = (
    "/tmp/x\n0: 1 2 zz 0001 01 12 /y",
    "/tmp/x\n0: 00000002 00000000",
    "/tmp/x\x850: 00000002 00000000 00010000 0001 01 12 /y",
    "/tmp/x\x0c0: 00000002 00000000 00010000 0001 01 12 /y",
    "/tmp/x\n",
)


@pytest.mark.parametrize("path", FORGED)
def test_a_sockets_name_is_no_line_of_the_table(tree: Tree, path: str) -> None:
    tree.containerd(socket=path)
    assert "/y" not in listening(Node(str(tree.root)), 7)
    tree.containerd(socket="/run/nri/nri.sock")
    assert listening(Node(str(tree.root)), 7) == {"/run/nri/nri.sock"}


def test_what_is_no_number_is_no_process(tree: Tree) -> None:
    for name in ("\u00b2", "\u0663", "1" * 200, "0x7"):
        tree.write(f"/proc/{name}/cmdline", "x\0")
    assert processes(Node(str(tree.root))) == ()
