"""A list of objects that are told apart by one of their fields, such as devices.

Nothing keeps a file from having several of one name: each operation says which of them
it means. Each takes the same time however long the list is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Any

from nri_cdi.oci.draft import Draft

_REMOVED: Any = object()


class Entries:
    """The array at a place of a draft, while it is edited; ``save`` puts it there.

    ``field`` has the objects' names; ``names`` are those that the edits are about.
    """

    __slots__ = ("_items", "_list", "_places")

    def __init__(
        self, draft: Draft, field: str, names: Collection[str], *keys: str
    ) -> None:
        """Raises: OciSpecError, if there is no array of objects with such a field."""
        self._list = draft.own_list(*keys)
        self._items = self._list.copy()
        self._places: dict[str, deque[int]] = {name: deque() for name in names}
        draft.check_items(dict, self._items, *keys)
        for index, item in enumerate(self._items):
            name = draft.member(str, item, field, f"{'.'.join(keys)}[{index}]")
            if name is not None and name in self._places:
                self._places[name].append(index)

    def remove_first(self, name: str) -> None:
        """Take the first object of that name out, if there is one."""
        places = self._places[name]
        if places:
            self._items[places.popleft()] = _REMOVED

    def append(self, name: str, item: dict[str, Any]) -> None:
        """Add an object at the end."""
        self._places[name].append(len(self._items))
        self._items.append(item)

    def put(self, name: str, item: dict[str, Any]) -> None:
        """Replace the first object of that name in its place, or add one at the end."""
        places = self._places[name]
        if places:
            self._items[places[0]] = item
        else:
            self.append(name, item)

    def save(self) -> list[Any]:
        """Put what remains into the draft; the draft's own list comes back."""
        self._list[:] = [item for item in self._items if item is not _REMOVED]
        return self._list
