"""``python -m benchmarks.churn DIR``: replaces the spec files of DIR all the time.

The files are those of `benchmarks.specs.write_split`. Each changes in one variable, so
that it is news to whoever reads it. Runs until it is killed.
"""

from __future__ import annotations

import sys
import time
from itertools import count
from pathlib import Path

from benchmarks import specs

PAUSE_S = 0.25
"""Between two rounds: sooner than the files are read."""


def main(spec_dir: Path) -> None:
    """Put one version after the other in place, each file by a rename."""
    texts = {path: path.read_text() for path in spec_dir.glob("many-*.yaml")}
    for number in count(1):
        for path, text in texts.items():
            # The name of a spec that is being written ends in anything else.
            written = path.with_suffix(".new")
            written.write_text(specs.altered(text, f"-{number}"))
            written.rename(path)
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
