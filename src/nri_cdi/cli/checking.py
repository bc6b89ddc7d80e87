"""Specs that are looked at one by one: which are meant, and what is said of each."""

from __future__ import annotations

import argparse
import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from posixpath import join
from typing import Any

from nri_cdi.cdi.reading import LoadedSpec, parse_spec
from nri_cdi.cdi.registry import BrokenFile, Registry, build_registry, register
from nri_cdi.cdi.scan import scan_spec_dirs
from nri_cdi.cli.output import Style, styled
from nri_cdi.cli.sources import STANDARD_INPUT, Source, read_once, source_of
from nri_cdi.cli.specs import spec_dirs
from nri_cdi.errors import Problem, SpecError
from nri_cdi.quoting import printable

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


@dataclass(frozen=True, slots=True, kw_only=True)
class OurFiles:
    """The files of this machine: each is where its path says."""

    def locate(self, path: str) -> str:
        """Where ``path`` is. Raises: OSError, where that can't be told."""
        return path

    def source(self, path: str) -> Source:
        """The file at ``path``."""
        return Source(path=path)

    def spec_dirs(self, options: argparse.Namespace) -> tuple[str, ...]:
        """The spec directories that are meant. Raises: ConfigError."""
        return spec_dirs(options)


OURS = OurFiles()


def directories(options: argparse.Namespace, where: OurFiles = OURS) -> list[str]:
    """The directories that are meant, in rising priority. Raises: ConfigError."""
    if not options.files:
        return list(where.spec_dirs(options))
    return [each for each in options.files if _is_directory(each, where)]


def check_files(
    options: argparse.Namespace, where: OurFiles = OURS
) -> Iterator[Checked]:
    """Read all files that are meant. Raises: ConfigError."""
    read_once(options.files)
    for source, priority in _sources(options, where):
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


def no_files(options: argparse.Namespace, where: OurFiles = OURS) -> str:
    """What to say if there is nothing to look at."""
    return f"there are no specs in {', '.join(directories(options, where))}"


def reason_of(error: OSError) -> str:
    """What went wrong, as messages have it."""
    return os.strerror(error.errno or errno.EIO).lower()


def _sources(
    options: argparse.Namespace, where: OurFiles
) -> Iterator[tuple[Source, int | None]]:
    if not options.files:
        yield from _in_directories(where.spec_dirs(options), where)
    for index, argument in enumerate(options.files):
        if _is_directory(argument, where):
            for source, _ in _in_directories([argument], where):
                yield source, index
        elif argument in ("", STANDARD_INPUT):
            yield source_of(argument), None
        else:
            yield where.source(argument), None


def _in_directories(
    names: Iterable[str], where: OurFiles
) -> Iterator[tuple[Source, int | None]]:
    """The specs in directories, with the index of each; and what can't be listed."""
    found: list[tuple[str, str]] = []
    for name in names:
        try:
            found.append((where.locate(name), name))
        except FileNotFoundError:
            continue
        except OSError as error:
            yield Source(path=name, unlistable=reason_of(error)), None
    scan = scan_spec_dirs([place for place, _ in found])
    for place, reason in scan.dir_errors.items():
        yield Source(path=dict(found)[place], unlistable=reason), None
    for candidate in scan.candidates:
        _, name = found[candidate.priority]
        path = join(name, Path(candidate.path).name)
        yield where.source(path), candidate.priority


def _is_directory(argument: str, where: OurFiles) -> bool:
    try:
        is_path = argument not in ("", STANDARD_INPUT)
        return is_path and Path(where.locate(argument)).is_dir()
    except (OSError, ValueError):  # the reader has words for it
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
