"""``python -m soak``: exit status 0 if all was right, 1 if not, 2 for wrong usage."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from soak.pluginprocess import PluginError
from soak.report import Report, finding_lines, table
from soak.session import soak
from soak.tally import Finding
from testbed import interrupts
from testbed.containerd import Containerd, ContainerdError
from testbed.cri import CriError
from testbed.packages import CONTAINERD, PackageError

SECONDS = 600
ARTIFACTS = Path(__file__).resolve().parent.parent / ".artifacts"

# TimeoutError: something refuses to be cleaned up.
FAILURES = (PackageError, ContainerdError, PluginError, CriError, TimeoutError)

EXIT_WRONG = 1
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    if os.geteuid() != 0:
        print("soak: needs root, as containers do", file=sys.stderr)
        return EXIT_WRONG
    interrupts.raise_interrupts()
    try:
        reports = _soak(options)
    except FAILURES as error:
        print(f"soak: failed: {error}", file=sys.stderr)
        return EXIT_WRONG
    except KeyboardInterrupt:
        interrupts.ignore_interrupts()
        print("soak: interrupted; all is cleaned up", file=sys.stderr)
        return EXIT_INTERRUPTED
    _write(options.json, reports)
    for each in reports:
        print(f"\n{table(each)}")
        for line in finding_lines([Finding(**found) for found in each.findings]):
            print(f"  {line}")
    good = all(each.is_good for each in reports)
    print("\nsoak: ok" if good else f"\nsoak: wrong; see {options.json}")
    return 0 if good else EXIT_WRONG


def _soak(options: argparse.Namespace) -> list[Report]:
    versions = options.runtime or list(CONTAINERD)
    reports = []
    for version in versions:
        print(f"soak: containerd {version}, seed {options.seed}", flush=True)
        with Containerd(version) as containerd:
            report = soak(
                containerd,
                options.seconds / len(versions),
                options.seed,
                lambda line: print(line, flush=True),
                options.json.parent / "soak",
                once=options.once,
            )
        reports.append(report)
    return reports


def _write(path: Path, reports: Sequence[Report]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(each) for each in reports], indent=2) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m soak",
        description="Containers without pause on a real containerd, amid faults.",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        help="for how long, all runtimes together; default: %(default)s",
    )
    parser.add_argument(
        "--once", action="store_true", help="each fault once, however long that takes"
    )
    parser.add_argument(
        "--runtime",
        action="append",
        choices=list(CONTAINERD),
        help="which containerd, repeatable; default: one after the other",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=int(time.time()),
        help="of all that is random; default: another one each time",
    )
    parser.add_argument(
        "--json",
        type=Path,
        default=ARTIFACTS / "soak.json",
        help="where the figures go; default: .artifacts/soak.json",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
