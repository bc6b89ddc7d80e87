"""``python -m benchmarks [PART]...``: the figures of the design, measured here and now.

A table goes to stdout, and the values that have a limit go to ``bench.json`` at the
root of the repository. Exit status 1 if one is over it, 2 for a part that there isn't.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import (
    commands,
    freshness,
    library,
    loading,
    manydevices,
    memory,
    rereading,
    roundtrip,
    startup,
    synchronizing,
)
from benchmarks.figures import Figure, table, to_json
from benchmarks.processes import ROOT, BenchmarkError, fresh_folder
from benchmarks.sizes import FULL, Sizes
from testbed.interrupts import raise_interrupts

PARTS = {
    "roundtrip": roundtrip.measure,
    "manydevices": manydevices.measure,
    "synchronizing": synchronizing.measure,
    "rereading": rereading.measure,
    "freshness": freshness.measure,
    "loading": loading.measure,
    "startup": startup.measure,
    "memory": memory.measure,
    "library": library.measure,
    "commands": commands.measure,
}

RESULT = ROOT / "bench.json"

EXIT_OVER = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main(arguments: Sequence[str]) -> int:
    """Measure all parts, or those that are named."""
    unknown = [name for name in arguments if name not in PARTS]
    if unknown:
        parts = ", ".join(PARTS)
        print(f"no such part: {unknown[0]}; there are {parts}", file=sys.stderr)
        return EXIT_USAGE
    raise_interrupts()
    try:
        figures = measure(arguments or tuple(PARTS), FULL)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return EXIT_OVER
    except KeyboardInterrupt:
        print("benchmarks: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    print(table(figures))
    RESULT.write_text(to_json(figures), encoding="utf-8")
    return 0 if all(figure.holds for figure in figures) else EXIT_OVER


def measure(parts: Sequence[str], sizes: Sizes) -> list[Figure]:
    """The figures of these parts."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="nri-cdi-bench-") as folder:
        for name in parts:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            figures += PARTS[name](fresh_folder(Path(folder), name), sizes)
    return figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
