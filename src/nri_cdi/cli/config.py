"""``nri-cdi config``: the plugin's settings."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from nri_cdi.cli.checking import counted, plain_problem, print_problem
from nri_cdi.cli.output import (
    TABLE,
    YAML,
    Style,
    Styled,
    add_output,
    print_table,
    print_value,
    styled,
)
from nri_cdi.cli.process import EXIT_OK, EXIT_PROBLEMS, EXIT_USAGE, say, say_error
from nri_cdi.cli.settings import add_settings, loader_of
from nri_cdi.cli.sources import Source, source_of
from nri_cdi.config import Config
from nri_cdi.config.reading import settings_of_file
from nri_cdi.config.reloading import DEFAULT
from nri_cdi.config.writing import default_file, plain
from nri_cdi.errors import ConfigError, Problem, SpecError
from nri_cdi.policy import Policy
from nri_cdi.quoting import printable

SHOW, DEFAULTS, CHECK, FAIL_CLOSED = ("show", "default", "check", "fail-closed")

EPILOG = """\
show         the settings that `nri-cdi run` would have here and now, with the flags
             given, and what each is from; as YAML it is a configuration file
default      a configuration file with every setting, its default and its meaning
check        every error in the configuration, with line and column; of FILE, or of all
             that `nri-cdi run` would read
fail-closed  what to set in the runtime, so that containers fail without the plugin

The plugin reads /etc/nri-cdi/config.yaml, or the file of --config. Variables of its
environment win over the file, and flags over both. The environment of this command is
not that of a running plugin; `nri-cdi status` asks that one.

exit status: 0 fine, 1 check found problems, 2 usage, or a wrong configuration

examples:
  nri-cdi config show
  nri-cdi config show -o yaml --exclusive 'nvidia.com/gpu=*'
  nri-cdi config default > config.yaml
  nri-cdi config check config.yaml
  nri-cdi config fail-closed --runtime containerd:2.2.0
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    parser.add_argument(
        "what",
        nargs="?",
        choices=tuple(_ANSWERS),
        default=SHOW,
        help=f"{', '.join(_ANSWERS)} (default: {SHOW})",
    )
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="with check: the file to check; - for standard input",
    )
    parser.add_argument(
        "--runtime",
        metavar="RUNTIME",
        help="with fail-closed: containerd or cri-o, or with a version, such as "
        "containerd:2.2.0 (default: the one on this node)",
    )
    add_settings(parser)
    add_output(parser)


def main(options: argparse.Namespace) -> int:
    """Do what is asked for."""
    if options.file is not None and options.what != CHECK:
        options.parser.error(f"{options.what} takes no FILE")
    if options.runtime is not None and options.what != FAIL_CLOSED:
        options.parser.error(f"--runtime goes with {FAIL_CLOSED} alone")
    return _ANSWERS[options.what](options)


def _show(options: argparse.Namespace) -> int:
    loaded = loader_of(options).read()
    for error in loaded.errors:
        say_error(error)
    if loaded.errors:
        return EXIT_USAGE
    if options.output != TABLE:
        print_value(plain(loaded.config), options.output)
        return EXIT_OK
    rows = [
        (key, _cell(getattr(loaded.config, key)), _source(source))
        for key, source in loaded.sources.items()
    ]
    print_table(("KEY", "VALUE", "SOURCE"), rows)
    return EXIT_OK


def _default(options: argparse.Namespace) -> int:
    if options.output in (TABLE, YAML):
        sys.stdout.write(default_file())
    else:
        print_value(plain(Config()), options.output)
    return EXIT_OK


def _check(options: argparse.Namespace) -> int:
    if options.file is None:
        loader = loader_of(options)
        path, errors = loader.path, list(loader.read().errors)
    else:
        source = source_of(options.file)
        path, errors = source.path, list(_errors_of(source))
    if options.output == TABLE:
        _print_errors(path, errors)
    else:
        print_value({"files": _plain_errors(path, errors)}, options.output)
    return EXIT_PROBLEMS if errors else EXIT_OK


def _errors_of(source: Source) -> Iterable[ConfigError]:
    try:
        settings_of_file(source.read(), source.path)
    except ConfigError as error:
        yield error
    except SpecError as error:  # the file can't be read
        yield ConfigError(error.path, error.problems)


def _print_errors(path: str, errors: Sequence[ConfigError]) -> None:
    for error in errors:
        for problem in error.problems:
            print_problem(error.path, "error", problem)
    if not path:
        say("there is no configuration file here; the defaults hold")
    elif not errors:
        print(f"{printable(path)}: {styled('ok', Style.GOOD)}")
    say(counted(sum(len(error.problems) for error in errors), "error"))


def _plain_errors(path: str, errors: Sequence[ConfigError]) -> list[dict[str, Any]]:
    by_path: dict[str, tuple[Problem, ...]] = {path: ()} if path else {}
    by_path |= {error.path: error.problems for error in errors}
    return [
        {
            "path": each,
            "ok": not problems,
            "errors": [plain_problem(problem) for problem in problems],
        }
        for each, problems in by_path.items()
    ]


def _fail_closed(options: argparse.Namespace) -> int:
    from nri_cdi.cli import failclosed

    return failclosed.main(options)


_ANSWERS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    SHOW: _show,
    DEFAULTS: _default,
    CHECK: _check,
    FAIL_CLOSED: _fail_closed,
}


def _source(source: str) -> str:
    return Styled(source, Style.FAINT) if source == DEFAULT else source


def _cell(value: Any) -> str:
    """A value in a line, for people."""
    if isinstance(value, Policy):
        rules = counted(len(value.rules), "rule")
        return f"{rules}, else {value.default}"
    if isinstance(value, tuple):
        items = ("=".join(item) if isinstance(item, tuple) else item for item in value)
        return ", ".join(items) or "-"
    return value or "-"
