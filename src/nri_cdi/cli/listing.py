"""``nri-cdi list``: what there is on this node."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nri_cdi.cdi.registry import Registry
from nri_cdi.cdi.unresolved import explain_unresolved
from nri_cdi.cli import inventory
from nri_cdi.cli.checking import counted
from nri_cdi.cli.inventory import Row
from nri_cdi.cli.output import (
    TABLE,
    Style,
    Styled,
    add_output,
    print_table,
    print_value,
)
from nri_cdi.cli.process import EXIT_OK, EXIT_PROBLEMS, say
from nri_cdi.cli.specs import is_pattern, matching, read_registry, say_errors, spec_dirs
from nri_cdi.quoting import quoted

EPILOG = """\
A pattern is a name with the wildcards * ? [ ] of the shell; quote it. Devices, vendors,
classes and directories go by their names, specs by path, by file name, or by kind.

DEVICES counts those that can be asked for, where they come from. DEFINED counts those
in a file: devices in conflict, and shadowed ones, which a directory of higher priority
has too, are not to be had from it.

Files that can't be used, and devices that nobody gets as several files of a directory
define them, are told on stderr; JSON and YAML have them under "errors", with all
problems as `nri-cdi validate` has them. They are no failure: exit status 1 says that a
name or a pattern matches nothing.

examples:
  nri-cdi list
  nri-cdi list devices '*/gpu=*'
  nri-cdi list specs --spec-dir /etc/cdi
  nri-cdi list devices -o json
