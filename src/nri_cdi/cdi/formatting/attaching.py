"""Which entry each comment of a text is about.

A comment behind something on its line is beside that. One on a line of its own is about
what comes next; but where blocks end between the two, it is the last thing of the
outermost of those blocks that start no further right than the comment does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import groupby

from nri_cdi.cdi.formatting.entries import Entry, Kind
from nri_cdi.cdi.formatting.outline import Boundary, Outline
from nri_cdi.cdi.formatting.remarks import Remark


def attach(outline: Outline, remarks: Iterable[Remark]) -> None:
    """Give all remarks of a text, which come in order, to the entries of its outline.

    Blank lines that no comment and no entry follows are dropped.
    """
    bounds = outline.boundaries
    offsets = [bound.offset for bound in bounds]
    # A remark stands behind the boundaries up to this number, and before the next.
    for number, group in groupby(
        remarks, lambda remark: bisect_right(offsets, remark.offset)
    ):
        before = bounds[number - 1] if number else None
        after = bounds[number] if number < len(bounds) else None
        lines = list(group)
        if before and lines[0].is_beside and lines[0].line == before.line:
            _beside(before, lines.pop(0).text)
        if before is None:
            _head(outline.root, bounds[0].entry, lines)
        elif after is None or after.is_start:
            _between(outline.root, before, after, lines)
        else:
            _within(after.entry, lines)


def _beside(bound: Boundary, comment: str) -> None:
    entry = bound.entry
    if bound.is_start or entry.kind is Kind.SCALAR or bound.line == entry.line:
        entry.beside.append(comment)
    else:
        # It stands behind a bracket at the end, which goes.
        entry.below.append(comment)


def _head(root: Entry, first: Entry, lines: list[Remark]) -> None:
    """What stands above everything; only its last paragraph is about the first entry.

    The others are about the file, and stay where they are if that entry moves.
    """
    texts = [remark.text for remark in lines]
    last = max((at for at, text in enumerate(texts) if not text), default=-1)
    root.above += texts[: max(last, 0)]
    first.above += texts[last + 1 :]


def _within(entry: Entry, lines: list[Remark]) -> None:
    """What stands before the end of ``entry``, behind all else that is in it."""
    target = entry.above if entry.kind is Kind.SCALAR else entry.below
    target += [remark.text for remark in lines if remark.text]


def _between(
    root: Entry, before: Boundary, after: Boundary | None, lines: list[Remark]
) -> None:
    """What stands between two entries, or behind the last one."""
    following = root.below if after is None else after.entry.above
    ended = list(_ended(before.entry, after))
    blank = False
    for remark in lines:
        if not remark.text:
            blank = True
            continue
        # A comment belongs to no block that is within that of the one before it.
        ended = [] if remark.is_beside else _fitting(ended, remark.column)
        target = ended[0].below if ended else following
        target += [""] * blank + [remark.text]
        blank = False
    if blank and after:
        following.append("")


def _ended(entry: Entry, after: Boundary | None) -> Iterator[Entry]:
    """The entries with blocks that end between two entries, the innermost first."""
    around = after.entry.parent if after else None
    limit = around.column if around else -1
    ending: Entry | None = entry
    while ending is not around and ending is not None:
        if ending.column is not None and limit is not None and ending.column > limit:
            yield ending
        ending = ending.parent


def _fitting(ended: list[Entry], column: int) -> list[Entry]:
    """Those of ``ended`` that a comment may belong to; the first is the one it does."""
    columns = [entry.column or 0 for entry in ended]
    best = max((at for at in columns if at <= column), default=None)
    if best is None:
        return []
    outermost = max(at for at, found in enumerate(columns) if found == best)
    return ended[outermost:]
