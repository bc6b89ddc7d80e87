"""Which patterns of a policy can match anything."""

from __future__ import annotations

import re
import string
from fnmatch import fnmatchcase
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.names import is_qualified_name
from nri_cdi.config.globs import (
    DEVICE,
    LABEL_VALUE,
    NAMESPACE,
    POD,
    RUNTIME_HANDLER,
    Grammar,
    can_match,
    check_glob,
    check_handler,
    covers,
)

# Source: Kubernetes, apimachinery/pkg/util/validation/validation.go.
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
PATTERNS = {
    "namespace": (NAMESPACE, _LABEL),
    "handler": (RUNTIME_HANDLER, f"({_LABEL})?"),
    "pod": (POD, rf"{_LABEL}(\.{_LABEL})*"),
    "label": (LABEL_VALUE, "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"),
}
GRAMMARS = {
    **{name: grammar for name, (grammar, _) in PATTERNS.items()},
    "device": DEVICE,
}

# A letter of each sort, so that short texts show all of a grammar.
LETTERS = "aA0-_./=:"


def _is_text(grammar: Grammar, text: str) -> bool:
    if grammar is DEVICE:
        return is_qualified_name(text)
    [pattern] = [known for each, known in PATTERNS.values() if each is grammar]
    return re.fullmatch(pattern, text) is not None


@pytest.mark.parametrize("name", PATTERNS)
def test_a_grammar_has_the_texts_of_its_source(name: str) -> None:
    grammar = GRAMMARS[name]
    for length in range(1, 5):
        for letters in product(LETTERS, repeat=length):
            text = "".join(letters)
            assert can_match(text, grammar) == _is_text(grammar, text), text


@given(st.from_regex(r"[aA0._:/=-]{1,9}", fullmatch=True))
def test_a_name_of_a_device_is_a_qualified_one(text: str) -> None:
    assert can_match(text, DEVICE) == is_qualified_name(text)


@st.composite
def _blurred(draw: st.DrawFn) -> tuple[str, str]:
    """A device's name, and a pattern that matches it."""
    part = st.text(string.ascii_letters, min_size=1, max_size=4)
    name = f"{draw(part)}.{draw(part)}/{draw(part)}={draw(part)}:{draw(part)}"
    glob = ""
    for letter in name:
        glob += draw(st.sampled_from([letter, letter, "?", "*", "", f"[!{letter}]"]))
    return name, glob


@given(_blurred())
def test_a_pattern_that_matches_a_name_is_never_refused(
    blurred: tuple[str, str],
) -> None:
    name, glob = blurred
    if glob and fnmatchcase(name, glob):
        assert check_glob(glob, DEVICE) == glob


@given(
    st.lists(
        st.sampled_from(["a", "-", "A", "*", "?", "[a-]", "[!a]", "[", "]", "."]),
        min_size=1,
        max_size=4,
    ).map("".join)
)
def test_a_pattern_is_taken_if_and_only_if_a_name_matches(glob: str) -> None:
    """Four tokens at most, so a name of six letters shows what there is."""
    names = (
        "".join(letters)
        for length in range(1, 7)
        for letters in product("ab-", repeat=length)
    )
    found = any(fnmatchcase(name, glob) for name in names if _is_text(NAMESPACE, name))
    assert can_match(glob, NAMESPACE) == found


@pytest.mark.parametrize(
    ("glob", "grammar"),
    [
        ("*", "namespace"),
        ("kube-*", "namespace"),
        ("team-[0-9]", "namespace"),
        ("[!k]*", "namespace"),
        ("?" * 63, "namespace"),
        ("a.b-*", "pod"),
        ("*.*", "pod"),
        ("v1_*", "label"),
        ("nvidia.com/gpu=*", "device"),
        ("*/gpu=0:1", "device"),
        ("nvidia*", "device"),
        ("*=0", "device"),
        ("nvidia.com?gpu?all", "device"),
    ],
)
def test_a_pattern_that_can_match_is_taken(glob: str, grammar: str) -> None:
    assert check_glob(glob, GRAMMARS[grammar]) == glob


