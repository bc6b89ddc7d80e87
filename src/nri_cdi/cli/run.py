"""``nri-cdi run``: the NRI plugin."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace

from nri_cdi.config import Config, check_settings, load_config
from nri_cdi.errors import ConfigError

DEFAULT_CONFIG = "/etc/nri-cdi/config.yaml"

EPILOG = """\
The configuration is read from --config, or from /etc/nri-cdi/config.yaml if that is
there; a flag wins over it. A plugin that the runtime launches is configured by the
runtime.

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
    try:
        config = _config(options)
    except ConfigError as error:
        for line in error.lines():
            print(f"nri-cdi: {line}", file=sys.stderr)
        return 2
    # asyncio does without TLS where Python was built without it. The plugin has no use
    # for it, and it would take 4 MB. Source: The import system, "The module cache".
    sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]  # a module, or None
    from nri_cdi.daemon import run  # the event loop and protobuf: not for --help

    return run(config, os.environ)


def _config(options: argparse.Namespace) -> Config:
    flags = {
        name: value
        for name, value in vars(options).items()
        if name in ("socket", "name", "index", "spec_dirs", "log_level")
    }
    checked = check_settings(flags, "command line")
    path = getattr(options, "config", None)
    if path is None and os.path.exists(DEFAULT_CONFIG):  # noqa: PTH110 (a constant)
        path = DEFAULT_CONFIG
    base = Config() if path is None else load_config(path)
    return replace(base, **checked)
