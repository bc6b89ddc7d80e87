"""``nri-cdi convert``: a spec as YAML or JSON, or of another version."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from nri_cdi.cdi.formatting import form_of, rewrite_spec
from nri_cdi.cdi.reading import parse_spec
from nri_cdi.cdi.version import minimum_version, parse_version
from nri_cdi.cdi.writing import SpecFormat
from nri_cdi.cli.checking import counted
from nri_cdi.cli.process import say
from nri_cdi.cli.rewrites import (
    is_standard_output,
    open_stream,
    print_text,
    write_text,
)
from nri_cdi.cli.sources import source_of
from nri_cdi.errors import InvalidNameError

EPILOG = """\
The spec comes out in canonical form, as of nri-cdi fmt, in YAML or JSON. Which of them
it is, the first of these says: --output; the extension of the file of --write; that a
version was asked for: then it stays what it is; otherwise it becomes the other one.
What a spec is now is seen from its content, and not from its name.

Comments stay in YAML. JSON has none: a message says how many are left out.

Without --write, or with - or /dev/stdout, the spec is printed. A file that is there
already is not overwritten without --force.

examples:
  nri-cdi convert vendor.yaml > vendor.json
  nri-cdi convert -o yaml --write vendor.yaml vendor.json
  nri-cdi convert --min-version --write old.yaml vendor.yaml
  nri-cdi convert --version 0.6.0 -o json vendor.yaml
  vendor-tool generate | nri-cdi convert -
"""

STANDARD_OUTPUT = "-"

_FORMS = {form.value.removeprefix("."): form for form in SpecFormat}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    parser.add_argument("file", metavar="FILE", help="a spec; - is standard input")
    parser.add_argument(
        "-o",
        "--output",
        "--to",
        choices=sorted(_FORMS),
        help="the form of the spec that comes out",
    )
    versions = parser.add_mutually_exclusive_group()
    versions.add_argument(
        "--min-version",
        action="store_true",
        help="set cdiVersion to the oldest one that has all that is in the spec",
    )
    versions.add_argument(
        "--version",
        dest="cdi_version",
        type=_cdi_version,
        metavar="VERSION",
        help="set cdiVersion to this; an error if the spec has newer things in it",
    )
    parser.add_argument(
        "--write", metavar="FILE", help="where it goes (default: standard output)"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="overwrite the file of --write if it is there",
    )


def main(options: argparse.Namespace) -> int:
    """Rewrite one spec."""
    target = _target(options)
    if options.force and target is None:
        options.parser.error("--force is for --write with a file")
    source = source_of(options.file)
    path, data = source.path, source.read()
    version = options.cdi_version
    if options.min_version:
        version = minimum_version(parse_spec(data, path).spec)
    form = _form(options.output, target, form_of(data), keeps=version is not None)
    rewritten = rewrite_spec(data, path, form=form, version=version)
    if rewritten.lost_comments:
        lost = counted(rewritten.lost_comments, "comment")
        say(f"{path}: {lost} left out; JSON has none")
    if target is None:
        return print_text(rewritten.text)
    path = os.path.realpath(target) if options.force else target
    return write_text(path, rewritten.text, overwrite=options.force)


def _target(options: argparse.Namespace) -> str | None:
    """The file that is to be written; None for standard output."""
    path: str | None = options.write
    if path is None or path == STANDARD_OUTPUT:
        return None
    stream = open_stream(path)
    if stream is None:
        return path
    if not is_standard_output(stream):
        options.parser.error(
            f"--write needs a file, and can't write to {path}, which is open already; "
            "leave it out, and redirect standard output"
        )
    return None


def _form(
    wanted: str | None, target: str | None, present: SpecFormat, *, keeps: bool
) -> SpecFormat:
    """What the spec becomes; with ``keeps`` it stays ``present`` if nothing says."""
    extension = Path(target or "").suffix
    name = wanted or extension.removeprefix(".")
    if name in _FORMS:
        return _FORMS[name]
    if keeps:
        return present
    return next(form for form in SpecFormat if form is not present)


def _cdi_version(text: str) -> str:
    try:
        return parse_version(text)
    except InvalidNameError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
