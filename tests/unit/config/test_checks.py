"""What the text of a setting may be."""

from __future__ import annotations

import pytest

from nri_cdi.config.checks import (
    check_label_key,
    check_rule_name,
    check_status,
    check_variable,
    hint,
)

PROXY = (
    " is not 127.0.0.1:PORT or [::1]:PORT; the status names pods to whoever asks, so "
    "it stays on this host: to show it elsewhere put a proxy that checks who asks in "
    "front, such as kube-rbac-proxy"
)
NO_ADDRESS = (
    " is not an address of the status: the absolute path of a socket, 127.0.0.1:PORT "
    "or [::1]:PORT, with a port from 1 to 65535"
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/run/nri-cdi/status.sock",
        f"/{'s' * 106}",
        "127.0.0.1:1",
        "127.0.0.1:65535",
        "[::1]:9090",
    ],
)
def test_an_address_of_the_status_stays_on_this_host(text: str) -> None:
    assert check_status(text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0.0.0.0:9090", PROXY),
        (":9090", PROXY),
        ("localhost:9090", PROXY),
        ("127.0.0.1:x", PROXY),
        ("127.0.0.1:0", NO_ADDRESS),
        ("127.0.0.1:65536", NO_ADDRESS),
        ("127.0.0.1", NO_ADDRESS),
        ("[::]:9090", PROXY),
        ("9090", NO_ADDRESS),
        ("status.sock", NO_ADDRESS),
        ("/run/nri-cdi/", NO_ADDRESS),
        ("@abstract", NO_ADDRESS),
        ("\uff11\uff12\uff17.0.0.1:9090", PROXY),
    ],
)
def test_any_other_address_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011  # the text is the point
        check_status(text)
    assert str(raised.value) == f"{text!r}{reason}"


def test_the_path_of_the_status_fits_into_a_socket_s_address() -> None:
    with pytest.raises(ValueError, match="longer than the 107 bytes"):
        check_status(f"/{'s' * 107}")


@pytest.mark.parametrize(
    "text",
    [
        "team",
        "a.b_c-D",
        "app.kubernetes.io/name",
        "a" * 63,
        f"{'a.' * 126}a/{'b' * 63}",
    ],
)
def test_the_key_of_a_label_is_one_of_kubernetes(text: str) -> None:
    assert check_label_key(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a*",
        "-a",
        "a/",
        "/a",
        "a/b/c",
        "A.b/c",
        "a" * 64,
        f"{'a.' * 5000}a/b",
        "a b",
    ],
)
def test_what_is_no_key_of_a_label_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="can't be the key of a label"):
        check_label_key(text)


@pytest.mark.parametrize("text", ["A", "_", "NVIDIA_VISIBLE_DEVICES", "a1"])
def test_a_variable_has_a_name_that_shells_know(text: str) -> None:
    assert check_variable(text) == text


@pytest.mark.parametrize("text", ["", "1A", "A-B", "A=B", "A B", "\u00c4"])
def test_no_other_name_is_a_variable_s(text: str) -> None:
    with pytest.raises(ValueError, match="is not a variable's name"):
        check_variable(text)


@pytest.mark.parametrize("text", ["", "a b", "-a", "a.", "a" * 64, "a/b", 'a"b', "a\n"])
def test_a_rule_s_name_can_stand_in_a_metric(text: str) -> None:
    with pytest.raises(ValueError, match="is not a rule's name"):
        check_rule_name(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resolv", "did you mean 'resolve'?"),
        ("RESOLVE", "did you mean 'resolve'?"),
        ("x", ""),
        ("resolve" * 100_000, ""),
    ],
)
def test_a_near_word_is_named(text: str, expected: str) -> None:
    assert hint(text, ["auto", "resolve"]) == expected
