"""Which texts are addresses of the status."""

from __future__ import annotations

import pytest

from nri_cdi.address import LoopbackAddress, UnixAddress, parse_address

GOOD = (
    ("/run/nri-cdi/status.sock", UnixAddress(path="/run/nri-cdi/status.sock")),
    ("/" + "x" * 106, UnixAddress(path="/" + "x" * 106)),
    ("127.0.0.1:9464", LoopbackAddress(host="127.0.0.1", port=9464)),
    ("[::1]:1", LoopbackAddress(host="::1", port=1)),
)

BAD = (
    "",
    "status.sock",
    "/",
    "/run/nri-cdi/",
    "/" + "x" * 107,
    "/é" + "é" * 53,
    "/a\0b",
    "9464",
    ":9464",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:0",
    "127.0.0.1:65536",
    "127.0.0.1:+1",
    "127.0.0.1: 1",
    "127.0.0.1:1_0",
    "127.0.0.1:٣",
    "127.0.0.1:" + "9" * 5000,
    "0.0.0.0:9464",
    "[::]:9464",
    "::1:9464",
    "localhost:9464",
    "10.0.0.1:9464",
    "127.0.0.2:9464",
    "@abstract",
    "http://127.0.0.1:9464",
)


@pytest.mark.parametrize(("text", "address"), GOOD)
def test_an_address_is_what_its_text_says(
    text: str, address: UnixAddress | LoopbackAddress
) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize("text", BAD)
def test_nothing_that_others_could_reach_is_an_address(text: str) -> None:
    with pytest.raises(ValueError, match="is (not|longer than) "):
        parse_address(text)
