"""What there is to say of a setting, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from nri_cdi.config.checks import Check
from nri_cdi.config.model import Config
from nri_cdi.config.nodereader import NodeReader
from nri_cdi.config.nodes import Node

VARIABLE_PREFIX = "NRI_CDI_"


class Apply(Enum):
    """When a changed value counts."""

    RELOAD = auto()
    """After SIGHUP."""
    RESTART = auto()
    """After a restart of the plugin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A flag without a value, which stands for one."""

    flag: str
    value: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A setting.

    ``summary`` is a phrase, and ``details`` are sentences. ``read`` takes the value
    from a node, and ``check`` from the text of a flag or a variable, item by item if
    there is a ``separator``; without a ``check`` it can be set in the file alone.
    ``flag`` takes a ``metavar``, and ``constants`` are flags that take none.
    ``keys`` are those within the value, in words, and ``example`` is a piece of a
    configuration file. The value of one that ``is_mapping`` is pairs.
    """

    key: str
    summary: str
    read: Callable[[NodeReader, Node, str], Any]
    apply: Apply
    details: str = ""
    check: Check | None = None
    separator: str = ""
    flag: str = ""
    metavar: str = ""
    constants: tuple[Constant, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict, hash=False)
    is_mapping: bool = False
    example: str = ""

    @property
    def default(self) -> Any:
        """The value if nothing sets it."""
        return getattr(Config(), self.key)

    @property
    def variable(self) -> str:
        """The variable of the plugin's environment; empty if there is none."""
        return VARIABLE_PREFIX + self.key.upper() if self.check else ""

    @property
    def flags(self) -> tuple[str, ...]:
        """All flags that set it."""
        constants = tuple(constant.flag for constant in self.constants)
        return (self.flag, *constants) if self.flag else constants

    def flag_of(self, value: object) -> str:
        """The flag that gives it this value."""
        flags = {constant.value: constant.flag for constant in self.constants}
        return flags.get(str(value), self.flag)
