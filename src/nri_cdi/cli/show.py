"""``nri-cdi show``: what devices bring into a container, and where it comes from."""

from __future__ import annotations

import argparse
from typing import Any

from nri_cdi.cdi.edits import Resolution, SourcedEdits
from nri_cdi.cdi.plain import to_plain
from nri_cdi.cli.edittext import describe
from nri_cdi.cli.inventory import errors
from nri_cdi.cli.output import TABLE, Style, add_output, print_value, styled
from nri_cdi.cli.process import EXIT_OK
from nri_cdi.cli.specs import asked_for, load_registry, say_errors
from nri_cdi.quoting import printable

EPILOG = """\
Names are as in a pod's annotation, or patterns with the wildcards * ? [ ] of the shell;
quote these. Edits come in the order in which they are made: those of a whole spec once,
before those of the first of its devices. Of two for the same variable, mount or device
node the last one counts.

Files that can't be used are told on stderr; JSON and YAML have them under "errors" too,
as nri-cdi list has them.

examples:
  nri-cdi show nvidia.com/gpu=0
  nri-cdi show nvidia.com/gpu=0 nvidia.com/gpu=all -o yaml
  nri-cdi show '*=all'
"""

_INDENT = "  "
_WIDTH = len("additional gid")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    parser.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        help="a device, vendor/class=name, or a pattern of devices",
    )
    add_output(parser)


def main(options: argparse.Namespace) -> int:
    """Print the edits for a request of these devices."""
    registry = load_registry(options)
    say_errors(registry)
    resolution = registry.resolve(asked_for(options.names, registry))
    if options.output == TABLE:
        _print(resolution)
    else:
        shown = {**_plain(resolution), "errors": errors(registry)}
        print_value(shown, options.output)
    return EXIT_OK


def _plain(resolution: Resolution) -> dict[str, Any]:
    return {
        "devices": list(resolution.devices),
        "parts": [
            {
                # None stands for the whole spec.
                "device": part.device or None,
                "kind": part.kind,
                "spec": part.path,
                "containerEdits": to_plain(part.edits),
            }
            for part in resolution.parts
        ],
        "containerEdits": to_plain(resolution.merged()),
    }


def _print(resolution: Resolution) -> None:
    for position, part in enumerate(resolution.parts):
        if position:
            print()
        print(_heading(part))
        for what, words in describe(part.edits):
            label = styled(what.ljust(_WIDTH), Style.FAINT)
            print(f"{_INDENT}{label}{_INDENT}{printable(words)}")


def _heading(part: SourcedEdits) -> str:
    name = part.device or f"{part.kind}, for any of its devices"
    path = styled(printable(part.path), Style.FAINT)
    return f"{styled(printable(name), Style.HEADING)}{_INDENT}{path}"
