"""``nri-cdi fmt``: specs in canonical form."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from collections.abc import Iterator

from nri_cdi.cdi.formatting import format_spec
from nri_cdi.cdi.reading import read_file
from nri_cdi.cli.output import Style, styled
from nri_cdi.cli.process import EXIT_OK, EXIT_PROBLEMS, say, say_error
from nri_cdi.cli.rewrites import open_stream, print_text, write_text
from nri_cdi.cli.sources import STANDARD_INPUT, Source, sources
from nri_cdi.errors import DocumentError
from nri_cdi.quoting import printable

EPILOG = """\
Canonical form has the fields in the order of the CDI specification, one value a line,
two spaces a level, no quotes where none are needed, and numbers in decimal: of 0666
and 0o666 each is another number, or none, to some readers. Devices, list items,
comments and single blank lines stay; a comment moves with what it is about: what comes
next, or the block that it is in and ends. What is an item of the list above without its
# stays in that list. What a file starts with, up to the first blank line or field,
stays at the top.

YAML stays YAML, JSON stays JSON. What can't be kept is refused, and the file left
alone: anchors and aliases, further documents, and comments in JSON among others.

A directory stands for the specs in it. Without FILE, or with -, the spec is read from
standard input. Without --write, --check or --diff, the canonical form of one spec is
printed.

Exit status: 0 fine, 1 if a spec is invalid or can't be kept whole, and with --check
also if a file would change, 2 usage.

examples:
  nri-cdi fmt /etc/cdi/vendor.yaml
  nri-cdi fmt --diff /etc/cdi
  nri-cdi fmt --write /etc/cdi/vendor.yaml /etc/cdi/other.json
  nri-cdi fmt --check --diff /etc/cdi
  vendor-tool generate | nri-cdi fmt > vendor.yaml
"""

_CHANGES = {"+": Style.GOOD, "-": Style.BAD, "@": Style.NAME}

_LINE = re.compile("[^\n]*\n|[^\n]+")
_NO_LINE_FEED = "\\ No newline at end of file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="a spec, a directory of specs, or - for standard input (the default)",
    )
    parser.add_argument(
        "-w",
        "--write",
        action="store_true",
        help="rewrite files that are not in canonical form, and print their names",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="print the names of files that are not in canonical form; write nothing",
    )
    parser.add_argument(
        "--diff",
        action="store_true",
        help="print what changes, as a unified diff, instead of names",
    )


def main(options: argparse.Namespace) -> int:
    """Format all files; those that can't be don't keep the others from it."""
    arguments = options.files or [STANDARD_INPUT]
    _check_usage(options, arguments)
    found = list(sources(arguments))
    if options.write:
        _check_writable(options, found)
    if not options.files and sys.stdin is not None and sys.stdin.isatty():
        say("reading a spec from standard input; end it with Ctrl-D, or name a FILE")
    if not found:
        say(f"there are no specs in {', '.join(arguments)}")
    elif len(found) > 1 and not (options.write or options.check or options.diff):
        options.parser.error(
            f"{len(found)} files can't be printed as one; "
            "use --write, --check or --diff, or name one file"
        )
    return max([_try(source, options) for source in found], default=EXIT_OK)


def _check_usage(options: argparse.Namespace, arguments: list[str]) -> None:
    if options.write and options.check:
        options.parser.error("--check writes nothing; leave it or --write out")
    if options.write and STANDARD_INPUT in arguments:
        options.parser.error("--write needs files, and can't write to standard input")
    if arguments.count(STANDARD_INPUT) > 1:
        options.parser.error("standard input can be read only once")


def _check_writable(options: argparse.Namespace, found: list[Source]) -> None:
    for source in found:
        if open_stream(source.path) is not None:
            options.parser.error(
                f"--write needs files, and can't write to {printable(source.path)}, "
                "which is open already"
            )


def _try(source: Source, options: argparse.Namespace) -> int:
    try:
        return _format(source, options)
    except DocumentError as error:
        say_error(error)
        return EXIT_PROBLEMS


def _format(source: Source, options: argparse.Namespace) -> int:
    old = source.read()
    text = format_spec(old, source.path)
    if not (options.write or options.check or options.diff):
        return print_text(text)
    if text.encode() == old:
        return EXIT_OK
    if options.write and _write(source, old, text) != EXIT_OK:
        return EXIT_PROBLEMS
    if options.diff:
        _print_diff(old.decode(), text, printable(source.path))
    else:
        print(printable(source.path))
    return EXIT_PROBLEMS if options.check else EXIT_OK


def _write(source: Source, old: bytes, text: str) -> int:
    # To format a large spec takes seconds, in which somebody may have saved it.
    if read_file(source.path) != old:
        say(f"{source.path}: it has changed meanwhile, and is left alone; try again")
        return EXIT_PROBLEMS
    # The file itself is replaced where a symbolic link leads to it.
    return write_text(os.path.realpath(source.path), text)


def _print_diff(old: str, new: str, path: str) -> None:
    show = _seen if sys.stdout.isatty() else str
    lines = (
        styled(show(line), _CHANGES.get(line[0], Style.PLAIN))
        for line in _diff(old, new, path)
    )
    print_text("".join(f"{line}\n" for line in lines))


def _seen(line: str) -> str:
    """A line of a diff, with escapes for what a terminal would obey."""
    return "".join(letter if letter == "\t" else printable(letter) for letter in line)


def _diff(old: str, new: str, path: str) -> Iterator[str]:
    """The lines of a unified diff, such as patch(1) takes."""
    before, after = _LINE.findall(old), _LINE.findall(new)
    for line in difflib.unified_diff(before, after, path, f"{path} (canonical)"):
        yield line.removesuffix("\n")
        if not line.endswith("\n"):
            yield _NO_LINE_FEED