@pytest.mark.parametrize(
    ("glob", "grammar", "reason"),
    [
        ("", "namespace", "the glob is empty; '*' matches any, such as 'research-*'"),
        (
            "a" * 254,
            "device",
            f"{'a' * 64!r}... (254 characters) is longer than the 253 of a glob",
        ),
        (
            "Research-*",
            "namespace",
            "'Research-*' can never match a namespace; did you mean 'research-*'?",
        ),
        (
            "team_a",
            "namespace",
            "'team_a' can never match a namespace; did you mean 'team-a'?",
        ),
        (
            "?" * 64,
            "namespace",
            f"{'?' * 64!r} can never match a namespace; such as 'research-*'",
        ),
        (
            "{a,b}",
            "namespace",
            "'{a,b}' can never match a namespace; such as 'research-*'",
        ),
        (
            "^a.*$",
            "namespace",
            "'^a.*$' can never match a namespace; such as 'research-*'",
        ),
        ("a ", "pod", "'a ' can never match a pod's name; such as 'train-*'"),
        ("[ab", "pod", "'[ab' can never match a pod's name; such as 'train-*'"),
        (
            "gpu",
            "device",
            "'gpu' can never match a device's name (vendor/class=name); "
            "did you mean '*/gpu=*'?",
        ),
        (
            "nvidia.com/gpu",
            "device",
            "'nvidia.com/gpu' can never match a device's name (vendor/class=name); "
            "did you mean 'nvidia.com/gpu=*'?",
        ),
        (
            "nvidia.com/gpu=",
            "device",
            "'nvidia.com/gpu=' can never match a device's name (vendor/class=name); "
            "did you mean 'nvidia.com/gpu=*'?",
        ),
        (
            "nvidia.com:gpu=0",
            "device",
            "'nvidia.com:gpu=0' can never match a device's name (vendor/class=name); "
            "such as 'nvidia.com/gpu=*'",
        ),
        (
            "nvidia.com/gpu=0,nvidia.com/gpu=1",
            "device",
            "'nvidia.com/gpu=0,nvidia.com/gpu=1' can never match a device's name "
            "(vendor/class=name); such as 'nvidia.com/gpu=*'",
        ),
    ],
)
def test_a_pattern_that_matches_nothing_is_refused(
    glob: str, grammar: str, reason: str
) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011  # the text is the point
        check_glob(glob, GRAMMARS[grammar])
    assert str(raised.value) == reason


def test_the_default_handler_has_an_empty_name() -> None:
    assert check_handler("") == ""


COVERED = (
    ("*", "a", True),
    ("*", "**", True),
    ("a*", "a?", True),
    ("a?", "a*", False),
    ("a*c", "a*b*c", True),
    ("a*b*c", "a*c", False),
    ("[a-c]*", "b[xy]", True),
    ("[ab]", "[abc]", False),
    ("?", "[abc]", True),
    ("[!x]*", "y*", True),
    ("[!x]*", "*", False),
    ("*a*a", "ba*a", True),
    ("a*aa", "a*a", False),
    ("a", "[a]", False),
)


@pytest.mark.parametrize(("glob", "other", "does"), COVERED)
def test_a_pattern_covers_another(glob: str, other: str, does: bool) -> None:
    assert covers(glob, other) is does


_PIECES = st.sampled_from(["a", "b", "*", "?", "[ab]", "[!a]"])
_GLOBS = st.lists(_PIECES, max_size=5).map("".join)


@given(_GLOBS, _GLOBS)
def test_what_is_covered_matches_nothing_else(glob: str, other: str) -> None:
    if covers(glob, other):
        texts = ("".join(each) for n in range(5) for each in product("abc", repeat=n))
        for text in texts:
            assert fnmatchcase(text, glob) or not fnmatchcase(text, other), text


@given(_GLOBS)
def test_a_pattern_covers_itself(glob: str) -> None:
    assert covers(glob, glob)
