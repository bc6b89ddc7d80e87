"""``nri-cdi run``: the NRI plugin."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import fields, replace

from nri_cdi.cli.process import EXIT_USAGE, launched, say_error
from nri_cdi.cli.specs import config_path
from nri_cdi.config import Config, check_settings, load_config
from nri_cdi.errors import ConfigError

EPILOG = """\
The configuration is read from --config, or from /etc/nri-cdi/config.yaml if that is
there; a flag wins over it. A plugin that the runtime launches reads neither of them
unless it is told to: the runtime has its configuration.

examples:
  nri-cdi run
  nri-cdi run --spec-dir /etc/cdi --spec-dir /var/run/cdi --log-level debug
  nri-cdi run --socket /run/nri/nri.sock --index 20
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    defaults = Config()
    for flag, metavar, text in (
        ("--socket", "PATH", f"the runtime's NRI socket (default: {defaults.socket})"),
        ("--name", "NAME", f"the plugin's name (default: {defaults.name})"),
        ("--index", "NN", f"two digits, the order of plugins ({defaults.index})"),
    ):
        parser.add_argument(flag, metavar=metavar, default=argparse.SUPPRESS, help=text)


def main(options: argparse.Namespace) -> int:
    """Run the plugin until it is told to stop."""
    broken: ConfigError | None = None
    try:
        config = _config(options)
    except ConfigError as error:
        if not launched(os.environ):
            say_error(error)
            return EXIT_USAGE
        # A runtime that can't start a plugin may not start itself, or goes on without
        # it. So the plugin runs, and refuses the containers that need it.
        config, broken = Config(), error
    # asyncio does without TLS where Python was built without it. The plugin has no use
    # for it, and it would take 4 MB. Source: The import system, "The module cache".
    sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]  # a module, or None
    from nri_cdi.daemon import run  # the event loop and protobuf: not for --help

    return run(config, os.environ, broken=broken)


def _config(options: argparse.Namespace) -> Config:
    settings = {field.name for field in fields(Config)}
    flags = {name: value for name, value in vars(options).items() if name in settings}
    checked = check_settings(flags, "command line")
    told = getattr(options, "config", None)
    path = told if launched(os.environ) else config_path(options)
    base = Config() if path is None else load_config(path)
    return replace(base, **checked)
