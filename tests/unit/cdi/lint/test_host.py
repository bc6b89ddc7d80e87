"""The host that a spec is for, whose root may lie elsewhere."""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nri_cdi.cdi.lint.host import MAX_LINKS, PATH_MAX, Host


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


@pytest.mark.parametrize("of_ours", [True, False])
@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/dir/file/", errno.ENOTDIR),
        ("/dir/file/.", errno.ENOTDIR),
        ("/dir/file/..", errno.ENOTDIR),
        ("/dir/file/../file", errno.ENOTDIR),
        ("/none/../dir/file", errno.ENOENT),
        ("/slash", errno.ENOTDIR),
        ("/" + "x" * 256, errno.ENAMETOOLONG),
        ("/dir/.." * PATH_MAX, errno.ENAMETOOLONG),
    ],
)
def test_what_is_on_the_way_must_be_a_directory(
    root: Path, path: str, number: int, of_ours: bool
) -> None:
    (root / "slash").symlink_to("dir/file/")
    host, given = (Host(), f"{root}{path}") if of_ours else (Host(root=str(root)), path)
    with pytest.raises(OSError, match=os.strerror(number)):
        host.stat(given)


def test_a_slash_at_the_end_follows_a_link_and_wants_a_directory(root: Path) -> None:
    (root / "link").symlink_to("dir")
    (root / "slash").symlink_to("dir/")
    host = Host(root=str(root))
    inode = (root / "dir").stat().st_ino
    for path in ("/link/", "/link/.", "/slash/", "/slash/."):
        assert host.lstat(path).st_ino == host.stat(path).st_ino == inode
    assert host.lstat("/slash").st_ino != host.stat("/slash").st_ino


def test_a_path_is_located_without_links(root: Path) -> None:
    (root / "link").symlink_to("/dir")
    (root / "dir" / "up").symlink_to("../dir/./file")
    host = Host(root=f"{root}/")
    assert host.locate("/link/up") == f"{root}/dir/file"
    assert host.locate("/link/up", follow=False) == f"{root}/dir/up"
    assert host.locate("/link/..") == f"{root}/"
    assert Host().locate("/link/up") == "/link/up"


def test_the_root_may_be_a_link_of_ours(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    host = Host(root=str(tmp_path / "link"))
    assert host.stat("/dir/file").st_size == INSIDE
    assert host.lstat("/").st_ino == host.stat("/..").st_ino == root.stat().st_ino


def test_a_long_path_takes_no_longer_than_its_directories(root: Path) -> None:
    host = Host(root=str(root))
    start = time.process_time()
    for _ in range(100):
        host.stat("/dir/.." * (PATH_MAX // len("/dir/..")))
    # Some 0.03 s; to look at each directory each time takes ten times as long.
    assert time.process_time() - start < 2


# Asks the kernel, with a directory as the root.
IN_CHROOT = """
import json, os, sys

def ask(look, path):
    try:
        found = look(path)
    except OSError as error:
        return error.errno
    return [found.st_dev, found.st_ino]

paths = json.load(sys.stdin)
os.chroot(sys.argv[1])
os.chdir("/")
print(json.dumps([[ask(look, path) for look in (os.lstat, os.stat)] for path in paths]))
"""
SEED = 1
NAMES = ["d", "e", "f", "..", ".", "", "none", *"lmnlmn"]


def _path(chance: random.Random) -> str:
    names = [chance.choice(NAMES) for _ in range(chance.randint(1, 5))]
    return chance.choice(["/", ""]) + "/".join(names)


def _asked(look: Callable[[str], os.stat_result], path: str) -> list[int] | int | None:
    try:
        found = look(path)
    except OSError as error:
        return error.errno
    return [found.st_dev, found.st_ino]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change its root")
def test_every_path_leads_where_it_does_in_a_chroot(tmp_path: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311  # no secret: the same each time
    for number in range(10):
        root = tmp_path / str(number)
        (root / "d" / "e").mkdir(parents=True)
        (root / "e").mkdir()
        for folder in (root, root / "d", root / "d" / "e"):
            (folder / "f").touch()
            for name in "lmn":
                target = _path(chance)
                if target:
                    os.symlink(target, folder / name)  # noqa: PTH211  # slash at end
        paths = [f"/{_path(chance)}" for _ in range(300)]
        ran = subprocess.run(
            [sys.executable, "-c", IN_CHROOT, str(root)],
            input=json.dumps(paths).encode(),
            capture_output=True,
            check=True,
        )
        host = Host(root=str(root))
        found = [
            [_asked(look, path) for look in (host.lstat, host.stat)] for path in paths
        ]
        assert dict(zip(paths, found, strict=True)) == dict(
            zip(paths, json.loads(ran.stdout), strict=True)
        )
