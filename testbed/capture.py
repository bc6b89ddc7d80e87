"""A stand-in for runc: keeps the ``config.json`` of each container, and runs runc.

An engine that is told to use it as its OCI runtime can't tell the difference.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

EXECUTABLE = 0o755

# The container's id is the last word of the command. The file is put in place whole.
SCRIPT = """\
#!/bin/sh
for word do
    case $previous in --bundle) bundle=$word ;; esac
    case $word in create) creates=yes ;; esac
    previous=$word
done
if [ "$creates" ]; then
    cp "$bundle/config.json" {kept}/part && mv {kept}/part {kept}/"$word.json"
fi
exec {runc} "$@"
"""


class Capture:
    """The program, and what it has kept. ``folder`` is made, for both."""

    def __init__(self, folder: Path, runc: Path) -> None:
        folder.mkdir()
        self._kept = folder / "kept"
        self._kept.mkdir()
        self.program = folder / "runc"
        kept, real = shlex.quote(str(self._kept)), shlex.quote(str(runc))
        self.program.write_text(SCRIPT.format(kept=kept, runc=real))
        self.program.chmod(EXECUTABLE)

    def take(self) -> dict[str, dict[str, Any]]:
        """The OCI specs since the last call, by the ids of their containers."""
        files = sorted(self._kept.glob("*.json"))
        taken = {each.stem: json.loads(each.read_bytes()) for each in files}
        for each in files:
            each.unlink()
        return taken
