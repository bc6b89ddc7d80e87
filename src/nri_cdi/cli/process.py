"""What the command line and the process that runs it say to each other."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from nri_cdi.cli.output import printable

EXIT_OK = 0
EXIT_PROBLEMS = 1
EXIT_USAGE = 2


def launched(environ: Mapping[str, str]) -> bool:
    """Whether a runtime started this process as a plugin of its own.

    `nri_cdi.nri.launch` says the same, but to import it takes the event loop along.
    """
    return "NRI_PLUGIN_SOCKET" in environ


def say(message: str) -> None:
    """A message for the person who started the command; each line names the program.

    It may have foreign text in it, which is made printable.
    """
    for line in message.split("\n"):
        print(f"nri-cdi: {printable(line)}", file=sys.stderr)
