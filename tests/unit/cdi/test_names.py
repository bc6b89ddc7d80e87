"""Vendors, classes, device names, and qualified names."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.names import (
    QualifiedName,
    is_qualified_name,
    parse_kind,
    parse_qualified_name,
    validate_class_name,
    validate_device_name,
    validate_vendor_name,
)
from nri_cdi.errors import InvalidNameError

vendors = st.from_regex(r"\A[A-Za-z]([A-Za-z0-9_.-]*[A-Za-z0-9])?\Z")
device_names = st.from_regex(r"\A[A-Za-z0-9]([A-Za-z0-9_.:-]*[A-Za-z0-9])?\Z")
qualified_names = st.builds(
    QualifiedName, vendor=vendors, class_=vendors, name=device_names
)


@pytest.mark.parametrize(
    "text",
    [
        "vendor.com/class=dev",
        "a/b=c",
        "a/b=0",
        "a..b/dev=all",
        "Vendor.COM/De_v-1=0:rw",
        f"{'v' * 300}/{'c' * 300}={'n' * 300}",
    ],
)
def test_qualified_names_parse(text: str) -> None:
    name = parse_qualified_name(text)
    assert str(name) == text
    assert f"{name.kind}={name.name}" == text
    assert is_qualified_name(text)


WHY_UNQUALIFIED = [
    ("", "it has no '='"),
    ("gpu0", "it has no '='"),
    ("/dev/null", "it has no '='"),
    ("a/b", "it has no '='"),
    ("=c", "it has no '/' between vendor and class"),
    ("a=c", "it has no '/' between vendor and class"),
    ("/b=c", "the vendor is empty"),
    ("a/=c", "the class is empty"),
    ("a/b=", "the device name is empty"),
    ("1a/b=c", "vendor '1a' must start with a letter, not '1'"),
    ("_a/b=c", "vendor '_a' must start with a letter, not '_'"),
    ("a-/b=c", "vendor 'a-' must end with a letter or digit, not '-'"),
    ("a/1=c", "class '1' must start with a letter, not '1'"),
    ("a/b.=c", "class 'b.' must end with a letter or digit, not '.'"),
    ("a/b=-c", "device name '-c' must start with a letter or digit, not '-'"),
    ("a/b=c:", "device name 'c:' must end with a letter or digit, not ':'"),
    (
        "a b/c=d",
        "vendor 'a b' has ' ' in it; "
        "only letters, digits, '_', '.' and '-' are allowed",
    ),
    (
        "a/b/c=d",
        "class 'b/c' has '/' in it; only letters, digits, '_', '.' and '-' are allowed",
    ),
    (
        "a/b=c=d",
        "device name 'c=d' has '=' in it; "
        "only letters, digits, '_', '.', ':' and '-' are allowed",
    ),
    (
        "a/b=c\n",
        r"device name 'c\n' has '\n' in it; "
        "only letters, digits, '_', '.', ':' and '-' are allowed",
    ),
    (
        "a/b=\u0661",
        "device name '\u0661' has '\u0661' (U+0661) in it; "
        "only letters, digits, '_', '.', ':' and '-' are allowed",
    ),
]


@pytest.mark.parametrize(("text", "why"), WHY_UNQUALIFIED)
def test_what_is_no_qualified_name_is_refused_with_the_reason(
    text: str, why: str
) -> None:
    with pytest.raises(InvalidNameError) as caught:
        parse_qualified_name(text)
    prefix = f"{text!r} is not a qualified device name (vendor/class=name): "
    assert str(caught.value) == prefix + why
    assert not is_qualified_name(text)


@pytest.mark.parametrize("text", ["a" * 1_000_000, "a/b=" + "-" * 1_000_000])
def test_the_message_about_a_huge_name_is_short(text: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        parse_qualified_name(text)
    assert len(str(caught.value)) < 400


def test_a_kind_parses() -> None:
    assert parse_kind("vendor.com/class") == ("vendor.com", "class")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has no '/' between vendor and class"),
        ("vendor", "it has no '/' between vendor and class"),
        ("/class", "the vendor is empty"),
        ("vendor/", "the class is empty"),
        ("v-/c", "vendor 'v-' must end with a letter or digit, not '-'"),
        ("v/c-", "class 'c-' must end with a letter or digit, not '-'"),
    ],
)
def test_what_is_no_kind_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        parse_kind(text)
    assert str(caught.value) == f"{text!r} is not a kind (vendor/class): {why}"


@pytest.mark.parametrize(
    ("validate", "good", "bad", "message"),
    [
        (validate_vendor_name, "a.b", "", "the vendor is empty"),
        (validate_class_name, "a_b", "", "the class is empty"),
        (validate_device_name, "0:1", "", "the device name is empty"),
    ],
)
def test_the_parts_of_a_name_are_checked_one_by_one(
    validate: Callable[[str], None], good: str, bad: str, message: str
) -> None:
    validate(good)
    with pytest.raises(InvalidNameError) as caught:
        validate(bad)
    assert str(caught.value) == message


@given(qualified_names)
def test_a_name_parses_from_its_own_text(name: QualifiedName) -> None:
    assert parse_qualified_name(str(name)) == name
    validate_device_name(name.name)


@given(st.text())
def test_a_text_is_qualified_or_its_refusal_is_an_error_of_ours(text: str) -> None:
    if is_qualified_name(text):
        assert str(parse_qualified_name(text)) == text
    else:
        with pytest.raises(InvalidNameError):
            parse_qualified_name(text)
