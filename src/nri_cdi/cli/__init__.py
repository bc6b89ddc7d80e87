"""The command line, ``nri-cdi``: one verb a module.

A verb is three things: its arguments, one call into the library, and what it prints.
Its module, and what that imports, is loaded when the verb is used.

Exit status: 0 fine, 1 problems found, 2 usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from nri_cdi import __version__

EXIT_PROBLEMS = 1
EXIT_USAGE = 2

# Each verb, its module below nri_cdi.cli, and what --help says of it.
VERBS = (("run", "run", "the NRI plugin, in the foreground"),)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``nri-cdi`` with these arguments; the exit status comes back."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments and "NRI_PLUGIN_SOCKET" in os.environ:
        # A runtime starts the executables of its plugin directory without arguments.
        arguments = ["run"]
    # The parser of a verb would start its lists anew, without what stands before it.
    options, arguments = global_options().parse_known_args(arguments)
    parser = _parser(arguments)
    options = parser.parse_args(arguments, options)
    if options.verb is None:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    return int(options.module.main(options))


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nri-cdi",
        description="Gives containers the CDI devices that their pods ask for.",
        parents=[global_options()],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"nri-cdi {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    for name, module, purpose in VERBS:
        verb = verbs.add_parser(
            name,
            help=purpose,
            description=purpose[0].upper() + purpose[1:] + ".",
            parents=[global_options()],
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if name in arguments:
            loaded: Any = import_module(f"nri_cdi.cli.{module}")
            verb.set_defaults(module=loaded)
            loaded.add_arguments(verb)
    return parser


def global_options() -> argparse.ArgumentParser:
    """The options that may stand before or after the verb; none has a default."""
    options = argparse.ArgumentParser(
        prog="nri-cdi",
        add_help=False,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    options.add_argument(
        "--spec-dir",
        action="append",
        metavar="DIR",
        dest="spec_dirs",
        help="a directory of CDI specs; repeat it for more, the last one goes first "
        "(default: /etc/cdi and /var/run/cdi)",
    )
    options.add_argument("--config", metavar="FILE", help="a configuration file")
    options.add_argument(
        "--log-level",
        metavar="LEVEL",
        help="debug, info (the default), warning or error",
    )
    return options
