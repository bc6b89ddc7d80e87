"""The entries of a text as the specification has them: names, order, types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nri_cdi.cdi.building import Shape
from nri_cdi.cdi.formatting.entries import Entry, Kind
from nri_cdi.cdi.model import Spec
from nri_cdi.cdi.shapes import SHAPES
from nri_cdi.folding import fold


def arrange_document(root: Entry, spec: Spec) -> None:
    """`arrange` the entries of a whole text, but let it start with what it did.

    A file starts with who made it, and what it is for, more often than with a comment
    on its first field.
    """
    first = root.children[0]
    arrange(root, spec)
    if root.children[0] is not first and not root.above:
        root.above, first.above = first.above, []


def arrange(entry: Entry, value: Any) -> None:
    """Give ``entry`` the names and the order of fields, and the values of ``value``.

    That is the part of a valid Spec that was made of the same text. What is in the text
    is there afterwards: a field that says what holds without it anyway, too.
    """
    shape = SHAPES.get(type(value))
    if shape is not None:
        _arrange_fields(entry, shape, value)
    elif isinstance(value, tuple):
        entry.kind = Kind.SEQUENCE  # it was null, if it isn't yet
        for child, item in zip(entry.children, value, strict=True):
            arrange(child, item)
    elif isinstance(value, Mapping):
        entry.kind = Kind.MAPPING
        for child in entry.children:
            child.value = value[str(child.key)]
    else:
        entry.value = value


def _arrange_fields(entry: Entry, shape: Shape, value: Any) -> None:
    entry.kind = Kind.MAPPING
    # Fields that once were some have no value in the model, and keep their own.
    names = {name: name for name in shape.fields}
    names |= {name: name for name in shape.removed.values()}
    for child in entry.children:
        folded = fold(str(child.key))
        child.key = shape.by_folded_name.get(folded) or shape.removed[folded]
        if child.key in shape.fields:
            attribute = shape.fields[child.key][0]
            arrange(child, getattr(value, attribute))
    order = [*shape.fields, *shape.removed.values()]
    entry.children.sort(key=lambda child: order.index(str(child.key)))
