"""What a watch notices of spec files, and how it lives with races and limits."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from inotify_simple import INotify

from nri_cdi.cdi.watch import Watch
from tests.unit.cdi.node import DEADLINE_MS, Node, populate, rewrite, spec_text

# Ways to put a spec into the directory.


def write(specs: Path, other: Path) -> None:
    (specs / "a.json").write_text(spec_text())


def move_in(specs: Path, other: Path) -> None:
    (other / "spec").rename(specs / "a.json")


def rename_into_place(specs: Path, other: Path) -> None:
    (specs / "spec.1.tmp").write_text(spec_text())
    (specs / "spec.1.tmp").rename(specs / "a.json")


def symlink_in(specs: Path, other: Path) -> None:
    (specs / "a.json").symlink_to(other / "spec")


def hard_link_in(specs: Path, other: Path) -> None:
    (specs / "a.json").hardlink_to(other / "spec")


def link_in_and_unlink(specs: Path, other: Path) -> None:
    hard_link_in(specs, other)
    (other / "spec").unlink()


def link_in_a_nameless_file(specs: Path, other: Path) -> None:
    try:
        fd = os.open(specs, os.O_TMPFILE | os.O_WRONLY)
    except OSError as error:
        pytest.skip(f"no nameless files here: {error}")
    with os.fdopen(fd, "w") as file:
        file.write(spec_text())
        file.flush()
        # With a directory, though it is not used: without one Python does not follow.
        os.link(f"/proc/self/fd/{fd}", specs / "a.json", src_dir_fd=fd)


@pytest.mark.parametrize(
    "put",
    [
        write,
        move_in,
        rename_into_place,
        symlink_in,
        hard_link_in,
        link_in_and_unlink,
        link_in_a_nameless_file,
    ],
)
def test_a_spec_that_arrives_is_noticed(
    node: Node, specs: Path, elsewhere: Path, put: Callable[[Path, Path], None]
) -> None:
    put(specs, elsewhere)
    assert node.notices() == "new"
    assert not node.ready()


# Ways to change or remove the spec that is there.


def replace(path: Path) -> None:
    (path.parent / "other").write_text(spec_text("changed"))
    (path.parent / "other").rename(path)


def move_out(path: Path) -> None:
    path.rename(path.parent.parent / "gone")


CHANGES = [
    (rewrite, "changed"),
    (replace, "changed"),
    (Path.unlink, "unresolvable"),
    (move_out, "unresolvable"),
]


@pytest.mark.parametrize(("change", "env"), CHANGES)
def test_a_spec_that_changes_is_noticed(
    node: Node, specs: Path, elsewhere: Path, change: Callable[[Path], None], env: str
) -> None:
    write(specs, elsewhere)
    assert node.notices() == "new"
    change(specs / "a.json")
    assert node.notices() == env


@pytest.mark.parametrize(("change", "env"), CHANGES)
def test_a_change_of_the_target_of_a_link_is_noticed(
    node: Node, specs: Path, elsewhere: Path, change: Callable[[Path], None], env: str
) -> None:
    symlink_in(specs, elsewhere)
    assert node.notices() == "new"
    change(elsewhere / "spec")
    assert node.notices() == env


def test_a_change_through_another_hard_link_is_noticed(
    node: Node, specs: Path, elsewhere: Path
) -> None:
    hard_link_in(specs, elsewhere)
    assert node.notices() == "new"
    rewrite(elsewhere / "spec")
    assert node.notices() == "changed"


def test_a_change_of_mode_is_noticed(node: Node, specs: Path, elsewhere: Path) -> None:
    write(specs, elsewhere)
    assert node.notices() == "new"
    (specs / "a.json").chmod(0o600)
    assert node.notices() == "new"
    specs.chmod(0o700)
    assert node.notices() == "new"


def test_a_new_file_counts_when_its_writer_closes_it(node: Node, specs: Path) -> None:
    with (specs / "a.json").open("w") as file:
        assert node.ready(DEADLINE_MS)
        assert not node.watch.read()
        file.write(spec_text()[:10])
        file.flush()
        assert not node.ready()
        file.write(spec_text()[10:])
    assert node.notices() == "new"


def test_a_file_that_is_written_anew_counts_when_its_writer_closes_it(
    node: Node, specs: Path, elsewhere: Path
) -> None:
    write(specs, elsewhere)
    assert node.notices() == "new"
    with (specs / "a.json").open("w") as file:
        file.write(spec_text("changed"))
        file.flush()
        assert not node.ready()
    assert node.notices() == "changed"


def test_a_new_file_that_is_gone_again_is_a_reason_to_look(
    node: Node, specs: Path
) -> None:
    (specs / "a.json").touch()
    (specs / "a.json").unlink()
    assert node.notices() == "unresolvable"


def test_other_files_are_no_reason_to_look(
    node: Node, specs: Path, elsewhere: Path
) -> None:
    for directory in (specs, specs.parent, specs.parent.parent):
        for name in ("x.tmp", "x.json~", "cdi2", ".cdi"):
            (directory / name).write_text("x")
            (directory / name).rename(directory / f"{name}2")
            (directory / f"{name}2").unlink()
    assert node.ready(DEADLINE_MS)
    assert not node.watch.read()


def test_content_in_parent_directories_does_not_even_wake(specs: Path) -> None:
    busy = specs.parent / "busy.json"
    busy.touch()
    node = Node(specs)
    with node.watch:
        busy.write_text("x")
        assert not node.ready()


# Races between looking and watching.


def before_each_watch(
    monkeypatch: pytest.MonkeyPatch, action: Callable[[str], None]
) -> None:
    add_watch = INotify.add_watch

    def act_and_add_watch(inotify: INotify, path: str, mask: int) -> int:
        action(path)
        wd: int = add_watch(inotify, path, mask)
        return wd

    monkeypatch.setattr(INotify, "add_watch", act_and_add_watch)


def test_a_directory_replaced_while_watches_are_set_up_is_watched(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace_once(path: str) -> None:
        if path == str(specs) and not (tmp_path / "away").exists():
            specs.rename(tmp_path / "away")
            specs.mkdir()

    before_each_watch(monkeypatch, replace_once)
    node = Node(specs)
    with node.watch:
        (specs / "a.json").write_text(spec_text())
        assert node.notices() == "new"


def test_a_directory_removed_while_watches_are_set_up_is_expected_back(
    specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove_once(path: str) -> None:
        if path == str(specs):
            specs.rmdir()

    before_each_watch(monkeypatch, remove_once)
    node = Node(specs)
    monkeypatch.undo()
    with node.watch:
        assert not node.watch.needs_polling
        populate(specs)
        assert node.notices() == "new"


def test_directories_that_never_stand_still_are_polled(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace_always(path: str) -> None:
        if path == str(specs):
            specs.rename(tmp_path / f"away{len(list(tmp_path.iterdir()))}")
            specs.mkdir()

    before_each_watch(monkeypatch, replace_always)
    with Watch([str(specs)]) as watch:
        assert watch.needs_polling
        assert watch.problem == (
            "the spec directories change faster than they can be watched"
        )
        monkeypatch.undo()
        assert watch.read()
        assert not watch.needs_polling


# Limits.


def test_a_queue_that_overflowed_is_a_reason_to_look(node: Node, specs: Path) -> None:
    length = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if length > 100_000:
        pytest.skip(f"a queue of {length} events is too long to fill")
    files = (specs / "x.tmp", specs / "y.tmp")
    for file in files:
        file.touch()
    for number in range(length + 1):
        os.utime(files[number % 2])
    (specs / "a.json").write_text(spec_text())
    assert node.notices() == "new"
    rewrite(specs / "a.json")
    assert node.notices() == "changed"


def test_without_inotify_the_directories_are_polled(specs: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    with Watch([]):
        pass  # the C library is loaded once, and is not what fails here
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        watch = Watch([str(specs)])
        assert watch.needs_polling
        assert watch.problem == (
            "can't use inotify: too many open files, "
            "see fs.inotify.max_user_instances and RLIMIT_NOFILE"
        )
        assert watch.fileno() == -1
        assert watch.read()
        assert watch.check()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with watch:
        assert watch.read()
        assert not watch.needs_polling
        assert watch.fileno() >= 0
        (specs / "a.json").write_text(spec_text())
        assert watch.read()


def test_what_cannot_be_watched_is_polled(
    specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhaust(path: str) -> None:
        if path == str(specs):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before_each_watch(monkeypatch, exhaust)
    with Watch([str(specs)]) as watch:
        assert watch.problem == (
            f"can't watch {specs}: no space left on device, "
            "see fs.inotify.max_user_watches"
        )
        assert watch.read()
        assert watch.needs_polling
        monkeypatch.undo()
        assert watch.read()
        assert not watch.needs_polling
        assert not watch.read()


# Its life.


def test_nothing_happened_is_no_reason_to_look(node: Node) -> None:
    assert not node.watch.read()
    assert not node.watch.check()


def test_a_check_takes_events_as_well(node: Node, specs: Path, elsewhere: Path) -> None:
    write(specs, elsewhere)
    assert node.watch.check()
    assert not node.ready()


def test_a_check_finds_what_came_without_an_event(
    node: Node, specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a mount does; here the events are there, and kept back.
    with monkeypatch.context() as patch:
        patch.setattr(INotify, "read", lambda inotify, timeout: [])
        specs.rename(tmp_path / "away")
        populate(specs)
        assert node.watch.check()
        assert not node.watch.check()
    rewrite(specs / "a.json")
    assert node.notices() == "changed"


def test_a_closed_watch_is_silent(specs: Path, elsewhere: Path) -> None:
    watch = Watch([str(specs)])
    watch.close()
    watch.close()
    write(specs, elsewhere)
    assert watch.fileno() == -1
    assert not watch.read()
    assert not watch.check()
    assert not watch.needs_polling


def test_a_watch_leaves_no_descriptor_behind() -> None:
    before = descriptors()
    for _ in range(200):  # a user has 128 instances, unless it was configured
        Watch(["/"]).close()
    assert descriptors() == before


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
