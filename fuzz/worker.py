"""The process that fuzzes one target: ``python -m fuzz.worker TARGET ARGUMENT...``.

The arguments are libFuzzer's. It runs in the environment that has atheris, and ends as
libFuzzer does: with status 0 when its time is over, else with that of what it found.
"""

from __future__ import annotations

import sys
import warnings

import atheris


def main() -> None:
    """Never returns."""
    name, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=["nri_cdi", "json.decoder"]):
        from fuzz.targets import TARGETS
    warnings.simplefilter("error")
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name].check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
