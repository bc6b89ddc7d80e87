"""What is fuzzed: by name, a law that all bytes obey, and bytes to begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from fuzz import formatting, injection, names, reader
from fuzz.seeds import SEEDS

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "tests" / "unit" / "cdi" / "corpus"
"""The bad specs of the tests; the errors that each has are beside it."""
_ERRORS = ".errors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A law, and where the inputs lie that the search for others starts from.

    ``check`` raises whatever it likes if the law doesn't hold for some bytes.
    """

    check: Callable[[bytes], None]
    folders: tuple[Path, ...]

    def inputs(self) -> Iterator[Path]:
        """The files to begin with."""
        for folder in self.folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.suffix != _ERRORS:
                    yield path


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        "reader": Target(
            check=reader.check,
            folders=(SEEDS / "reader", SEEDS / "formatting", CORPUS),
        ),
        "names": Target(check=names.check, folders=(SEEDS / "names",)),
        "injection": Target(check=injection.check, folders=(SEEDS / "injection",)),
        "formatting": Target(
            check=formatting.check, folders=(SEEDS / "formatting", SEEDS / "reader")
        ),
    }
)