"""

NOTHING = "-"

# Characters of a cell. Annotations may have 256 KB; JSON and YAML have all of them.
WIDTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One of the things that can be listed.

    ``collect`` gives them as programs get them, and ``cells`` what people see of one,
    under ``headings``. ``names`` are those that a pattern may match.
    """

    singular: str
    collect: Callable[[Registry, Sequence[str]], list[Row]]
    names: Callable[[Row], Sequence[str]]
    headings: tuple[str, ...]
    cells: Callable[[Row], Sequence[str]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.epilog = EPILOG
    parser.add_argument(
        "what",
        nargs="?",
        metavar="WHAT",
        default="devices",
        help=f"{', '.join(LISTINGS)} (default: devices)",
    )
    parser.add_argument(
        "patterns",
        nargs="*",
        metavar="PATTERN",
        help="a name of what is listed, or a pattern of names (default: all)",
    )
    add_output(parser)


def main(options: argparse.Namespace) -> int:
    """Print what there is."""
    what, patterns = _wanted(options)
    listing = LISTINGS[what]
    directories = spec_dirs(options)
    registry = read_registry(directories)
    rows = listing.collect(registry, directories)
    if options.output == TABLE:
        say_errors(registry)
        for _, sentence in inventory.conflicts(registry):
            say(f"{sentence}; keep only one of each")
    unmatched = _unmatched(listing, rows, patterns)
    if unmatched:
        _say_unmatched(what, unmatched, registry)
        return EXIT_PROBLEMS
    chosen = [row for row in rows if not patterns or _matches(listing, row, patterns)]
    if options.output != TABLE:
        shown = {what: chosen, "errors": inventory.errors(registry)}
        print_value(shown, options.output)
    elif chosen:
        print_table(listing.headings, map(listing.cells, chosen))
    else:
        say(f"there are no {what} in {', '.join(directories)}")
    return EXIT_OK


def _wanted(options: argparse.Namespace) -> tuple[str, list[str]]:
    what, patterns = options.what, options.patterns
    if what in LISTINGS:
        return what, patterns
    if "/" not in what and not is_pattern(what):
        # No device has such a name: it is a slip of the pen.
        options.parser.error(f"{what!r} is none of {', '.join(LISTINGS)}")
    return "devices", [what, *patterns]


def _matches(listing: Listing, row: Row, patterns: Sequence[str]) -> bool:
    names = listing.names(row)
    return any(
        matching(pattern, names) if is_pattern(pattern) else pattern in names
        for pattern in patterns
    )


def _unmatched(
    listing: Listing, rows: Sequence[Row], patterns: Sequence[str]
) -> list[str]:
    return [
        pattern
        for pattern in patterns
        if not any(_matches(listing, row, [pattern]) for row in rows)
    ]


def _say_unmatched(what: str, unmatched: Sequence[str], registry: Registry) -> None:
    for pattern in unmatched:
        if what == "devices" and not is_pattern(pattern):
            say(explain_unresolved([pattern], registry))
        else:
            say(f"there is no {LISTINGS[what].singular} that matches {quoted(pattern)}")


def _name(row: Row) -> tuple[str, ...]:
    return (row["name"],)


def _path(row: Row) -> tuple[str, ...]:
    return (row["path"],)


def _names_of_spec(row: Row) -> tuple[str, ...]:
    kind = () if row["kind"] is None else (row["kind"],)
    return (row["path"], row["path"].rpartition("/")[2], *kind)


def _device_cells(row: Row) -> list[str]:
    notes = ", ".join(f"{key}={value}" for key, value in row["annotations"].items())
    if len(notes) > WIDTH:
        notes = f"{notes[:WIDTH]}..."
    return [Styled(row["name"], Style.NAME), row["spec"], Styled(notes, Style.FAINT)]


def _spec_cells(row: Row) -> list[str]:
    return [
        Styled(row["path"], Style.NAME),
        row["kind"] or NOTHING,
        row["version"] or NOTHING,
        str(row["priority"]),
        str(row["devices"]),
        NOTHING if row["defined"] is None else str(row["defined"]),
        _count(row["conflicts"], Style.BAD),
        _count(row["shadowed"], Style.WARNING),
        _state(row),
    ]


def _state(row: Row) -> str:
    if not row["ok"]:
        return Styled("broken", Style.BAD)
    if row["warnings"]:
        return Styled(counted(len(row["warnings"]), "warning"), Style.WARNING)
    return Styled("ok", Style.GOOD)


def _vendor_cells(row: Row) -> list[str]:
    return [*_counted(row), ", ".join(row["classes"])]


def _class_cells(row: Row) -> list[str]:
    return [*_counted(row), ", ".join(row["vendors"])]


def _counted(row: Row) -> list[str]:
    return [Styled(row["name"], Style.NAME), str(row["specs"]), str(row["devices"])]


def _directory_cells(row: Row) -> list[str]:
    state = row["error"] or ("" if row["exists"] else "does not exist")
    return [
        Styled(row["path"], Style.NAME),
        str(row["priority"]),
        str(row["specs"]),
        Styled(str(row["broken"]), Style.BAD if row["broken"] else Style.PLAIN),
        str(row["devices"]),
        Styled(state, Style.BAD if row["error"] else Style.FAINT),
    ]


def _count(names: Sequence[str], style: Style) -> str:
    return Styled(str(len(names)), style) if names else NOTHING


LISTINGS: Mapping[str, Listing] = {
    "devices": Listing(
        singular="CDI device",
        collect=inventory.devices,
        names=_name,
        headings=("NAME", "SPEC", "ANNOTATIONS"),
        cells=_device_cells,
    ),
    "specs": Listing(
        singular="spec",
        collect=inventory.specs,
        names=_names_of_spec,
        headings=(
            "PATH",
            "KIND",
            "VERSION",
            "PRIORITY",
            "DEVICES",
            "DEFINED",
            "IN CONFLICT",
            "SHADOWED",
            "STATE",
        ),
        cells=_spec_cells,
    ),
    "vendors": Listing(
        singular="vendor",
        collect=inventory.vendors,
        names=_name,
        headings=("VENDOR", "SPECS", "DEVICES", "CLASSES"),
        cells=_vendor_cells,
    ),
    "classes": Listing(
        singular="class",
        collect=inventory.classes,
        names=_name,
        headings=("CLASS", "SPECS", "DEVICES", "VENDORS"),
        cells=_class_cells,
    ),
    "dirs": Listing(
        singular="directory",
        collect=inventory.directories,
        names=_path,
        headings=("DIRECTORY", "PRIORITY", "SPECS", "BROKEN", "DEVICES", "STATE"),
        cells=_directory_cells,
    ),
}
