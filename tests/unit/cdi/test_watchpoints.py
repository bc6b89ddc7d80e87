"""What the content of a spec directory hangs on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nri_cdi.cdi.watchpoints import MAX_LINKS, Watchpoint, survey


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for relative paths, so that what is above it is none of ours."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def surveyed(*spec_dirs: str) -> dict[str, str]:
    """For each path its kind, and the names that matter."""
    return {
        path: " ".join([kind(point), *sorted(point.names)])
        for path, point in survey(spec_dirs).items()
    }


def kind(point: Watchpoint) -> str:
    if point.is_file:
        return "file"
    return "specs" if point.has_specs else "directory"


def test_every_directory_on_the_way_is_watched_for_the_next_name(root: Path) -> None:
    (root / "etc" / "cdi").mkdir(parents=True)
    assert surveyed("etc/cdi") == {
        ".": "directory etc",
        "etc": "directory cdi",
        "etc/cdi": "specs",
    }


def test_an_absolute_path_begins_at_the_root(tmp_path: Path) -> None:
    points = survey([str(tmp_path)])
    assert tmp_path.parts[1] in points["/"].names
    assert points[str(tmp_path)].has_specs


def test_the_way_ends_before_the_first_missing_name(root: Path) -> None:
    (root / "etc").mkdir()
    assert surveyed("etc/x/cdi") == {".": "directory etc", "etc": "directory x"}


def test_two_directories_share_their_way(root: Path) -> None:
    (root / "a").mkdir()
    assert surveyed("a", "b", "a") == {".": "directory a b", "a": "specs"}


def test_a_link_on_the_way_is_watched_like_its_target(root: Path) -> None:
    (root / "run" / "cdi").mkdir(parents=True)
    (root / "var").mkdir()
    (root / "var" / "run").symlink_to("../run")
    assert surveyed("var/run/cdi") == {
        ".": "directory run var",
        "var": "directory run",
        "run": "directory cdi",
        "run/cdi": "specs",
    }


def test_an_absolute_link_begins_at_the_root(root: Path) -> None:
    (root / "real").mkdir()
    (root / "link").symlink_to(root / "real")
    points = survey(["link"])
    assert points["."].names == {"link"}
    assert "real" in points[str(root)].names
    assert points[str(root / "real")].has_specs


def test_a_spec_that_is_a_link_is_watched_along_its_way(root: Path) -> None:
    (root / "cdi").mkdir()
    (root / "data").mkdir()
    (root / "data" / "spec").touch()
    (root / "cdi" / "a.json").symlink_to("..//./link")
    (root / "link").symlink_to("data/spec")
    assert surveyed("cdi") == {
        ".": "directory cdi data link",
        "cdi": "specs a.json",
        "data": "directory spec",
        "data/spec": "file",
    }


def test_a_spec_with_two_names_is_watched_itself(root: Path) -> None:
    (root / "cdi").mkdir()
    (root / "cdi" / "a.json").touch()
    (root / "cdi" / "b.json").touch()
    (root / "other").hardlink_to(root / "cdi" / "b.json")
    assert surveyed("cdi") == {
        ".": "directory cdi",
        "cdi": "specs b.json",
        "cdi/b.json": "file",
    }


def test_links_and_directories_that_are_no_specs_are_left_alone(root: Path) -> None:
    (root / "cdi" / "dir.json").mkdir(parents=True)
    (root / "cdi" / "link").symlink_to("/dev")
    assert surveyed("cdi") == {".": "directory cdi", "cdi": "specs"}


def test_what_is_no_directory_ends_the_way(root: Path) -> None:
    (root / "file").touch()
    os.mkfifo(root / "fifo")
    assert surveyed("file", "file/below", "fifo", "fifo/below", "nul\0") == {
        ".": "directory fifo file nul\0",
        "file": "file",
    }


def test_a_chain_of_as_many_links_as_the_kernel_follows_is_followed(root: Path) -> None:
    (root / "0").mkdir()
    for number in range(MAX_LINKS + 1):
        (root / f"{number + 1}").symlink_to(f"{number}")
    assert (root / f"{MAX_LINKS}").is_dir()
    assert survey([f"{MAX_LINKS}"])["0"].has_specs
    assert "0" not in survey([f"{MAX_LINKS + 1}"])


@pytest.mark.parametrize(
    ("first", "length", "is_followed"),
    [
        ("file", MAX_LINKS - 1, True),
        ("missing", MAX_LINKS - 1, False),
        ("circle", MAX_LINKS - 2, False),
        ("file", MAX_LINKS, False),
    ],
    ids=["to a file", "to nothing", "in a circle", "too many"],
)
def test_what_many_links_have_in_common_is_gone_once(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
    length: int,
    is_followed: bool,
) -> None:
    (root / "cdi").mkdir()
    (root / "file").touch()
    (root / "circle").symlink_to("0")
    for number in range(length):
        (root / f"{number}").symlink_to(f"{number - 1}" if number else first)
    for number in range(100):
        (root / "cdi" / f"{number}.yaml").symlink_to(f"../{length - 1}")
    looked_at: list[str] = []
    readlink = os.readlink

    def count_and_readlink(path: str) -> str:
        looked_at.append(path)
        return readlink(path)

    monkeypatch.setattr(os, "readlink", count_and_readlink)
    points = survey(["cdi"])
    # Of each link in the farm: itself, and the names on the way to it.
    assert len(looked_at) < 4 * (100 + length)
    assert points["."].names >= {"cdi", *map(str, range(length))}
    assert ("file" in points) is is_followed


def test_a_chain_that_is_too_long_for_one_may_do_for_another(root: Path) -> None:
    (root / "cdi").mkdir()
    (root / "file").touch()
    for number in range(MAX_LINKS):
        (root / f"{number}").symlink_to(f"{number - 1}" if number else "file")
    for way in (("a", "b"), ("b", "a")):
        for name, target in zip(way, (MAX_LINKS - 1, MAX_LINKS - 2), strict=True):
            path = root / "cdi" / f"{name}.yaml"
            path.unlink(missing_ok=True)
            path.symlink_to(f"../{target}")
        assert (root / "cdi" / f"{way[1]}.yaml").exists()
        assert not (root / "cdi" / f"{way[0]}.yaml").exists()
        assert survey(["cdi"])["file"].is_file


def test_a_directory_that_cannot_be_listed_has_no_links(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "cdi").mkdir()
    scandir = os.scandir

    def remove_and_scandir(path: str) -> object:
        Path(path).rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", remove_and_scandir)
    assert surveyed("cdi") == {".": "directory cdi", "cdi": "specs"}


def test_the_inode_tells_a_directory_from_its_successor(root: Path) -> None:
    (root / "cdi").mkdir()
    before = survey(["cdi"])
    assert survey(["cdi"]) == before
    (root / "cdi").rename(root / "away")
    (root / "cdi").mkdir()
    assert survey(["cdi"]) != before


@pytest.mark.parametrize("name", ["", "next", "a.yaml"])
def test_a_spec_directory_is_concerned_by_specs_names_and_itself(name: str) -> None:
    point = Watchpoint(path="x", inode=(1, 2), has_specs=True, names={"next"})
    assert point.concerns(name)
    assert not point.concerns("other")


def test_another_directory_is_not_concerned_by_specs() -> None:
    assert not Watchpoint(path="x", inode=(1, 2)).concerns("a.yaml")
