"""``nri-cdi status``: how the plugin of this node stands."""

from __future__ import annotations

import argparse
from typing import Any

from nri_cdi.cli.output import TABLE, add_output, print_value
from nri_cdi.cli.process import EXIT_OK, EXIT_PROBLEMS, misused, say

EPILOG = """\
The plugin is asked through its status socket: that of --address, else that of the
configuration. It is off unless the configuration has one.

--check prints nothing as long as all is well: it is for a probe. The plugin is healthy
if it answers, and ready once it serves containers.

exit status: 0 the plugin serves containers, 1 it doesn't or can't be reached, 2 usage,
or a wrong configuration

examples:
  nri-cdi status
  nri-cdi status -o json | jq '.devices[] | select(.holders != [])'
  nri-cdi status --address /run/nri-cdi/status.sock --check ready
  nri-cdi status --address 127.0.0.1:9464
"""

CHECKS = {"healthy": "/healthz", "ready": "/readyz"}

_OK = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    parser.add_argument(
        "--address",
        metavar="ADDRESS",
        help="a socket's path, 127.0.0.1:PORT or [::1]:PORT "
        "(default: that of the configuration)",
    )
    parser.add_argument(
        "--check",
        choices=tuple(CHECKS),
        help="only say what is wrong",
    )
    add_output(parser)


def main(options: argparse.Namespace) -> int:
    """Print the status, or check one thing of it."""
    address = _address(options)
    if options.check is not None:
        return _check(address, CHECKS[options.check])
    from nri_cdi.status.state import fetch_state

    state = fetch_state(_parsed(address))
    if options.output == TABLE:
        from nri_cdi.cli.statustext import print_state  # not for a probe

        print_state(state)
    else:
        print_value(state, options.output)
    return EXIT_OK if state["ready"] else EXIT_PROBLEMS


def _address(options: argparse.Namespace) -> str:
    """Raises: ConfigError."""
    given: str | None = options.address
    if given is not None:
        return given
    from nri_cdi.cli.settings import loader_of  # a probe names its address

    loader = loader_of(options)
    # A plugin that runs goes on when its file is broken, and says so.
    configured = loader.legible().status
    if not configured:
        loader.load()
        raise misused(
            "--address",
            "the plugin's configuration has no 'status', so it serves none; if it "
            "was started with another configuration, name its status address",
        )
    return configured


def _check(address: str, path: str) -> int:
    from nri_cdi.status.client import fetch

    status, body = fetch(_parsed(address), path)
    if status == _OK:
        return EXIT_OK
    say(body.decode(errors="replace").strip())
    return EXIT_PROBLEMS


def _parsed(address: str) -> Any:
    """Raises: ConfigError."""
    from nri_cdi.address import parse_address

    try:
        return parse_address(address)
    except ValueError as error:
        raise misused("--address", str(error)) from error
