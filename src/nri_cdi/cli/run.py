"""``nri-cdi run``: the NRI plugin."""

from __future__ import annotations

import argparse
import os
import sys

from nri_cdi.cli.process import EXIT_USAGE, launched, say_error
from nri_cdi.cli.settings import add_settings, loader_of
from nri_cdi.config import Config

EPILOG = """\
The configuration is read from --config, or from /etc/nri-cdi/config.yaml if that is
there. Variables of the environment win over it, and flags over both; `nri-cdi config
default` has their names. A plugin that the runtime launches reads no file unless it is
told to: the runtime has its configuration.

SIGHUP has the configuration and the specs read again.

exit status: 0 it was told to end, 1 it can't serve, 2 usage, or a wrong configuration

examples:
  nri-cdi run
  nri-cdi run --spec-dir /etc/cdi --spec-dir /var/run/cdi --log-level debug
  nri-cdi run --socket /run/nri/nri.sock --index 20
  nri-cdi run --validate --status /run/nri-cdi/status.sock
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    add_settings(parser)


def main(options: argparse.Namespace) -> int:
    """Run the plugin until it is told to stop."""
    loader = loader_of(options)
    loaded = loader.read()
    config, broken = loaded.config, None
    if loaded.errors:
        if not launched(os.environ):
            for error in loaded.errors:
                say_error(error)
            return EXIT_USAGE
        # A runtime that can't start a plugin may not start itself, or goes on without
        # it. So the plugin runs, and refuses the containers that need it.
        config, broken = Config(), loaded.errors[0]
    # asyncio does without TLS where Python was built without it. The plugin has no use
    # for it, and it would take 4 MB. Source: The import system, "The module cache".
    sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]  # a module, or None
    from nri_cdi.daemon import run  # the event loop and protobuf: not for --help

    return run(config, os.environ, broken=broken, loader=loader)
