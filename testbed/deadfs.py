"""A file system that doesn't answer, as that of a server which is gone.

It is a FUSE file system whose other end never says a word: who looks at something below
it waits until it is unmounted.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FUSE = "/dev/fuse"


@contextmanager
def dead_file_system(folder: Path) -> Iterator[Path]:
    """Over ``folder``, for as long as the block lasts. Needs root.

    Raises: OSError, subprocess.CalledProcessError.
    """
    folder.mkdir(exist_ok=True)
    server = os.open(FUSE, os.O_RDWR | os.O_CLOEXEC)
    try:
        # Source: Linux, Documentation/filesystems/fuse.rst, "Mount options". Without
        # -i, mount(8) would look for a program of its own for the type.
        options = f"fd={server},rootmode=40000,user_id=0,group_id=0"
        subprocess.run(
            ["mount", "-i", "-t", "fuse", "-o", options, "dead", str(folder)],
            check=True,
            pass_fds=[server],
        )
        yield folder
    finally:
        # With its server it ends, and all who wait for it get an error.
        os.close(server)
        subprocess.run(["umount", "--lazy", str(folder)], check=False)
