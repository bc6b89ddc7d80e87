"""Fixtures of the tests that watch real directories."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cdi.node import Node, spec_text


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    path = tmp_path / "etc" / "cdi"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def node(specs: Path) -> Iterator[Node]:
    """A node with one empty spec directory."""
    made = Node(specs)
    with made.watch:
        yield made


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere"
    path.mkdir()
    (path / "spec").write_text(spec_text())
    return path
