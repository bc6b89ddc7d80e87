"""Where verbs that rewrite specs put the new text: standard output, or a file."""

from __future__ import annotations

import sys

from nri_cdi.atomicfile import replace_file
from nri_cdi.cli.process import EXIT_OK, EXIT_PROBLEMS, say


def print_text(text: str) -> int:
    """Print the text of a spec; the exit status comes back."""
    # A spec is UTF-8, whatever the terminal's encoding is.
    if sys.stdout is not None:  # a process may be started without it
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
    return EXIT_OK


def write_text(path: str, text: str, *, overwrite: bool = True) -> int:
    """Write the text of a spec to a file, whole or not at all; as `print_text`."""
    try:
        replace_file(path, text.encode(), overwrite=overwrite)
    except FileExistsError:
        say(f"{path}: it is there already; --force overwrites it")
        return EXIT_PROBLEMS
    except OSError as error:
        reason = error.strerror or "unknown error"
        say(f"{path}: it can't be written: {reason[:1].lower()}{reason[1:]}")
        return EXIT_PROBLEMS
    return EXIT_OK
