"""The words for devices that can't be resolved: every name, and why.

Names come from a pod's author and are quoted. Both the text and the work for it are
bounded, however much is asked for and however many devices there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from nri_cdi.cdi.names import is_qualified_name, parse_qualified_name
from nri_cdi.errors import InvalidNameError
from nri_cdi.quoting import printable, quoted

if TYPE_CHECKING:
    from nri_cdi.cdi.registry import Registry, SpecFile

# A person reads this as one line of an event or a log: the first few say it all.
MAX_NAMES = 8
MAX_LISTED = 3
MAX_CLAUSE = 300

# Comparing two short names takes some ten microseconds: a millisecond for each name.
MAX_COMPARED = 100
MAX_COMPARED_LENGTH = 64


def explain_unresolved(
    names: Sequence[str], registry: Registry, patterns: Sequence[str] = ()
) -> str:
    """The message for ``names``, none of which ``registry`` resolves.

    ``patterns`` match nothing, and are in a message already: what did not load may be
    why.
    """
    kinds: dict[str, list[SpecFile]] = {}
    for file in registry.specs:
        kinds.setdefault(file.spec.kind, []).append(file)
    listed = names[:MAX_NAMES]
    clauses = [_why(name, registry.conflicts, kinds) for name in listed]
    if len(names) > len(listed):
        clauses.append(f"and {len(names) - len(listed)} more")
    wanting = [*patterns, *(name for name in listed if _is_wanting(name, registry))]
    if wanting:
        clauses += suspects(wanting, registry)
    plural = "s" if len(names) > 1 else ""
    return f"unresolvable CDI device{plural}: " + "; ".join(clauses)


def _is_wanting(name: str, registry: Registry) -> bool:
    """Whether a file that did not load could have brought the device."""
    return is_qualified_name(name) and name not in registry.conflicts


def _why(
    name: str,
    conflicts: Mapping[str, Sequence[str]],
    kinds: Mapping[str, Sequence[SpecFile]],
) -> str:
    if name in conflicts:
        paths = [_clipped(path) for path in conflicts[name][:MAX_LISTED]]
        listing = _listing(paths, len(conflicts[name]))
        return f"{quoted(name)} is defined more than once, in {listing}; keep only one"
    try:
        wanted = parse_qualified_name(name)
    except InvalidNameError as error:
        return str(error)
    if wanted.kind in kinds:
        files = kinds[wanted.kind]
        known = (device.name for file in files for device in file.spec.devices)
        total = sum(len(file.spec.devices) for file in files)
        near = alternatives(wanted.name, known, total)
        return f"{quoted(name)} is in no spec{near}"
    near = alternatives(wanted.kind, kinds, len(kinds))
    return f"{quoted(name)} is in no spec, nor is its kind{near}"


def alternatives(wanted: str, known: Iterable[str], total: int) -> str:
    """The names nearest to ``wanted``, or else the first ones, in parentheses.

    ``total`` is how many are ``known``. It takes a millisecond, however many these are.
    """
    compared = [
        name for name in islice(known, MAX_COMPARED) if len(name) <= MAX_COMPARED_LENGTH
    ]
    near = _near(wanted[:MAX_COMPARED_LENGTH], compared)
    if near:
        return f" (near: {', '.join(near)})"
    return f" (known: {_listing(compared[:MAX_LISTED], total)})" if compared else ""


def _near(wanted: str, known: list[str]) -> list[str]:
    try:
        from difflib import get_close_matches  # costs those much who need no help
    except OSError:  # no descriptor is left to read it
        return []
    return get_close_matches(wanted, known, n=MAX_LISTED)


def suspects(names: Sequence[str], registry: Registry) -> Iterator[str]:
    """What might define the names, had it loaded; the likeliest come first.

    The names may be patterns.
    """
    vendors = {name.partition("/")[0] for name in names if "/" in name}
    paths = sorted(
        registry.errors,
        key=lambda path: (not any(vendor in path for vendor in vendors), path),
    )
    for path in paths[:MAX_LISTED]:
        yield f"did not load: {_clipped(registry.errors[path].lines()[0])}"
    if len(paths) > MAX_LISTED:
        yield f"nor did {len(paths) - MAX_LISTED} more"
    for spec_dir, reason in islice(registry.dir_errors.items(), MAX_LISTED):
        yield f"can't be listed: {_clipped(spec_dir)}: {reason}"


def _listing(first: Sequence[str], total: int) -> str:
    more = total - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def _clipped(text: str) -> str:
    """The beginning of a text, on one line and without control characters."""
    shown = printable(text)
    return shown if len(shown) <= MAX_CLAUSE else f"{shown[:MAX_CLAUSE]}..."
