"""Specs that are looked at one by one: which are meant, and what is said of each."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nri_cdi.cdi.reading import LoadedSpec, parse_spec
from nri_cdi.cdi.registry import BrokenFile, Registry, build_registry, register
from nri_cdi.cdi.scan import scan_spec_dirs
from nri_cdi.cli.output import Style, printable, styled
from nri_cdi.cli.sources import Source, sources
from nri_cdi.cli.specs import spec_dirs
from nri_cdi.errors import Problem, SpecError

STYLES = {"error": Style.BAD, "warning": Style.WARNING, "info": Style.NAME}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A file that was read: its spec, or the error that it has instead.

    ``priority`` is that of the directory it is from, or None if it was named itself.
    """

    path: str
    priority: int | None
    data: bytes
    result: LoadedSpec | SpecError


def add_files(parser: argparse.ArgumentParser) -> None:
    """The argument that says which specs are meant."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="a spec, a directory of specs, or - for standard input "
        "(default: the spec directories)",
    )


def directories(options: argparse.Namespace) -> list[str]:
    """The directories that are meant, in rising priority. Raises: ConfigError."""
    if not options.files:
        return list(spec_dirs(options))
    return [argument for argument in options.files if _is_directory(argument)]


def check_files(options: argparse.Namespace) -> Iterator[Checked]:
    """Read all files that are meant. Raises: ConfigError."""
    for source, priority in _sources(options):
        yield _check(source, priority)


def registry_of(files: Sequence[Checked]) -> Registry:
    """What the directories among the files come to, as a runtime would see it."""
    return build_registry(
        [
            register(file.path, file.priority, file.result.spec, file.result.warnings)
            if isinstance(file.result, LoadedSpec)
            else BrokenFile(path=file.path, priority=file.priority, error=file.result)
            for file in files
            if file.priority is not None
        ]
    )


def plain_problem(problem: Problem) -> dict[str, Any]:
    """A problem as programs get it."""
    return {
        "rule": str(problem.rule),
        "message": problem.message,
        "line": problem.line,
        "column": problem.column,
        "pointer": problem.pointer,
    }


def print_problem(path: str, severity: str, problem: Problem) -> None:
    """One line for people, with the place in front, as compilers have it."""
    label = styled(severity, STYLES[severity])
    place = printable(_place(path, problem))
    print(f"{place}: {label}: {printable(str(problem))} [{problem.rule}]")


def counted(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def no_files(options: argparse.Namespace) -> str:
    """What to say if there is nothing to look at."""
    return f"there are no specs in {', '.join(directories(options))}"


def _sources(options: argparse.Namespace) -> Iterator[tuple[Source, int | None]]:
    if options.files:
        for index, argument in enumerate(options.files):
            priority = index if _is_directory(argument) else None
            for source in sources([argument]):
                yield source, priority
        return
    scan = scan_spec_dirs(spec_dirs(options))
    for spec_dir, reason in scan.dir_errors.items():
        yield Source(path=spec_dir, unlistable=reason), None
    for candidate in scan.candidates:
        yield Source(path=candidate.path), candidate.priority


def _is_directory(argument: str) -> bool:
    try:
        return argument != "-" and Path(argument).is_dir()
    except OSError:  # the reader has words for it
        return False


def _check(source: Source, priority: int | None) -> Checked:
    data = b""
    result: LoadedSpec | SpecError
    try:
        data = source.read()
        result = parse_spec(data, source.path)
    except SpecError as error:
        result = error
    return Checked(path=source.path, priority=priority, data=data, result=result)


def _place(path: str, problem: Problem) -> str:
    numbers = (problem.line, problem.column)
    return ":".join([path, *(str(number) for number in numbers if number is not None)])
