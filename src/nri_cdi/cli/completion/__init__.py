"""``nri-cdi completion``: the completion of commands, for a shell.

The scripts ask ``nri-cdi __complete`` at every TAB, which is `candidates`.
"""

from __future__ import annotations

import argparse
from importlib.resources import files

from nri_cdi.cli.process import EXIT_OK

SHELLS = ("bash", "zsh", "fish")

EPILOG = """\
The script completes verbs, options, values, files and the names of devices. To have it
in every new shell, for all users (a folder that isn't there is to be made first):

  nri-cdi completion bash > /usr/share/bash-completion/completions/nri-cdi
  nri-cdi completion zsh > /usr/share/zsh/vendor-completions/_nri-cdi
  nri-cdi completion fish > /usr/share/fish/vendor_completions.d/nri-cdi.fish

examples, for the shell that is running:
  source <(nri-cdi completion bash)
  source <(nri-cdi completion zsh)
  nri-cdi completion fish | source
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    parser.add_argument(
        "shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS)
    )


def main(options: argparse.Namespace) -> int:
    """Print the script."""
    script = files(__name__).joinpath(f"nri-cdi.{options.shell}")
    print(script.read_text(encoding="utf-8"), end="")
    return EXIT_OK
