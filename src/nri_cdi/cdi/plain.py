"""The values of ``model`` as plain ones, as they stand in a JSON or YAML text.

What a text may leave out is left out; fields are in the order of the specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any

from nri_cdi.cdi.shapes import SHAPES


def to_plain(value: Any) -> Any:
    """A spec, or anything that is in one, as dicts, lists, strings and numbers.

    ``build_spec`` makes an equal value of what comes out.
    """
    model: type = type(value)
    members = _members(model)
    if members is not None:
        return {
            name: to_plain(item)
            for name, attribute, default in members
            if (item := getattr(value, attribute)) != default
        }
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value


@cache
def _members(model: type) -> tuple[tuple[str, str, Any], ...] | None:
    """Of each field its name, its attribute, and the value that is left out."""
    shape = SHAPES.get(model)
    if shape is None:
        return None
    defaults = {member.name: member for member in fields(model)}
    members = []
    for name, (attribute, _, _) in shape.fields.items():
        member = defaults[attribute]
        factory = member.default_factory
        default = member.default if factory is MISSING else factory()
        members.append((name, attribute, default))
    return tuple(members)
