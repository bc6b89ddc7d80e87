"""``python -m fuzz``: look for input that breaks what reads it; exit status 1 if found.

    python -m fuzz [--seconds N] [TARGET]...    search; needs atheris, see `make fuzz`
    python -m fuzz TARGET --input FILE...       try these files, as a finding is

The reader of specs has a process of its own for the whole time, and the other targets
share another one, in turn. What is found lies in .artifacts/fuzz. What is learned stays
in .cache/fuzz, so that the next search goes on from there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from fuzz.session import Outcome, Session
from fuzz.targets import TARGETS

SECONDS = 300
MAIN_TARGET = "reader"

EXIT_FOUND = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    unknown = [name for name in options.target if name not in TARGETS]
    if unknown:
        known = ", ".join(TARGETS)
        print(f"no such target: {unknown[0]}; there are {known}", file=sys.stderr)
        return EXIT_USAGE
    targets = options.target or list(TARGETS)
    if options.input:
        for path, target in (
            (path, name) for path in options.input for name in targets
        ):
            TARGETS[target].check(path.read_bytes())
            print(f"{target}: {path} is fine")
        return 0
    try:
        outcomes = search(Session(), targets, options.seconds)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    for outcome in outcomes:
        print(summary(outcome))
    return EXIT_FOUND if any(outcome.failure for outcome in outcomes) else 0


def search(session: Session, targets: Sequence[str], seconds: int) -> list[Outcome]:
    """Fuzz these targets for so many seconds, in up to two processes at a time."""
    lanes = [
        [name for name in targets if name == MAIN_TARGET],
        [name for name in targets if name != MAIN_TARGET],
    ]

    def follow(lane: Sequence[str]) -> list[Outcome]:
        return [session.search(name, seconds // len(lane)) for name in lane]

    with ThreadPoolExecutor(len(lanes)) as pool:
        return list(chain.from_iterable(pool.map(follow, filter(None, lanes))))


def summary(outcome: Outcome) -> str:
    """How a search ended, for people."""
    head = f"{outcome.target}: {outcome.progress}"
    if not outcome.failure:
        return f"{head}, nothing found"
    lines = [f"{head}, then it failed", outcome.failure]
    if outcome.finding:
        again = f"python -m fuzz {outcome.target} --input {outcome.finding}"
        lines.append(f"the input is {outcome.finding}; try it with\n    {again}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fuzz",
        description="Look for input that breaks what reads it.",
    )
    parser.add_argument(
        "target", nargs="*", help=f"what to fuzz: {', '.join(TARGETS)}; default: all"
    )
    parser.add_argument(
        "--seconds",
        type=int,
        default=SECONDS,
        help="for how long; default: %(default)s",
    )
    parser.add_argument(
        "--input", type=Path, nargs="+", help="try these files instead of searching"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
