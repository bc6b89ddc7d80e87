"""``python -m nri_cdi`` is ``nri-cdi``."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """What ``nri-cdi`` runs.

    To load the command line takes a moment, in which Ctrl-C just ends the process. It
    is as it was as soon as `nri_cdi.cli.main` knows what to do.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from nri_cdi import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
