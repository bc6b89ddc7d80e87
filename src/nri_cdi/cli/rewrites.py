"""Where verbs that rewrite specs put the new text: standard output, or a file."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from nri_cdi.atomicfile import replace_file
from nri_cdi.cli.process import EXIT_OK, EXIT_PROBLEMS, say, say_unwritten

# Of this process or another, by any of their names.
_OPEN_STREAM = re.compile(
    "/dev/std(in|out|err)|(/dev|/proc/[0-9]+(/task/[0-9]+)?)/fd/[0-9]+"
)

# Source: Linux, include/linux/namei.h, MAXSYMLINKS.
_MAX_LINKS = 40


def open_stream(path: str) -> str | None:
    """What a process has open already, if that is what a path names; None if not.

    ``/dev/stdout`` for one leads to a file if output is redirected to one. Nobody means
    to replace that file, which somebody may go on writing to.
    """
    named = Path(path)
    try:
        for _ in range(_MAX_LINKS):
            named = Path(os.path.realpath(named.parent), named.name)
            if _OPEN_STREAM.fullmatch(str(named)):
                return str(named)
            if not named.is_symlink():
                return None
            named = named.parent / named.readlink()
    except (OSError, ValueError):
        return None  # whoever opens it has words for that
    return None


def is_standard_output(stream: str) -> bool:
    """Whether an `open_stream` is this process's standard output."""
    return stream in {"/dev/stdout", "/dev/fd/1", f"/proc/{os.getpid()}/fd/1"}


def print_text(text: str) -> int:
    """Print the text of a spec; the exit status comes back."""
    # A spec is UTF-8, whatever the terminal's encoding is.
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
        say_unwritten(path, error)
        return EXIT_PROBLEMS
    return EXIT_OK
