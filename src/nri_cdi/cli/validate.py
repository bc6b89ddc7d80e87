"""``nri-cdi validate``: whether specs are valid."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from nri_cdi.cdi.reading import LoadedSpec
from nri_cdi.cli.checking import (
    Checked,
    add_files,
    check_files,
    counted,
    no_files,
    plain_problem,
    print_problem,
    registry_of,
)
from nri_cdi.cli.output import TABLE, Style, add_output, print_value, styled
from nri_cdi.cli.process import EXIT_OK, EXIT_PROBLEMS, say
from nri_cdi.errors import Problem
from nri_cdi.quoting import printable

EPILOG = """\
Every error of every file is reported, with line, column and place. A file with an error
is not used by any runtime; one with warnings is. Exit status 1 says that a file is not
ok. What is valid but doubtful is for `nri-cdi lint`.

examples:
  nri-cdi validate
  nri-cdi validate vendor.yaml /etc/cdi
  nri-cdi validate -o json vendor.yaml
  vendor-tool generate | nri-cdi validate -
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    add_files(parser)
    add_output(parser)


def main(options: argparse.Namespace) -> int:
    """Validate the files; the status is 1 if one of them is not ok."""
    files = list(check_files(options))
    if options.output == TABLE:
        for file in files:
            _print(file)
        say(_summary(files) if files else no_files(options))
        _say_conflicts(files)
    else:
        print_value({"files": [_plain(file) for file in files]}, options.output)
    return EXIT_OK if all(map(_is_ok, files)) else EXIT_PROBLEMS


def _is_ok(file: Checked) -> bool:
    return isinstance(file.result, LoadedSpec)


def _errors(file: Checked) -> Sequence[Problem]:
    return () if isinstance(file.result, LoadedSpec) else file.result.problems


def _warnings(file: Checked) -> Sequence[Problem]:
    return file.result.warnings if isinstance(file.result, LoadedSpec) else ()


def _plain(file: Checked) -> dict[str, Any]:
    return {
        "path": file.path,
        "ok": _is_ok(file),
        "errors": [plain_problem(error) for error in _errors(file)],
        "warnings": [plain_problem(warning) for warning in _warnings(file)],
    }


def _print(file: Checked) -> None:
    for error in _errors(file):
        print_problem(file.path, "error", error)
    for warning in _warnings(file):
        print_problem(file.path, "warning", warning)
    if _is_ok(file):
        print(f"{printable(file.path)}: {styled('ok', Style.GOOD)}")


def _summary(files: Sequence[Checked]) -> str:
    errors = sum(len(_errors(file)) for file in files)
    warnings = sum(len(_warnings(file)) for file in files)
    ok = sum(map(_is_ok, files))
    return (
        f"{counted(len(files), 'file')}, {ok} ok: "
        f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
    )


def _say_conflicts(files: Sequence[Checked]) -> None:
    """Valid files can exclude each other; that is no error of any of them."""
    conflicts = registry_of(files).conflicts
    if conflicts:
        name = min(conflicts)
        more = f" and {len(conflicts) - 1} more" if len(conflicts) > 1 else ""
        say(f"nobody gets {name}{more}: several files define it; see nri-cdi lint")
