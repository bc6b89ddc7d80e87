"""An OCI spec under change.

The spec that it starts from is never changed: what an edit is about to change is copied
first, once, and all the rest is shared with the result. So an edit that fails half-way
leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from nri_cdi.folding import fold
from nri_cdi.oci.problems import UNNAMED, Rule, is_a, join, unsuitable, wrong_type

_Kind = TypeVar("_Kind")

_Keys = tuple[str, ...]


class Draft:
    """A copy of an OCI spec, made as far as it is needed.

    ``spec`` is the result so far; whoever gets it must not change it in place. ``path``
    stands in messages. Values are found by the keys that lead to them, and null counts
    as absent, as in the Go code that reads such files.
    """

    __slots__ = ("_own", "path", "spec")

    def __init__(self, spec: Mapping[str, Any], path: str = UNNAMED) -> None:
        if not isinstance(spec, Mapping):
            raise wrong_type(path, "", dict, spec)
        self.spec = dict(spec)
        self.path = path
        self._own: dict[_Keys, Any] = {(): self.spec}

    def look(self, kind: type[_Kind], *keys: str) -> _Kind | None:
        """The value at a place; None if it is absent, or something around it is.

        Raises: OciSpecError, if it is of another kind.
        """
        outer: dict[str, Any] = self.spec
        for depth, key in enumerate(keys[:-1], 1):
            inner = self._member(dict, outer, key, keys[:depth])
            if inner is None:
                return None
            outer = inner
        value: _Kind | None = self._member(kind, outer, keys[-1], keys)
        return value

    def own_object(self, *keys: str) -> dict[str, Any]:
        """The object at a place, as a copy that may be changed; made if absent.

        Raises: OciSpecError, if something else is there, or on the way there.
        """
        made: dict[str, Any] = self._owned(dict, keys)
        return made

    def own_list(self, *keys: str) -> list[Any]:
        """The array at a place, as a copy that may be changed; made if absent.

        Raises: OciSpecError, if something else is there, or on the way there.
        """
        made: list[Any] = self._owned(list, keys)
        return made

    def member(
        self, kind: type[_Kind], outer: dict[str, Any] | None, key: str, at: str
    ) -> _Kind | None:
        """The value of ``key`` in the object at the place ``at``, which may be null.

        Raises: OciSpecError, if it is of another kind, or the key of another case.
        """
        if outer is None:
            return None
        self._refuse_other_case(outer, key, at)
        value: _Kind | None = outer.get(key)
        if value is not None and not is_a(kind, value):
            raise wrong_type(self.path, join(at, key), kind, value)
        return value

    def check_items(self, kind: type, items: list[Any], *keys: str) -> None:
        """Raises: OciSpecError, unless all items at a place are of a kind, or null."""
        for index, item in enumerate(items):
            # The first test is all that nearly every item needs.
            if type(item) is not kind and item is not None and not is_a(kind, item):
                pointer = f"{'.'.join(keys)}[{index}]"
                raise wrong_type(self.path, pointer, kind, item)

    def _owned(self, kind: type, keys: _Keys) -> Any:
        own = self._own.get(keys)
        if own is None:
            outer = self._owned(dict, keys[:-1])
            found = self._member(kind, outer, keys[-1], keys)
            own = kind() if found is None else found.copy()
            outer[keys[-1]] = self._own[keys] = own
        return own

    def _member(self, kind: type, outer: dict[str, Any], key: str, keys: _Keys) -> Any:
        return self.member(kind, outer, key, ".".join(keys[:-1]))

    def _refuse_other_case(self, outer: dict[str, Any], key: str, at: str) -> None:
        # Go takes "Env" for "env", and if there are both the later one alone counts;
        # to other runtimes it is nothing. So an edit of one is lost for either side.
        for other in outer:
            # No key of another length is the same to Go.
            if len(other) == len(key) and other != key and fold(other) == key.lower():
                message = f"the key must be written {key!r}"
                if key in outer:
                    message += ", and that is there too: leave one out"
                pointer = join(at, other)
                raise unsuitable(self.path, Rule.WRONG_CASE, pointer, message)
