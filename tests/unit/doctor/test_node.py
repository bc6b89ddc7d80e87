"""Files of a node are read within limits, and within its root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nri_cdi.doctor.node import Node


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_text("secret")
    (root / "file").write_text("text")
    return root


def test_a_file_is_read(root: Path) -> None:
    assert Node(str(root)).text("/file") == "text"


def test_a_link_does_not_lead_out_of_the_root(root: Path) -> None:
    (root / "up").symlink_to("../secret")
    (root / "away").symlink_to(root.parent / "secret")
    (root / "inside").symlink_to("/file")
    node = Node(str(root))
    texts = [node.text(path) for path in ("/up", "/away", "/inside", "/../secret")]
    assert texts == ["", "", "text", ""]


@pytest.mark.parametrize("kind", ["fifo", "directory", "large", "missing"])
def test_what_is_no_file_of_a_fit_size_is_not_read(kind: str, root: Path) -> None:
    path = root / "thing"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "large":
        path.write_text("four+")
    with pytest.raises(OSError, match="regular|over 4 bytes|No such file"):
        Node(str(root)).read("/thing", 4)


def test_a_name_that_no_file_can_have_is_none(root: Path) -> None:
    node = Node(str(root))
    assert node.text("/a\0b") == ""
    assert node.names("/a\0b") == []
    assert node.status("/a\0b") is None
    assert node.link("/a\0b") == ""


def test_patterns_are_matched_name_by_name(root: Path) -> None:
    for path in ("a/1.toml", "a/2.toml", "b/1.toml", "a/x.txt"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).touch()
    node = Node(str(root))
    assert node.glob("/a/*.toml") == ["/a/1.toml", "/a/2.toml"]
    assert node.glob("/*/1.toml") == ["/a/1.toml", "/b/1.toml"]
    assert node.glob("/none/*.toml") == []
    assert node.glob("/file") == ["/file"]


def test_paths_that_mean_the_same_are_the_same(root: Path) -> None:
    (root / "var").mkdir()
    (root / "run/nri").mkdir(parents=True)
    (root / "var/run").symlink_to("/run")
    node = Node(str(root))
    paths = ("/var/run/nri/s", "/run//nri/./s", "/run/nri/s")
    assert {node.canonical(path) for path in paths} == {"/run/nri/s"}
    assert node.canonical("/var/run/other/x/s") == "/run/other/x/s"
    assert node.canonical("/none/s") == "/none/s"


def test_our_own_node_has_our_paths(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    node = Node()
    assert node.is_ours
    assert node.canonical(f"{tmp_path}/link/s") == node.canonical(f"{tmp_path}/s")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look at everything")
def test_what_may_not_be_looked_at_is_kept(root: Path) -> None:
    (root / "file").chmod(0)
    node = Node(str(root))
    assert node.text("/file") == ""
    assert node.refused == {"/file": "permission denied"}
