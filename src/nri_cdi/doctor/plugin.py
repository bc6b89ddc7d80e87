"""The plugin that a node is to have: as it is configured, and as it answers.

A configuration that is broken is read as far as it goes. What nobody can know from it
is said to be unknown, so that no default passes for a setting.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nri_cdi.config import BY_KEY, Config
from nri_cdi.config.reading import (
    SIZE_LIMIT,
    legible_settings,
    parse_settings,
    settings_of_file,
)
from nri_cdi.doctor.node import Node, reason_of
from nri_cdi.errors import ConfigError, Problem

Snapshot = Mapping[str, Any]
"""The plugin's own state, as its status address gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """This node's plugin, as it is configured and as it answers.

    ``config_path`` is None where there is no file; ``broken`` says why it can't be
    used, and ``unknown`` has the settings that it may have, and that can't be made out.
    ``launcher_pid`` is that of the runtime, if that started it. ``snapshot`` is None
    where the plugin has no status address, or where it gave no answer: then ``silence``
    says why.
    """

    config: Config = field(default_factory=Config)
    config_path: str | None = None
    broken: ConfigError | None = None
    unknown: frozenset[str] = frozenset()
    launcher_pid: int | None = None
    spec_dirs: tuple[str, ...] = ()
    snapshot: Snapshot | None = None
    silence: str = ""


def read_plugin(node: Node, path: str, *, may_be_empty: bool = False) -> Plugin:
    """The plugin that has its configuration in a file of the node's."""
    parse = parse_settings if may_be_empty else settings_of_file
    try:
        settings = parse(node.read(path, SIZE_LIMIT), path)
    except ConfigError as error:
        return _broken(node, path, error)
    except OSError as error:
        problem = Problem(rule="unreadable", message=reason_of(error))
        return _broken(node, path, ConfigError(path, [problem]))
    return Plugin(config=replace(Config(), **settings), config_path=path)


def unknown_settings(error: ConfigError, legible: Collection[str]) -> frozenset[str]:
    """The settings of a file with this error that may not have their default.

    ``legible`` are those that could be made out.
    """
    keys = {_setting(problem.pointer) for problem in error.problems}
    if not keys.issubset(BY_KEY):
        # What it is about the whole file, or a key that is none, may be any of them.
        keys = set(BY_KEY)
    return frozenset(keys.difference(legible))


def _broken(node: Node, path: str, error: ConfigError) -> Plugin:
    try:
        settings = legible_settings(node.host.locate(path))
    except OSError:
        settings = {}
    return Plugin(
        config=replace(Config(), **settings),
        config_path=path,
        broken=error,
        unknown=unknown_settings(error, settings),
    )


def _setting(pointer: str) -> str:
    """The setting that a place in a configuration is in."""
    return pointer.partition(".")[0].partition("[")[0]
