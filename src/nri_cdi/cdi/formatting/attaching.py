"""Which entry each comment of a text is about.

A comment behind something on its line is beside that. One on a line of its own is about
what comes next; but where blocks end between the two, it is the last thing of the
outermost of those blocks that start no further right than the comment does.

Where a list is no further in than the keys around it, a comment below it is about the
next key then. That is the likelier reading but for items that somebody has commented
out, as ``# - A=1`` is: without the ``#`` they are in that list, and stay there.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import groupby

from nri_cdi.cdi.formatting.entries import Entry, Kind
from nri_cdi.cdi.formatting.outline import Boundary, Outline
from nri_cdi.cdi.formatting.remarks import Remark

# What is further in is part of something else, or stands out in prose.
_ITEM = re.compile(r"# ?-(?!\S)")
_INDENTED = re.compile(r"# *(?=\S)")


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
    ended, around = list(_ended(before.entry, after)), _around(after)
    blank = False
    for remark, is_item in _with_items(lines):
        if not remark.text:
            blank = True
            continue
        if after and _is_behind_dash(remark, before):
            ended, following = [], _first_in(after.entry).above
        # A comment belongs to no block that is within that of the one before it.
        fitting = _fitting(ended, remark.column, is_item=is_item)
        ended = [] if remark.is_beside else fitting
        target = ended[0].below if ended and ended[0] is not around else following
        target += [""] * blank + [remark.text]
        blank = False
    if blank and after:
        following.append("")


def _is_behind_dash(remark: Remark, before: Boundary) -> bool:
    """Whether a comment stands on a line between a dash and what is in that item."""
    if remark.is_beside or remark.dash is None:
        return False
    # What is before it starts right at the end of the dash if that is all of an item.
    return before.offset < remark.dash


def _first_in(item: Entry) -> Entry:
    return item.children[0] if item.children else item


def _around(after: Boundary | None) -> Entry | None:
    return after.entry.parent if after else None


def _ended(entry: Entry, after: Boundary | None) -> Iterator[Entry]:
    """The blocks that end between two entries, and the one around, innermost first."""
    around = _around(after)
    ending: Entry | None = entry
    while ending is not None:
        if ending.column is not None:
            yield ending
        ending = ending.parent if ending is not around else None


def _fitting(ended: list[Entry], column: int, *, is_item: bool) -> list[Entry]:
    """Those of ``ended`` that a comment may belong to; the first is the one it does.

    ``is_item`` is for a comment that was an item of a list once.
    """
    if is_item:
        for at, entry in enumerate(ended):
            if _has_items(entry, column):
                return ended[at:]
    columns = [entry.column or 0 for entry in ended]
    best = max((at for at in columns if at <= column), default=None)
    if best is None:
        return []
    outermost = max(at for at, found in enumerate(columns) if found == best)
    return ended[outermost:]


def _has_items(entry: Entry, column: int) -> bool:
    """Whether a block is a list with its items in this column."""
    if entry.kind is Kind.SEQUENCE:
        return entry.column == column
    # Nothing is left of a list where all items are comments.
    is_null = entry.kind is Kind.SCALAR and entry.key is not None
    return is_null and entry.column == column + 1


def _with_items(lines: Iterable[Remark]) -> Iterator[tuple[Remark, bool]]:
    """Remarks, and whether each is an item that is commented out, or of that item.

    Comments right below such an item that are as far in as its content are of it.
    """
    above: Remark | None = None
    content = 0
    for remark in lines:
        if item := _ITEM.match(remark.text):
            content = item.end() + len(" ")
            above = remark
        elif above and _is_below(remark, above) and _depth(remark) >= content:
            above = remark
        else:
            above = None
        yield remark, above is not None


def _is_below(remark: Remark, above: Remark) -> bool:
    return remark.line == above.line + 1 and remark.column == above.column


def _depth(remark: Remark) -> int:
    """How far in the text of a comment is; 0 if there is none."""
    indented = _INDENTED.match(remark.text)
    return indented.end() if indented else 0
