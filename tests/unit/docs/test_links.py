"""Links between the pages lead somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.docs.pages import PAGES, ROOT, anchors, links

EXTERNAL = ("https://",)


def _dead(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    there = (page.parent / path).resolve() if path else page
    if not there.exists() or not there.is_relative_to(ROOT):
        return True
    return bool(anchor) and anchor not in anchors(there.read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_resolves(page: Path) -> None:
    inside = [
        target for target in links(page.read_text()) if not target.startswith(EXTERNAL)
    ]
    assert [target for target in inside if _dead(page, target)] == []


def test_the_index_lists_every_page_of_docs() -> None:
    docs = ROOT / "docs"
    index = docs / "index.md"
    listed = {
        (docs / target.partition("#")[0]).resolve()
        for target in links(index.read_text())
        if not target.startswith(EXTERNAL)
    }
    pages = {page for page in PAGES if page.is_relative_to(docs)}
    assert pages - listed == {index}
