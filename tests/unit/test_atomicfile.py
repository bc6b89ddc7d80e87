"""Files that are replaced whole or not at all."""

from __future__ import annotations

import errno
import os
import resource
import stat
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nri_cdi.atomicfile import replace_file
from nri_cdi.cdi.scan import is_spec_name

NOBODY = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files")


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond ``size`` bytes: as a full disk, but for this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_a_new_file_has_the_content_and_mode_that_were_asked_for(
    tmp_path: Path, mask: int, overwrite: bool
) -> None:
    with _umask(mask):
        replace_file(str(tmp_path / "a.json"), b"one", overwrite=overwrite)
        replace_file(str(tmp_path / "b"), b"", mode=0o640, overwrite=overwrite)
    assert (tmp_path / "a.json").read_bytes() == b"one"
    assert (tmp_path / "b").read_bytes() == b""
    assert (_mode(tmp_path / "a.json"), _mode(tmp_path / "b")) == (0o644, 0o640)
    assert (tmp_path / "a.json").stat().st_nlink == 1
    assert _names(tmp_path) == ["a.json", "b"]


@pytest.mark.parametrize("mode", [0o600, 0o444, 0o664, 0o4755])
def test_a_file_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("old")
    path.chmod(mode)
    replace_file(str(path), b"new", mode=0o777)
    assert path.read_bytes() == b"new"
    assert _mode(path) == mode
    assert _names(tmp_path) == ["a.yaml"]


