"""What a watch notices of directories that come, go, are linked and mounted over."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nri_cdi.cdi.watchpoints import MAX_LINKS
from tests.unit.cdi.node import Node, populate, rewrite, spec_text

# Directories that come and go.


@pytest.mark.parametrize("levels", ["cdi", "run/cdi", "var/lib/x/y/cdi"])
def test_a_missing_directory_is_noticed_when_it_comes(
    tmp_path: Path, levels: str
) -> None:
    node = Node(tmp_path / levels)
    with node.watch:
        populate(tmp_path / levels)
        assert node.notices() == "new"


def test_missing_levels_may_come_one_by_one(tmp_path: Path) -> None:
    specs = tmp_path / "var" / "run" / "cdi"
    node = Node(specs)
    with node.watch:
        for directory in (specs.parent.parent, specs.parent, specs):
            directory.mkdir()
            assert node.notices() == "unresolvable"
        (specs / "a.json").write_text(spec_text())
        assert node.notices() == "new"


def test_a_directory_is_removed_and_made_again(node: Node, specs: Path) -> None:
    for _ in range(3):
        (specs / "a.json").write_text(spec_text())
        assert node.notices() == "new"
        (specs / "a.json").unlink()
        specs.rmdir()
        assert node.notices() == "unresolvable"
        specs.mkdir()
        assert node.notices() == "unresolvable"


@pytest.mark.parametrize("level", ["etc/cdi", "etc"])
def test_a_directory_is_renamed_away_and_made_again(
    node: Node, tmp_path: Path, specs: Path, level: str
) -> None:
    (specs / "a.json").write_text(spec_text())
    assert node.notices() == "new"
    (tmp_path / level).rename(tmp_path / "away")
    assert node.notices() == "unresolvable"
    populate(specs)
    assert node.notices() == "new"
    (specs / "a.json").write_text(spec_text("changed"))
    assert node.notices() == "changed"


def test_what_happens_in_a_directory_that_was_renamed_away_is_ignored(
    node: Node, tmp_path: Path, specs: Path
) -> None:
    specs.rename(tmp_path / "away")
    assert node.notices() == "unresolvable"
    (tmp_path / "away" / "a.json").write_text(spec_text())
    assert not node.watch.read()


@pytest.mark.parametrize("level", ["etc/cdi", "etc"])
def test_a_directory_is_replaced_by_another(
    node: Node, tmp_path: Path, specs: Path, level: str
) -> None:
    populate(tmp_path / "other" / Path("etc/cdi").relative_to(level))
    (tmp_path / level).rename(tmp_path / "away")
    (tmp_path / "other").rename(tmp_path / level)
    assert node.notices() == "new"
    rewrite(specs / "a.json")
    assert node.notices() == "changed"


def test_watches_do_not_pile_up(node: Node, specs: Path) -> None:
    at_first = node.watches()
    for _ in range(5):
        specs.rmdir()
        assert node.watch.read()
        specs.mkdir()
        assert node.watch.read()
    assert node.watches() == at_first


# Links on the way.


def point(link: Path, target: str) -> None:
    """Point a symbolic link elsewhere in one step."""
    (link.parent / "link.tmp").symlink_to(target)
    (link.parent / "link.tmp").rename(link)


@pytest.mark.parametrize("level", ["etc/cdi", "etc"])
def test_a_link_on_the_way_is_pointed_elsewhere(tmp_path: Path, level: str) -> None:
    below = Path("etc/cdi").relative_to(level)
    for name in ("one", "two"):
        (tmp_path / name / below).mkdir(parents=True)
    (tmp_path / level).parent.mkdir(exist_ok=True)
    link = tmp_path / level
    link.symlink_to(tmp_path / "one")
    node = Node(tmp_path / "etc" / "cdi")
    with node.watch:
        (tmp_path / "one" / below / "a.json").write_text(spec_text())
        assert node.notices() == "new"
        point(link, str(tmp_path / "two"))
        assert node.notices() == "unresolvable"
        (tmp_path / "two" / below / "a.json").write_text(spec_text())
        assert node.notices() == "new"
        (tmp_path / "two").rename(tmp_path / "three")
        assert node.notices() == "unresolvable"


def config_map(volume: Path, version: str) -> None:
    """Publish a version as the kubelet does: all files change by one rename."""
    (volume / f"..{version}").mkdir(parents=True)
    (volume / f"..{version}" / "a.json").write_text(spec_text(version))
    point(volume / "..data", f"..{version}")


def test_a_config_map_that_is_the_spec_directory(node: Node, specs: Path) -> None:
    (specs / "a.json").symlink_to("..data/a.json")
    for version in ("v1", "v2", "v3"):
        config_map(specs, version)
        assert node.notices() == version


def test_a_config_map_that_the_specs_link_to(
    node: Node, specs: Path, elsewhere: Path
) -> None:
    config_map(elsewhere, "v1")
    (elsewhere / "a.json").symlink_to("..data/a.json")
    (specs / "a.json").symlink_to("../../elsewhere/a.json")
    assert node.notices() == "v1"
    for version in ("v2", "v3"):
        config_map(elsewhere, version)
        assert node.notices() == version


def test_a_dangling_link_is_noticed_when_its_target_comes(
    node: Node, specs: Path, tmp_path: Path
) -> None:
    (specs / "a.json").symlink_to(tmp_path / "later" / "and" / "deeper")
    assert node.notices() == "unresolvable"
    (tmp_path / "later" / "and").mkdir(parents=True)
    assert node.notices() == "unresolvable"
    (tmp_path / "later" / "and" / "deeper").write_text(spec_text())
    assert node.notices() == "new"


def test_links_that_lead_nowhere_are_survived(node: Node, specs: Path) -> None:
    (specs / "loop.json").symlink_to("loop.json")
    (specs / "device.json").symlink_to("/dev/null")
    (specs / "file.json").symlink_to("x.tmp/below/a/file")
    (specs / "x.tmp").touch()
    assert node.notices() == "unresolvable"
    assert len(node.cache.registry.errors) == 3


def test_a_long_chain_of_links_is_followed(node: Node, specs: Path) -> None:
    for number in range(MAX_LINKS - 2):
        (specs / f"link{number}").symlink_to(f"./link{number + 1}")
    (specs / "a.json").symlink_to("link0")
    assert node.notices() == "unresolvable"
    (specs / f"link{MAX_LINKS - 2}").write_text(spec_text())
    assert node.notices() == "new"


# Odd directories.


def test_a_relative_directory_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    node = Node("../there/cdi")
    with node.watch:
        populate(tmp_path / "there" / "cdi")
        assert node.notices() == "new"


def test_directories_that_cannot_be_are_survived(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    node = Node("nul\0", tmp_path / "file", tmp_path / "file" / "below")
    with node.watch:
        assert not node.watch.needs_polling
        (tmp_path / "file").unlink()
        populate(tmp_path / "file")
        assert node.notices() == "new"


def test_a_file_in_the_place_of_a_directory_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "cdi").touch()
    node = Node(tmp_path / "cdi")
    with node.watch:
        (tmp_path / "cdi").unlink()
        assert node.notices() == "unresolvable"


# Mounts.


@contextmanager
def mounted(*arguments: str | Path) -> Iterator[None]:
    target = arguments[-1]
    mount = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    if mount.returncode != 0:
        pytest.skip(f"can't mount: {mount.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", target], check=True)


def test_a_mount_over_a_directory_is_found_by_a_check(node: Node, specs: Path) -> None:
    with mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs", specs):
        (specs / "a.json").write_text(spec_text())
        assert node.watch.check()
        node.cache.refresh()
        assert node.env() == "new"
        assert not node.watch.check()
        rewrite(specs / "a.json")
        assert node.notices() == "changed"
    assert node.notices() == "unresolvable"


def test_two_paths_to_one_inode_are_both_served(tmp_path: Path, specs: Path) -> None:
    # The specs of one are beside the directory on the way to the other.
    (specs / "inner").mkdir()
    bound = tmp_path / "bound"
    bound.mkdir()
    with mounted("--bind", specs, bound):
        node = Node(specs, bound / "inner")
        with node.watch:
            (bound / "inner" / "a.json").write_text(spec_text())
            assert node.notices() == "new"
            (bound / "inner").rename(bound / "inner2")
            assert node.notices() == "unresolvable"
            (specs / "a.json").write_text(spec_text("changed"))
            assert node.notices() == "changed"
