"""``nri-cdi monitor``: changes of devices and specs, as they happen."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import UnsupportedOperation
from typing import TYPE_CHECKING, TextIO

from nri_cdi.cdi.cache import Cache
from nri_cdi.cdi.registry import build_registry
from nri_cdi.cli.events import Event, events
from nri_cdi.cli.output import JSON, TABLE, Style, add_output, styled
from nri_cdi.cli.process import EXIT_OK, EXIT_PROBLEMS, say
from nri_cdi.cli.specs import (
    device_or_pattern,
    is_pattern,
    matching,
    say_errors,
    spec_dirs,
)
from nri_cdi.quoting import printable

if TYPE_CHECKING:
    from nri_cdi.cdi.following import Following

EPILOG = """\
Prints a line for each device and each file that changed, until it is interrupted. With
-o json each line is an object. It has "time" (UTC), "event" and "message", and:
  added, removed, changed   "device", "spec" (its file; for removed, what was its file)
  conflict                  "device", "paths": nobody gets it, as all these define it
  settled                   "device": there is no conflict any more
  shadowed                  "device", "spec", "paths": these define it in vain
  broken, warned            "path", "problems", as validate -o json has its errors
  mended, gone              "path": it loads again, or is no more
  unlistable, listable      "path" of a directory

With NAMEs, only events of these devices are printed; others that say that something is
broken go to standard error.

examples:
  nri-cdi monitor
  nri-cdi monitor --initial -o json
  nri-cdi monitor --initial --count 1 --timeout 30 'vendor.com/gpu=*'
"""

_STYLES = {
    "added": Style.GOOD,
    "mended": Style.GOOD,
    "listable": Style.GOOD,
    "settled": Style.GOOD,
    "changed": Style.NAME,
    "shadowed": Style.WARNING,
    "warned": Style.WARNING,
    "removed": Style.BAD,
    "conflict": Style.BAD,
    "broken": Style.BAD,
    "unlistable": Style.BAD,
}
_WIDTH = max(map(len, _STYLES))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    parser.add_argument(
        "names",
        nargs="*",
        type=device_or_pattern,
        metavar="NAME",
        help="a device, or a pattern of names (default: all, and all files)",
    )
    parser.add_argument(
        "--initial",
        action="store_true",
        help="print first what is there, as if it had just come",
    )
    parser.add_argument(
        "--count",
        type=_count,
        metavar="N",
        help="end after so many lines",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        metavar="SECONDS",
        help="end after so long without a change; exit status 1 if there were fewer "
        "lines than --count says",
    )
    add_output(parser, (TABLE, JSON))


def main(options: argparse.Namespace) -> int:
    """Print changes until there is a reason to end."""
    with Cache(spec_dirs(options)) as cache:
        present = cache.snapshot()
        if not options.initial:
            say_errors(present)
        following = cache.changes(
            options.timeout,
            since=build_registry(()) if options.initial else present,
            listener=_listener(),
        )
        say(f"following {', '.join(cache.spec_dirs)}")
        wanted: int | None = options.count
        for event in _wanted(_events(following), options.names):
            _print(event, options.output)
            if wanted is not None:
                wanted -= 1
            if wanted == 0:
                break
    return EXIT_PROBLEMS if wanted else EXIT_OK


def _events(following: Following) -> Iterator[Event]:
    problem = ""
    while True:
        if following.problem and following.problem != problem:
            say(f"{following.problem}; the directories are read every second instead")
        problem = following.problem
        change = next(following, None)
        if change is None:
            return
        yield from events(change)


def _wanted(found: Iterator[Event], names: Sequence[str]) -> Iterator[Event]:
    for event in found:
        if not names or any(_is_meant(event, name) for name in names):
            yield event
        elif event.is_trouble:
            say(event.sentence)


def _is_meant(event: Event, name: str) -> bool:
    if event.device is None:
        return False
    if is_pattern(name):
        return bool(matching(name, [event.device]))
    return event.device == name


def _print(event: Event, output: str) -> None:
    now = datetime.now(UTC)
    if output == JSON:
        time = now.isoformat(timespec="milliseconds")
        line = json.dumps({"time": time, **event.plain()})
    else:
        moment = f"{now.astimezone():%Y-%m-%d %H:%M:%S}"
        word = event.event.ljust(_WIDTH)
        line = (
            f"{styled(moment, Style.FAINT)}  "
            f"{styled(word, _STYLES.get(event.event, Style.PLAIN))}  "
            f"{printable(event.message)}"
        )
    # Whoever reads this is waiting for it.
    print(line, flush=True)


def _listener() -> int | None:
    """The descriptor of standard output, which somebody may stop reading."""
    stream: TextIO | None = sys.stdout
    try:
        return None if stream is None else stream.fileno()
    except UnsupportedOperation:
        return None


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return number
