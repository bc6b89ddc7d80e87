"""The host that a spec is for, whose root may lie elsewhere."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nri_cdi.cdi.lint.host import MAX_LINKS, Host


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of a host, beside a file that no path of the host leads to."""
    root = tmp_path / "root"
    (root / "dir").mkdir(parents=True)
    (root / "dir" / "file").write_text("inside")
    (tmp_path / "file").write_text("out")
    return root


def _size(root: Path, path: str) -> int:
    return Host(root=str(root)).stat(path).st_size


INSIDE = len("inside")


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/dir/file", "/link"),
        ("dir/file", "/link"),
        ("./dir/../dir//file", "/link"),
        ("../../../dir/file", "/link"),
        ("/../dir/file", "/link"),
        ("/dir", "/link/file"),
        ("/dir", "//link/./file"),
        ("/", "/link/dir/file"),
        ("/", "/link/../dir/file"),
        ("..", "/link/link/link/dir/file"),
    ],
)
def test_links_are_followed_as_the_host_would(
    root: Path, target: str, path: str
) -> None:
    (root / "link").symlink_to(target)
    assert _size(root, path) == INSIDE


@pytest.mark.parametrize("target", ["../file", "/../file", "{root}/../file"])
def test_no_link_leads_out_of_the_root(root: Path, target: str) -> None:
    (root / "link").symlink_to(target.format(root=root))
    with pytest.raises(FileNotFoundError):
        _size(root, "/link")
    with pytest.raises(FileNotFoundError):
        _size(root, "/../file")


def test_lstat_follows_all_but_the_last_link(root: Path) -> None:
    (root / "here").symlink_to("/dir")
    (root / "dir" / "link").symlink_to("/nowhere")
    host = Host(root=str(root))
    assert host.lstat("/here/link").st_ino == (root / "dir" / "link").lstat().st_ino
    with pytest.raises(FileNotFoundError):
        host.stat("/here/link")


def test_a_ring_of_links_ends(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        _size(root, "/a")


def test_as_many_links_as_the_kernel_follows(root: Path) -> None:
    before = "dir/file"
    for number in range(MAX_LINKS):
        (root / f"link{number}").symlink_to(before)
        before = f"link{number}"
    assert _size(root, f"/{before}") == INSIDE
    assert (root / before).stat().st_size == INSIDE


@pytest.mark.parametrize("root", ["/", "/tmp"])
@pytest.mark.parametrize("path", ["/no\0where", "/no\ud800where"])
def test_what_can_be_no_name_is_nowhere(root: str, path: str) -> None:
    with pytest.raises(FileNotFoundError):
        Host(root=root).stat(path)


def test_the_root_is_ours_unless_given(root: Path) -> None:
    (root / "link").symlink_to(root / "dir" / "file")
    assert Host().stat(str(root / "link")).st_size == INSIDE
    assert Host().lstat(str(root / "link")).st_ino == (root / "link").lstat().st_ino
