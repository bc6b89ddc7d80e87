"""The specs that pages show are valid, and as ``nri-cdi fmt`` writes them."""

from __future__ import annotations

import pytest

from nri_cdi.cdi.formatting import format_spec
from tests.unit.docs.pages import PAGES, ROOT, blocks

SPECS = [
    pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for language in ("yaml", "json")
    for number, text in enumerate(blocks(page.read_text(), language))
    if "cdiVersion" in text
]


def test_pages_show_specs() -> None:
    assert SPECS


@pytest.mark.parametrize("text", SPECS)
def test_a_spec_on_a_page_is_in_canonical_form(text: str) -> None:
    assert format_spec(text.encode(), "example") == text
