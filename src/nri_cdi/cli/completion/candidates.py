"""What may come next in a command; ``nri-cdi __complete -- WORD...`` prints it.

The last word is the one being written, and may be empty. Each line is a candidate for
all of it, a tab, and what to say of it. Where a path is expected there is a line
``:files`` or ``:directories`` instead: shells know best how to complete these.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from nri_cdi.cli.completion.commandline import (
    CommandLine,
    read,
    unquoted,
    verb_purposes,
)
from nri_cdi.cli.output import is_encodable
from nri_cdi.cli.process import EXIT_OK
from nri_cdi.cli.specs import load_registry, read_registry, spec_dirs
from nri_cdi.errors import NriCdiError

FILES = ":files"
DIRECTORIES = ":directories"

# What a shell shows beside a candidate has one line for all.
MAX_DESCRIPTION = 72

Candidate = tuple[str, str]


def main(arguments: Sequence[str]) -> int:
    """Print the candidates, and never a message: it would land in the command."""
    words = arguments[1:] if arguments[:1] == ["--"] else arguments
    try:
        found = list(candidates(words))
    except NriCdiError:  # of a configuration
        return EXIT_OK
    for value, description in found:
        # What is not printable would be more than a line, or none at all.
        if value.isprintable() and is_encodable(value):
            print(f"{value}\t{_clipped(description)}" if description else value)
    return EXIT_OK


def candidates(words: Sequence[str]) -> Iterator[Candidate]:
    """What the last of these words may become.

    Raises: ConfigError.
    """
    written = unquoted(words[-1]) if words else ""
    line = read(words[:-1])
    for value, description in _next(line, written):
        if value.startswith((written, ":")):
            yield value, description


def _next(line: CommandLine, written: str) -> Iterable[Candidate]:
    if line.pending is not None:
        return _values(line, line.pending)
    if written.startswith("-") and not line.only_positionals:
        name, equals, _ = written.partition("=")
        action = line.option(name) if equals else None
        return _options(line) if action is None else _joined(line, name, action)
    if not line.verb and not line.positionals:
        return verb_purposes(line.parser).items()
    expected = line.positional()
    return () if expected is None else _values(line, expected)


def _options(line: CommandLine) -> Iterator[Candidate]:
    for action in line.options():
        for name in action.option_strings:
            if name.startswith("--") or len(action.option_strings) == 1:
                yield name, _help(action)


def _joined(
    line: CommandLine, name: str, action: argparse.Action
) -> Iterator[Candidate]:
    for value, description in _values(line, action):
        is_path = value in (FILES, DIRECTORIES)
        yield value if is_path else f"{name}={value}", description


def _values(line: CommandLine, action: argparse.Action) -> Iterable[Candidate]:
    if action.choices is not None:
        return ((str(choice), "") for choice in action.choices)
    if action.metavar == "NAME" and action.option_strings:
        return ()  # a name that is to be given, and not one of a device
    complete = VALUES.get(str(action.metavar))
    return () if complete is None else complete(line)


def _files(_line: CommandLine) -> Iterable[Candidate]:
    return ((FILES, ""),)


def _directories(_line: CommandLine) -> Iterable[Candidate]:
    return ((DIRECTORIES, ""),)


def _devices(line: CommandLine) -> Iterable[Candidate]:
    devices = load_registry(_options_of(line)).devices
    return ((name, devices[name].path) for name in sorted(devices))


def _listings(line: CommandLine) -> Iterator[Candidate]:
    from nri_cdi.cli.listing import LISTINGS

    for name in LISTINGS:
        yield name, ""
    yield from _devices(line)


def _listed(line: CommandLine) -> Iterable[Candidate]:
    from nri_cdi.cli.listing import LISTINGS

    listing = LISTINGS.get(line.positionals[0])
    if listing is None:
        return _devices(line)
    directories = spec_dirs(_options_of(line))
    rows = listing.collect(read_registry(directories), directories)
    return ((listing.names(row)[0], "") for row in rows)


def _levels(_line: CommandLine) -> Iterable[Candidate]:
    from nri_cdi.config import LEVELS

    return ((level, "") for level in LEVELS)


def _formats(_line: CommandLine) -> Iterable[Candidate]:
    from nri_cdi.config.checks import FORMATS

    return ((form, "") for form in FORMATS)


def _modes(_line: CommandLine) -> Iterable[Candidate]:
    from nri_cdi.config.checks import INJECTIONS

    return ((mode, "") for mode in INJECTIONS)


def _aliases(_line: CommandLine) -> Iterable[Candidate]:
    from nri_cdi.requests import ALIASES

    return ((alias, "") for alias in ALIASES)


def _rules(_line: CommandLine) -> Iterable[Candidate]:
    from nri_cdi.cli.lint import IDS

    return ((rule, "") for rule in sorted(IDS))


def _versions(_line: CommandLine) -> Iterable[Candidate]:
    from nri_cdi.cdi.version import VERSIONS

    return ((version, "") for version in VERSIONS)


# What an argument takes is told by the name that --help has for it.
VALUES: Mapping[str, Callable[[CommandLine], Iterable[Candidate]]] = {
    "ADDRESS": _files,
    "ALIAS": _aliases,
    "DIR": _directories,
    "FILE": _files,
    "FORMAT": _formats,
    "GLOB": _devices,
    "LEVEL": _levels,
    "MODE": _modes,
    "NAME": _devices,
    "PATH": _files,
    "PATTERN": _listed,
    "RULE": _rules,
    "VERSION": _versions,
    "WHAT": _listings,
}


def _options_of(line: CommandLine) -> argparse.Namespace:
    """The options that say where specs are.

    The shell has expanded nothing yet.
    """
    found = argparse.Namespace()
    if "spec_dirs" in line.values:
        found.spec_dirs = [_expanded(path) for path in line.values["spec_dirs"]]
    if "config" in line.values:
        found.config = _expanded(line.values["config"][-1])
    return found


def _expanded(path: str) -> str:
    try:
        return str(Path(path).expanduser())
    except RuntimeError:  # there is no such home
        return path


def _help(action: argparse.Action) -> str:
    """The first clause of what --help says."""
    text = (action.help or "") % {**vars(action), "prog": "nri-cdi"}
    return text.partition(";")[0].partition(" (")[0]


def _clipped(text: str) -> str:
    shown = text if text.isprintable() else " ".join(text.split())
    return shown if len(shown) <= MAX_DESCRIPTION else f"{shown[:MAX_DESCRIPTION]}..."
