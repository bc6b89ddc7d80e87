"""The command line, ``nri-cdi``: one verb a module.

A verb is three things: its arguments, one call into the library, and what it prints.
Its module, and what that imports, is loaded when the verb is used.

Exit status: 0 fine, 1 problems found, 2 usage.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import islice
from typing import Any, NoReturn

from nri_cdi import __version__
from nri_cdi.cli.process import (
    EXIT_PROBLEMS,
    EXIT_USAGE,
    drop_messages,
    drop_output,
    heed_interrupts,
    launched,
    say,
    say_error,
    standard_output,
    write_message,
)
from nri_cdi.errors import ConfigError, NriCdiError
from nri_cdi.quoting import printable

AFTER = "after_verb_"

END_OF_OPTIONS = "--"

# What a shell's completion calls; no verb, as it is for no person.
COMPLETE = "__complete"

# The reasons for which output can't be written that are nobody's mistake here.
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)

# What a shell says of a process that such a signal ended: 128 and its number.
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

# Each verb, its module below nri_cdi.cli, and what --help says of it.
VERBS = (
    ("run", "run", "the NRI plugin, in the foreground"),
    (
        "config",
        "config",
        "the plugin's settings, in effect or by default, and their errors",
    ),
    ("list", "listing", "devices, specs, vendors, classes or directories"),
    ("show", "show", "what devices bring, and where it comes from"),
    ("validate", "validate", "whether specs are valid: every error, with its place"),
    ("lint", "lint", "what is doubtful in valid specs, here and elsewhere"),
    ("fmt", "fmt", "specs in canonical form, comments kept"),
    ("convert", "convert", "a spec as YAML or JSON, or of another version"),
    ("inject", "inject", "devices into an OCI runtime specification"),
    ("explain", "explain", "what the containers of a pod would get"),
    ("monitor", "monitor", "changes of devices and specs, as they happen"),
    ("doctor", "doctor", "what is wrong on this node, and what mends it"),
    ("status", "status", "how the plugin stands: devices, holders, decisions"),
    ("annotate", "annotate", "the annotation that asks for devices"),
    ("completion", "completion", "the completion of commands, for a shell"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``nri-cdi`` with these arguments; the exit status comes back."""
    arguments = meant(sys.argv[1:] if argv is None else argv, os.environ)
    with standard_output():
        return _run(arguments)


def _run(arguments: list[str]) -> int:
    try:
        heed_interrupts()
        try:
            return _answer(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader has read enough, as ``head`` does.
        drop_output()
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError as error:
        if error.errno not in _UNWRITABLE or error.filename is not None:
            raise
        drop_output()
        closed = error.errno == errno.EBADF
        reason = "it is closed" if closed else os.strerror(error.errno).lower()
        say(f"the output can't be written: {reason}")
        return EXIT_PROBLEMS
    finally:
        drop_messages()


def meant(arguments: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """The arguments; a runtime starts the plugins of its directory without any."""
    return list(arguments) if arguments or not launched(environ) else ["run"]


def _answer(arguments: list[str]) -> int:
    if arguments[:1] == [COMPLETE]:
        from nri_cdi.cli.completion import candidates

        return candidates.main(arguments[1:])
    parser = make_parser(arguments)
    options, unknown = parser.parse_known_args(arguments)
    verb = getattr(options, "parser", parser)
    if unknown:
        verb.error(f"unrecognized arguments: {' '.join(unknown)}")
    if options.verb is None:
        write_message(parser.format_help())
        return EXIT_USAGE
    _merge(options)
    return _perform(options)


def _perform(options: argparse.Namespace) -> int:
    try:
        _check(options)
        return int(options.module.main(options))
    except NriCdiError as error:
        say_error(error)
        return EXIT_USAGE if isinstance(error, ConfigError) else EXIT_PROBLEMS


def _check(options: argparse.Namespace) -> None:
    """Raises: ConfigError, for what no verb can mean, be it of no use to this one."""
    level = getattr(options, "log_level", None)
    # The plugin tells all that is wrong in its settings at once.
    if level is not None and options.verb != "run":
        from nri_cdi.config import check_settings  # takes YAML along

        check_settings({"log_level": level}, "command line")


def _merge(options: argparse.Namespace) -> None:
    """Put what stands after the verb to what stands before it; it comes later."""
    given = vars(options)
    for name in [name for name in given if name.startswith(AFTER)]:
        value = given.pop(name)
        if isinstance(value, list):
            value = given.get(name.removeprefix(AFTER), []) + value
        given[name.removeprefix(AFTER)] = value


class _Parser(argparse.ArgumentParser):
    """Its messages go to standard error alone, and help that can't be written fails.

    argparse itself writes to standard output where the other one is closed, and is
    silent about errors.
    """

    def error(self, message: str) -> NoReturn:
        write_message(self.format_usage())
        write_message(f"{self.prog}: error: {printable(message)}\n")
        sys.exit(EXIT_USAGE)

    def _print_message(self, message: str, file: Any = None) -> None:
        (file or sys.stdout).write(message)


class _VerbParser(_Parser):
    """Takes options between and behind positional arguments, as everybody types them.

    argparse gives all positional arguments what stands before the first option.
    """

    def parse_known_args(  # type: ignore[override]  # of its three forms we need one
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        return super().parse_known_args(self._options_first(args or ()), namespace)

    def _options_first(self, arguments: Sequence[str]) -> list[str]:
        options: list[str] = []
        others: list[str] = []
        left = iter(arguments)
        for argument in left:
            if argument == END_OF_OPTIONS:
                others += (END_OF_OPTIONS, *left)
            elif argument.startswith("-") and argument != "-":
                options.append(argument)
                if self._takes_the_next(argument):
                    options += islice(left, 1)
            else:
                others.append(argument)
        return options + others

    def _takes_the_next(self, option: str) -> bool:
        action = self._option_string_actions.get(option)
        return action is not None and action.nargs != 0


def make_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser for these arguments: only the verbs in them have theirs."""
    parser = _Parser(
        prog="nri-cdi",
        description="Gives containers the CDI devices that their pods ask for.",
        parents=[global_options()],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"nri-cdi {__version__}")
    verbs = parser.add_subparsers(
        dest="verb", metavar="VERB", title="verbs", parser_class=_VerbParser
    )
    for name, module, purpose in VERBS:
        verb = verbs.add_parser(
            name,
            help=purpose,
            description=purpose[0].upper() + purpose[1:] + ".",
            parents=[global_options(AFTER)],
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if name in arguments:
            loaded: Any = import_module(f"nri_cdi.cli.{module}")
            verb.set_defaults(module=loaded, parser=verb)
            loaded.add_arguments(verb)
    return parser


def global_options(prefix: str = "") -> _VerbParser:
    """The options that may stand before or after the verb; none has a default.

    A verb's parser would overwrite the values of the parser before it, so those that
    stand after the verb have names with a ``prefix``.
    """
    options = _VerbParser(
        add_help=False,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    options.add_argument(
        "--spec-dir",
        action="append",
        metavar="DIR",
        dest=f"{prefix}spec_dirs",
        help="a directory of CDI specs; repeat it for more, later ones have priority "
        "(default: /etc/cdi and /var/run/cdi)",
    )
    options.add_argument(
        "--config",
        metavar="FILE",
        dest=f"{prefix}config",
        help="a configuration file",
    )
    options.add_argument(
        "--log-level",
        metavar="LEVEL",
        dest=f"{prefix}log_level",
        help="debug, info (the default), warning or error",
    )
    return options
