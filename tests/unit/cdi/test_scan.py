"""Which files are spec files, and when one of them counts as changed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nri_cdi.cdi.scan import (
    COARSE_TICK_NS,
    SECOND_NS,
    TICK_NS,
    Identity,
    Status,
    identify,
    is_spec_name,
    scan_spec_dirs,
)


def found(*spec_dirs: Path | str) -> list[tuple[int, str]]:
    scan = scan_spec_dirs([str(path) for path in spec_dirs])
    return [(each.priority, each.path) for each in scan.candidates]


def fifo(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    "name", ["vendor.json", "v.yaml", ".hidden.yaml", ".yaml", ".json", "a.json.yaml"]
)
def test_a_spec_has_the_extension_json_or_yaml(name: str) -> None:
    assert is_spec_name(name)


@pytest.mark.parametrize(
    "name",
    ["v.yml", "v.YAML", "v.json.bak", "v.yaml~", "yaml", "v.yaml.", "spec.1.tmp", ""],
)
def test_no_other_extension_is_taken_for_a_spec(name: str) -> None:
    assert not is_spec_name(name)


def test_candidates_come_by_directory_and_then_by_name(tmp_path: Path) -> None:
    low, high = tmp_path / "low", tmp_path / "high"
    for path in (high / "b.yaml", low / "z.json", low / ".a.yaml", low / "no.yml"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert found(low, high) == [
        (0, f"{low}/.a.yaml"),
        (0, f"{low}/z.json"),
        (1, f"{high}/b.yaml"),
    ]


def test_a_directory_is_no_candidate_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "dir.yaml").mkdir()
    (tmp_path / "dir.yaml" / "inner.yaml").touch()
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.symlink_to("/nowhere/at/all"),
        lambda path: path.symlink_to(path),
        lambda path: path.symlink_to(path.parent),
        fifo,
    ],
    ids=["dangling link", "link to itself", "link to a directory", "fifo"],
)
def test_an_odd_entry_is_a_candidate_so_that_its_reader_reports_it(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "odd.yaml")
    assert found(tmp_path) == [(0, f"{tmp_path}/odd.yaml")]


def test_a_missing_directory_is_an_empty_one(tmp_path: Path) -> None:
    scan = scan_spec_dirs([str(tmp_path / "missing"), ""])
    assert (scan.candidates, scan.dir_errors) == ((), {})


def test_a_directory_that_is_a_symlink_is_listed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.yaml").touch()
    (tmp_path / "link").symlink_to("real")
    assert found(tmp_path / "link") == [(0, f"{tmp_path}/link/a.yaml")]


def test_directories_that_cannot_be_listed_hide_no_other(tmp_path: Path) -> None:
    file, loop, good = tmp_path / "file", tmp_path / "loop", tmp_path / "good"
    file.touch()
    loop.symlink_to("loop")
    good.mkdir()
    (good / "a.yaml").touch()
    dirs = [str(file), str(loop), "nul\0", "/\ud800", str(good)]
    scan = scan_spec_dirs(dirs)
    assert scan.dir_errors == {
        str(file): "not a directory",
        str(loop): "too many levels of symbolic links",
        "nul\0": "a null byte can't be part of a path",
        "/\ud800": "half a surrogate pair can't be part of a path",
    }
    assert [each.path for each in scan.candidates] == [f"{good}/a.yaml"]
    assert scan.starved == frozenset()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_a_shortage_of_the_system_is_no_fault_of_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "a.yaml").touch()
    scandir = os.scandir

    def fail_once(path: str) -> object:
        if path.endswith("poor"):
            raise OSError(number, os.strerror(number))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", fail_once)
    poor = f"{tmp_path}/poor"
    scan = scan_spec_dirs([f"{tmp_path}/good", poor])
    assert scan.starved == {1}
    assert scan.dir_errors == {poor: os.strerror(number).lower()}
    assert [each.priority for each in scan.candidates] == [0]


def test_a_directory_listed_twice_counts_where_it_is_last(tmp_path: Path) -> None:
    real, alias, other = tmp_path / "real", tmp_path / "alias", tmp_path / "other"
    real.mkdir()
    other.mkdir()
    (real / "a.yaml").touch()
    alias.symlink_to("real")
    assert found(real, real) == [(1, f"{real}/a.yaml")]
    assert found(real, other, alias) == [(2, f"{alias}/a.yaml")]


def test_an_entry_that_vanishes_after_the_listing_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone.yaml").touch()
    lstat = os.lstat

    def remove_and_lstat(path: str) -> os.stat_result:
        Path(path).unlink()
        return lstat(path)

    monkeypatch.setattr(os, "lstat", remove_and_lstat)
    assert found(tmp_path) == []


def rewrite(path: Path) -> None:
    path.write_text("other")


def replace(path: Path) -> None:
    (path.parent / "new").write_text("first")
    (path.parent / "new").replace(path)


def change_mode(path: Path) -> None:
    path.chmod(0o600)


def put_link_in_place(path: Path) -> None:
    path.rename(path.parent / "target")
    path.symlink_to("target")


@pytest.mark.parametrize(
    "change", [rewrite, replace, change_mode, put_link_in_place, Path.unlink]
)
def test_a_change_of_a_file_changes_its_identity(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("first")
    before = identify(str(path))
    assert identify(str(path)) == before
    change(path)
    assert identify(str(path)) != before


@pytest.mark.parametrize("change", [rewrite, replace, change_mode, Path.unlink])
def test_a_change_of_its_target_changes_the_identity_of_a_link(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "a"
    target.write_text("first")
    link = tmp_path / "a.yaml"
    link.symlink_to(target)
    before = identify(str(link))
    change(target)
    assert identify(str(link)) != before


def test_an_identity_has_the_error_where_there_is_nothing(tmp_path: Path) -> None:
    assert identify(str(tmp_path / "a")) == Identity(errno.ENOENT, errno.ENOENT)
    (tmp_path / "dangling").symlink_to("nowhere")
    identity = identify(str(tmp_path / "dangling"))
    assert isinstance(identity.entry, Status)
    assert identity.target == errno.ENOENT


def test_the_size_of_an_identity_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("12345")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "dangling").symlink_to("nowhere")
    sizes = [identify(str(tmp_path / name)).size for name in ("a", "link", "dangling")]
    assert sizes == [5, 5, 0]


def status(ctime_ns: int) -> Status:
    return Status(dev=1, ino=2, size=3, mtime_ns=4, ctime_ns=ctime_ns)


FINE = 5 * SECOND_NS + 1
COARSE = 7 * SECOND_NS


@pytest.mark.parametrize(
    ("identity", "settles_at_ns"),
    [
        (Identity(status(FINE), status(FINE)), FINE + TICK_NS),
        (Identity(status(COARSE), status(COARSE)), COARSE + COARSE_TICK_NS),
        (Identity(status(FINE), status(COARSE)), COARSE + COARSE_TICK_NS),
        (Identity(status(FINE + 9), status(FINE)), FINE + 9 + TICK_NS),
        (Identity(status(FINE), errno.ENOENT), FINE + TICK_NS),
        (Identity(errno.ENOENT, errno.ENOENT), 0),
    ],
    ids=["fine", "whole seconds", "later target", "later link", "dangling", "missing"],
)
def test_an_identity_settles_a_tick_after_the_last_change(
    identity: Identity, settles_at_ns: int
) -> None:
    assert identity.settles_at_ns() == settles_at_ns
