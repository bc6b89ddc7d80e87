"""Reads nodes as what they should be, and keeps what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from nri_cdi.cdi.pointers import at_index, at_key
from nri_cdi.cdi.problems import ProblemLog
from nri_cdi.config.checks import Check, hint
from nri_cdi.config.nodes import UNSUPPORTED, Entries, Items, Node, Text
from nri_cdi.errors import Problem
from nri_cdi.quoting import quoted

MAX_ITEMS = 1000
"""Items of a list, or of a mapping: some are looked at while a container waits."""

_MERGE_KEY = "<<"


class NodeReader:
    """Gives values of the right type; of what is wrong, ``problems`` and empty ones.

    A ``pointer`` is the place of a node, as messages have it.
    """

    def __init__(self) -> None:
        self.problems = ProblemLog()

    def refuse(self, node: Node, rule: str, pointer: str, message: str) -> None:
        """Take note of a problem, unless there is one of this node already."""
        if type(node) is Node:
            return
        problem = Problem(
            rule=rule,
            message=message,
            pointer=pointer,
            line=node.line,
            column=node.column,
        )
        self.problems.add(problem)

    def entries(
        self, node: Node, pointer: str, expected: str
    ) -> Iterator[tuple[Text, Node]]:
        """The keys and values of a mapping, each key once."""
        if not isinstance(node, Entries):
            self.refuse(node, "not-a-mapping", pointer, f"expected {expected}")
            return
        if len(node.entries) > MAX_ITEMS:
            message = f"there are over {MAX_ITEMS} keys"
            self.refuse(node, "too-many", pointer, message)
        seen: set[str] = set()
        for key, value in node.entries[:MAX_ITEMS]:
            if not isinstance(key, Text):
                self.refuse(key, "type", pointer, "a key must be a text")
            elif key.is_plain and key.text == _MERGE_KEY:
                message = "merge keys are not supported: write it out"
                self.refuse(key, UNSUPPORTED, pointer, message)
            elif key.text in seen:
                at = at_key(pointer, key.text)
                self.refuse(key, "duplicate-key", at, "set twice")
            else:
                seen.add(key.text)
                yield key, value

    def fields(
        self,
        node: Node,
        pointer: str,
        known: Iterable[str],
        expected: str,
        what: str = "key",
    ) -> Mapping[str, Node]:
        """The values of a mapping that has a few ``known`` keys; ``what`` each is."""
        names = tuple(known)
        found: dict[str, Node] = {}
        for key, value in self.entries(node, pointer, expected):
            if self.problems.is_full:
                break
            if key.text in names:
                found[key.text] = value
                continue
            meant = hint(key.text, names) or f"known are {', '.join(names)}"
            message = f"unknown {what} {quoted(key.text)}; {meant}"
            self.refuse(key, "unknown-key", pointer, message)
        return found

    def items(self, node: Node, pointer: str, expected: str) -> tuple[Node, ...]:
        """The items of a list."""
        if isinstance(node, Items):
            if len(node.items) > MAX_ITEMS:
                message = f"there are over {MAX_ITEMS} of them; say more in one"
                self.refuse(node, "too-many", pointer, message)
            return node.items[:MAX_ITEMS]
        alone = isinstance(node, Text) and not node.is_null
        remedy = "; put [ ] around it" if alone else ""
        self.refuse(node, "type", pointer, f"expected a list of {expected}{remedy}")
        return ()

    def texts(
        self, node: Node, pointer: str, expected: str, check: Check
    ) -> tuple[str, ...]:
        """The texts in a list."""
        return tuple(
            self.text(item, at_index(pointer, index), check)
            for index, item in enumerate(self.items(node, pointer, expected))
        )

    def text(self, node: Node, pointer: str, check: Check) -> str:
        """A text that passes a check."""
        if not isinstance(node, Text):
            self.refuse(node, "type", pointer, "expected a string")
            return ""
        if node.is_null:
            message = "expected a string, got null; put the text in quotes"
            self.refuse(node, "type", pointer, message)
            return ""
        try:
            return check(node.text)
        except ValueError as error:
            self.refuse(node, "value", pointer, str(error))
            return ""
