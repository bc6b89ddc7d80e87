"""The text of specs in canonical form, with all that people wrote into it."""

from __future__ import annotations

from nri_cdi.cdi.formatting.rewriting import (
    Rewritten,
    form_of,
    format_spec,
    rewrite_spec,
)

__all__ = ["Rewritten", "form_of", "format_spec", "rewrite_spec"]
