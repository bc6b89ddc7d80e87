"""The names of devices as people write them into one text: comma separated.

An operator's words for a list of names, and the limits that hold for every such list.
"""

from __future__ import annotations

from collections.abc import Sequence

from nri_cdi.cdi.names import parse_qualified_name
from nri_cdi.errors import InvalidNameError

# Names written for one container, repeated ones included. Far more than a node has
# devices, and few enough to resolve without delay.
MAX_NAMES = 1024

Names = Sequence[str | InvalidNameError]
"""The devices that a text names, in its order, at most `MAX_NAMES` and one; where
something else stands, the error that says so."""

# A value may be a YAML block, with line ends.
BLANKS = " \t\r\n"


def comma_list(value: str) -> Names:
    """The devices in ``vendor/class=name, vendor/class=name``.

    Raises: InvalidNameError, if there is nothing.
    """
    if not value.strip(BLANKS):
        raise InvalidNameError(
            "it is empty; it takes device names, comma separated: "
            "vendor/class=name, vendor/class=name"
        )
    names = [name.strip(BLANKS) for name in value.split(",", MAX_NAMES)]
    return [
        _device(name, f"name {position} of {len(names)}")
        for position, name in enumerate(names, 1)
    ]


def _device(name: str, position: str) -> str | InvalidNameError:
    if not name:
        return InvalidNameError(f"{position} is empty: there is a comma too many")
    try:
        return str(parse_qualified_name(name))
    except InvalidNameError as error:
        return error
