"""Words for libFuzzer to put into inputs: those that decide how a text is read."""

from __future__ import annotations

from collections.abc import Iterator

from nri_cdi.cdi.shapes import SHAPES
from nri_cdi.cdi.version import VERSIONS

# Of YAML and JSON.
_SYNTAX = (
    *("- ", "? ", ": ", "<<: ", "&a ", "*a", "| ", "> ", "~", "null", "# "),
    *("---\n", "...\n", "%YAML 1.1\n", "\r\n", "\n  ", "\t", "\u2028", "\ufeff"),
    *("!!str ", "!!int ", "!!float ", "!!bool ", "!!null ", "!!binary ", "!x "),
    *('"', "'", r"\u0000", r"\ud83d\ude00", r"\x41", "\\\n"),
)
_SCALARS = (
    *(
        "yes",
        "no",
        "0o7",
        "010",
        "0x1f",
        "1_0",
        "1e3",
        "1e400",
        "-.inf",
        ".nan",
        "1:30",
    ),
    *("4294967296", "9223372036854775808", "18446744073709551616", "2001-01-01"),
)
_WORDS = (
    *("a/b", "a/b=c", "A=b", "none", "rwm", "prestart", "enableCMT", "/dev/null"),
    *("cdi.k8s.io/", "container.", "pod", ", "),
)


def dictionary() -> str:
    """A file of words, one a line, as libFuzzer takes it."""
    return "".join(f'"{_escaped(word)}"\n' for word in words())


def words() -> Iterator[str]:
    yield from (*_SYNTAX, *_SCALARS, *_WORDS, *VERSIONS)
    for shape in SHAPES.values():
        yield from shape.fields


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())
