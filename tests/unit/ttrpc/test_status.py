"""Codes that may stand for a failure, and texts that fit into a status."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nri_cdi.errors import LocalProtocolError
from nri_cdi.ttrpc.status import MAX_MESSAGE, Code, RpcError, check_error_code, clip


@pytest.mark.parametrize(
    ("code", "message", "text"),
    [
        (Code.NOT_FOUND, "no device", "status 5 NOT_FOUND: no device"),
        (12, "service NOPE", "status 12 UNIMPLEMENTED: service NOPE"),
        (99, "odd", "status 99: odd"),
        (-1, "", "status -1: "),
    ],
)
def test_rpc_error_says_its_code_by_number_and_name(
    code: int, message: str, text: str
) -> None:
    error = RpcError(code, message)
    assert (error.code, error.message, str(error)) == (code, message, text)


@pytest.mark.parametrize("code", [0, Code.OK, 2**31, -(2**31) - 1])
def test_a_failure_needs_a_code_that_tells_one(code: int) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        RpcError(code, "x")
    assert str(caught.value) == (
        f"status code {int(code)} of a failed call: must be an int32 other than 0"
    )


@pytest.mark.parametrize("code", [1, -1, 16, 17, 2**31 - 1, -(2**31)])
def test_every_other_int32_is_a_code(code: int) -> None:
    assert RpcError(code, "").code == code


def test_the_check_of_a_code_is_there_on_its_own() -> None:
    with pytest.raises(LocalProtocolError, match="status code 0 "):
        check_error_code(0)


@pytest.mark.parametrize(
    ("message", "clipped"),
    [
        ("", ""),
        ("no device", "no device"),
        ("gerät", "gerät"),
        ("/dev/\udcff", "/dev/\\udcff"),
        ("x" * MAX_MESSAGE, "x" * MAX_MESSAGE),
        ("x" * (MAX_MESSAGE + 1), "x" * (MAX_MESSAGE - 3) + "…"),
        ("é" * MAX_MESSAGE, "é" * (MAX_MESSAGE // 2 - 2) + "…"),
    ],
)
def test_clip(message: str, clipped: str) -> None:
    assert clip(message) == clipped


@given(st.text(st.characters(), max_size=40), st.integers(1, 4000))
@settings(deadline=None)
def test_a_clipped_text_is_utf8_of_bounded_size(text: str, times: int) -> None:
    assert len(clip(text * times).encode()) <= MAX_MESSAGE


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=MAX_MESSAGE // 4))
def test_a_text_that_fits_is_kept(text: str) -> None:
    assert clip(text) == text
