"""The plugin's settings as flags, and the loader that has them over the rest."""

from __future__ import annotations

import argparse
import os

from nri_cdi.cli.process import launched
from nri_cdi.cli.specs import DEFAULT_CONFIG
from nri_cdi.config import BY_KEY, OPTIONS, Loader, Option

# Every verb has these, before and behind it.
GLOBAL = frozenset({"--spec-dir", "--log-level"})


def add_settings(parser: argparse.ArgumentParser) -> None:
    """The flags of all settings, but for those that every verb has."""
    for option in OPTIONS:
        if option.flag and option.flag not in GLOBAL:
            parser.add_argument(
                option.flag,
                dest=option.key,
                metavar=option.metavar,
                action="append" if option.separator else "store",
                default=argparse.SUPPRESS,
                help=_help(option),
            )
        if option.constants:
            _add_constants(parser, option)


def loader_of(options: argparse.Namespace) -> Loader:
    """What reads the configuration of a plugin that is started with these options.

    One that a runtime launches has its configuration from there, and reads no file
    unless it is told to.
    """
    given = vars(options)
    flags = {key: given[key] for key in BY_KEY if key in given}
    told: str | None = given.get("config")
    if told is None and launched(os.environ):
        return Loader(None, os.environ, flags)
    path = DEFAULT_CONFIG if told is None else told
    return Loader(path, os.environ, flags, may_be_missing=told is None)


def _add_constants(parser: argparse.ArgumentParser, option: Option) -> None:
    group = parser.add_mutually_exclusive_group()
    for constant in option.constants:
        group.add_argument(
            constant.flag,
            dest=option.key,
            action="store_const",
            const=constant.value,
            default=argparse.SUPPRESS,
            help=constant.summary,
        )


def _help(option: Option) -> str:
    again = "; repeat it for more" if option.separator else ""
    default = f" (default: {option.default})" if option.default else ""
    return f"{option.summary}{again}{default}".replace("%", "%%")
