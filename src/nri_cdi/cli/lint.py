"""``nri-cdi lint``: what is doubtful about specs, or about devices asked for."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from nri_cdi.cdi.lint import (
    Finding,
    Host,
    LintRule,
    Severity,
    lint_document,
    lint_registry,
    lint_request,
    unread_entries,
)
from nri_cdi.cdi.lint.findings import of_problem
from nri_cdi.cdi.reading import LoadedSpec
from nri_cdi.cdi.rules import Rule
from nri_cdi.cli.checking import (
    Checked,
    add_files,
    check_files,
    directories,
    no_files,
    reason_of,
    registry_of,
)
from nri_cdi.cli.findings import (
    Linted,
    print_linted,
    print_nothing,
    print_request,
    print_rules,
)
from nri_cdi.cli.hostfiles import HostFiles
from nri_cdi.cli.output import add_output
from nri_cdi.cli.process import EXIT_OK, EXIT_PROBLEMS
from nri_cdi.cli.specs import asked_for, say_errors
from nri_cdi.quoting import quoted_path

EPILOG = """\
An error does not work, on this host or on any. A warning is probably not what is meant.
An info could be better. Exit status 1 says that there is an error or a warning among
what is shown. Specs that are not valid are errors too, as `nri-cdi validate` has them;
no option hides these.

With --root the specs are those of the host too: without FILE or --spec-dir, in the spec
directories below DIR. Whatever lies below DIR is read as that host would read it, so no
link leads out of DIR.

The files of a directory are also compared with each other. With --request the edits of
those devices are, as one container would get them, and nothing else.

examples:
  nri-cdi lint
  nri-cdi lint vendor.yaml
  nri-cdi lint --no-host --severity warning --ignore hook-without-env vendor.yaml
  nri-cdi lint --root /host
  nri-cdi lint --root /host /host/etc/cdi vendor.yaml
  nri-cdi lint --request vendor.com/gpu=0,vendor.com/gpu=all
  nri-cdi lint --rules
"""

# What the reader warns of; lint takes these along.
_READER_WARNINGS = (Rule.REMOVED_FIELD, Rule.REPEATED_FIELD)

IDS = frozenset(rule.id for rule in LintRule) | frozenset(map(str, _READER_WARNINGS))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    add_files(parser)
    add_output(parser)
    host = parser.add_mutually_exclusive_group()
    host.add_argument(
        "--no-host",
        action="store_true",
        help="don't look at this host: the specs are for another one",
    )
    host.add_argument(
        "--root",
        metavar="DIR",
        type=_directory,
        help="where the root of the host is (default: /)",
    )
    parser.add_argument(
        "--severity",
        choices=[str(severity) for severity in Severity],
        default=str(Severity.INFO),
        help="the mildest severity that is shown (default: info)",
    )
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="RULE",
        type=_rule,
        help="a rule that is not looked at; repeat it for more",
    )
    parser.add_argument(
        "--request",
        action="append",
        metavar="NAMES",
        help="devices that one container asks for, comma separated",
    )
    parser.add_argument("--rules", action="store_true", help="list all rules")


def main(options: argparse.Namespace) -> int:
    """Lint the files or a request; the status is 1 for a warning or worse."""
    if options.rules:
        print_rules(options.output)
        return EXIT_OK
    where = HostFiles(host=Host(root=options.root or "/"))
    files = list(check_files(options, where))
    if options.request is not None:
        return _lint_request(options, files)
    found = _lint(files, where, options)
    linted = [_shown(each, options) for each in found]
    if linted:
        print_linted(linted, options.output)
    else:
        print_nothing(no_files(options, where), options.output)
    return EXIT_OK if all(each.is_ok for each in linted) else EXIT_PROBLEMS


def _directory(text: str) -> str:
    try:
        # What is left of an unset variable would mean the present directory.
        is_directory = bool(text) and Path(text).is_dir()
    except OSError as error:
        message = f"{quoted_path(text)} can't be looked at: {reason_of(error)}"
        raise argparse.ArgumentTypeError(message) from error
    if not is_directory:
        message = f"{quoted_path(text)} is not a directory"
        raise argparse.ArgumentTypeError(message)
    return text


def _rule(text: str) -> str:
    if text not in IDS:
        near = get_close_matches(text, IDS, n=1)
        hint = f"; did you mean {near[0]}?" if near else "; --rules lists them"
        raise argparse.ArgumentTypeError(f"there is no rule {text!r}{hint}")
    return text


def _lint(
    files: Sequence[Checked], where: HostFiles, options: argparse.Namespace
) -> Iterator[Linted]:
    host = None if options.no_host else where.host
    between = lint_registry(registry_of(files))
    for file in files:
        others = between.get(file.path, ()) if file.priority is not None else ()
        yield _lint_file(file, host, others)
    for directory in directories(options, where):
        for path, finding in unread_entries(directory, where.locate).items():
            yield Linted(path=path, findings=(finding,))


def _lint_file(file: Checked, host: Host | None, others: Sequence[Finding]) -> Linted:
    if not isinstance(file.result, LoadedSpec):
        problems = file.result.problems
        errors = tuple(of_problem(problem, Severity.ERROR) for problem in problems)
        return Linted(path=file.path, findings=errors, is_valid=False)
    found = lint_document(file.data, file.result, host=host, others=others)
    return Linted(path=file.path, findings=found)


def _lint_request(options: argparse.Namespace, files: Sequence[Checked]) -> int:
    """Raises: ResolveError, if there is a device that the files don't define."""
    registry = registry_of(
        [replace(file, priority=file.priority or 0) for file in files]
    )
    say_errors(registry)
    listed = (name for names in options.request for name in names.split(","))
    resolution = registry.resolve(asked_for(map(str.strip, listed), registry))
    found = Linted(path="", findings=tuple(lint_request(resolution)))
    shown = _shown(found, options)
    print_request(resolution, shown, registry, options.output)
    return EXIT_OK if shown.is_ok else EXIT_PROBLEMS


def _shown(linted: Linted, options: argparse.Namespace) -> Linted:
    if not linted.is_valid:
        return linted
    findings = (
        finding
        for finding in linted.findings
        if finding.severity.is_at_least(Severity(options.severity))
        and finding.rule not in options.ignore
    )
    return replace(linted, findings=tuple(findings))