@needs_root
def test_a_file_keeps_its_owner_and_its_set_user_id_bit(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("old")
    os.chown(path, NOBODY, NOBODY - 1)
    path.chmod(0o4750)
    replace_file(str(path), b"new")
    status = path.stat()
    assert (status.st_uid, status.st_gid) == (NOBODY, NOBODY - 1)
    assert _mode(path) == 0o4750


# Source: Linux, include/uapi/linux/posix_acl_xattr.h and posix_acl.h.
ACL = "system.posix_acl_access"
DEFAULT_ACL = "system.posix_acl_default"
OWNER, USER, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
NO_ID = 0xFFFFFFFF


def _acl(*entries: tuple[int, int, int]) -> bytes:
    packed = [struct.pack("<HHI", *entry) for entry in entries]
    return struct.pack("<I", 2) + b"".join(packed)


# One user may write, the group of the file may not; its mode is 0660 all the same.
ONE_USER = _acl(
    (OWNER, 6, NO_ID),
    (USER, 6, NOBODY),
    (GROUP, 0, NO_ID),
    (MASK, 6, NO_ID),
    (OTHER, 0, NO_ID),
)


def _set_acl(path: Path, name: str) -> None:
    try:
        os.setxattr(path, name, ONE_USER)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        pytest.skip("this file system has no access control lists")


def test_a_file_keeps_its_access_control_list(tmp_path: Path) -> None:
    """Its mode alone would let the group write."""
    path = tmp_path / "a.yaml"
    path.write_text("old")
    _set_acl(path, ACL)
    assert _mode(path) == 0o660
    replace_file(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert os.getxattr(path, ACL) == ONE_USER
    assert _mode(path) == 0o660


def test_a_file_without_a_list_gets_none_from_its_directory(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("old")
    path.chmod(0o640)
    _set_acl(tmp_path, DEFAULT_ACL)
    replace_file(str(path), b"new")
    replace_file(str(tmp_path / "b.yaml"), b"new")
    assert ACL not in os.listxattr(path)
    assert _mode(path) == 0o640
    assert ACL in os.listxattr(tmp_path / "b.yaml")


@needs_root
def test_a_file_keeps_its_label(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("old")
    label = b"system_u:object_r:etc_t:s0"
    try:
        os.setxattr(path, "security.selinux", label)
    except OSError as error:
        pytest.skip(f"files have no labels here: {error.strerror}")
    replace_file(str(path), b"new")
    assert os.getxattr(path, "security.selinux") == label


def test_another_error_of_a_list_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("old")

    def fail(*args: object, **kwargs: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "getxattr", fail)
    with pytest.raises(OSError, match="Input/output error"):
        replace_file(str(path), b"new")
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["a.yaml"]


def test_readers_of_the_old_file_keep_it(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("old")
    with path.open() as reader:
        replace_file(str(path), b"new")
        assert reader.read() == "old"


def test_a_link_is_replaced_and_not_what_it_leads_to(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link.json"
    target.write_text("target")
    target.chmod(0o600)
    link.symlink_to(target)
    replace_file(str(link), b"new")
    assert not link.is_symlink()
    assert (link.read_text(), _mode(link)) == ("new", 0o644)
    assert (target.read_text(), _mode(target)) == ("target", 0o600)


def test_a_dangling_link_is_replaced_too(tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "nowhere")
    replace_file(str(link), b"new")
    assert link.read_text() == "new"
    assert _names(tmp_path) == ["link.json"]


def test_a_path_without_a_directory_is_in_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    replace_file("a.json", b"new")
    assert (tmp_path / "a.json").read_bytes() == b"new"


def test_a_name_as_long_as_can_be_is_no_trouble(tmp_path: Path) -> None:
    name = "a" * 250 + ".json"
    replace_file(str(tmp_path / name), b"new")
    assert _names(tmp_path) == [name]


@pytest.mark.parametrize("present", ["file", "link", "dangling link"])
def test_without_overwrite_what_is_there_stays(tmp_path: Path, present: str) -> None:
    path = tmp_path / "a.yaml"
    (tmp_path / "target").write_text("old")
    if present == "file":
        path.write_text("old")
    else:
        path.symlink_to(tmp_path / ("target" if present == "link" else "nowhere"))
    before = path.lstat()
    with pytest.raises(FileExistsError) as caught:
        replace_file(str(path), b"new", overwrite=False)
    assert (caught.value.filename, caught.value.strerror) == (str(path), "File exists")
    assert path.lstat() == before
    assert _names(tmp_path) == ["a.yaml", "target"]


def test_of_many_that_do_not_overwrite_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    start = threading.Barrier(8)
    losers: list[int] = []

    def write(number: int) -> None:
        start.wait()
        try:
            replace_file(str(path), str(number).encode(), overwrite=False)
        except FileExistsError:
            losers.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted([*losers, int(path.read_text())]) == list(range(8))
    assert _names(tmp_path) == ["a.yaml"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    contents = [letter * 100_000 for letter in (b"a", b"b")]
    path.write_bytes(contents[0])
    done = threading.Event()

    def write() -> None:
        for turn in range(30):
            replace_file(str(path), contents[turn % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(path.read_bytes())
        # What a scan of the directory takes for a spec is a whole one.
        assert list(filter(is_spec_name, _names(tmp_path))) == ["a.yaml"]
    writer.join()
    assert seen <= set(contents)


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("directory", IsADirectoryError, "Is a directory"),
        ("directory/", IsADirectoryError, "Is a directory"),
        ("directory/..", IsADirectoryError, "Is a directory"),
        ("fifo", OSError, "what is there is not a regular file"),
        ("missing/a", FileNotFoundError, "No such file or directory"),
        ("file/a", NotADirectoryError, "Not a directory"),
        ("a" * 256, OSError, "File name too long"),
        ("a\0b", OSError, "this can't be the name of a file"),
        ("a\ud800b", OSError, "this can't be the name of a file"),
    ],
)
@pytest.mark.parametrize("overwrite", [True, False])
def test_what_can_not_be_replaced_is_refused_and_stays(
    tmp_path: Path, name: str, kind: type[OSError], reason: str, overwrite: bool
) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    path = f"{tmp_path}/{name}"
    with pytest.raises(kind) as caught:
        replace_file(path, b"new", overwrite=overwrite)
    assert (caught.value.strerror, caught.value.filename) == (reason, path)
    assert _names(tmp_path) == ["directory", "fifo", "file"]
    assert _names(tmp_path / "directory") == []


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(IsADirectoryError) as caught:
        replace_file("", b"new")
    assert caught.value.filename == ""


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_disk_that_is_full_leaves_nothing_behind(
    tmp_path: Path, overwrite: bool
) -> None:
    (tmp_path / "old.json").write_text("old")
    name = "old.json" if overwrite else "new.json"
    with _largest_file(10_000), pytest.raises(OSError, match="File too large"):
        replace_file(str(tmp_path / name), b"x" * 20_000, overwrite=overwrite)
    assert (tmp_path / "old.json").read_text() == "old"
    assert _names(tmp_path) == ["old.json"]


def test_a_check_just_before_can_keep_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("old")

    def refuse() -> None:
        assert path.read_text() == "old"
        raise OSError(errno.EBUSY, "not now")

    with pytest.raises(OSError, match="not now") as caught:
        replace_file(str(path), b"new", check=refuse)
    assert caught.value.filename == str(path)
    assert [each.name for each in tmp_path.iterdir()] == ["a.yaml"]
    assert path.read_text() == "old"


def test_the_content_is_on_the_disk_before_it_has_its_name_and_then_the_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("old")
    flushed: list[tuple[str, str]] = []
    flush = os.fsync

    def observed(file: int) -> None:
        flush(file)
        kind = "directory" if stat.S_ISDIR(os.fstat(file).st_mode) else "file"
        flushed.append((kind, path.read_text()))

    monkeypatch.setattr(os, "fsync", observed)
    replace_file(str(path), b"new")
    assert flushed == [("file", "old"), ("directory", "new")]
