"""The laws of rewriting specs, for any bytes."""

from __future__ import annotations

from nri_cdi.cdi.formatting import format_spec, rewrite_spec
from nri_cdi.cdi.reading import parse_spec
from nri_cdi.cdi.writing import SpecFormat
from nri_cdi.errors import FormatError, SpecError

PATH = "fuzz.yaml"


def check(data: bytes) -> None:
    """Raises unless ``data`` is rewritten as the same spec, or refused for a reason."""
    try:
        spec = parse_spec(data, PATH).spec
    except SpecError:
        return
    try:
        text = format_spec(data, PATH)
    except FormatError as error:
        _check_reason(error)
    else:
        assert format_spec(text.encode(), PATH) == text
        assert parse_spec(text.encode(), PATH).spec == spec
    for form in SpecFormat:
        try:
            rewritten = rewrite_spec(data, PATH, form=form)
        except FormatError as error:
            _check_reason(error)
        else:
            assert parse_spec(rewritten.text.encode(), PATH).spec == spec


def _check_reason(error: FormatError) -> None:
    assert str(error).replace("\n", "").isprintable()
    # It says that to have failed is a bug.
    assert "please report this" not in str(error)
