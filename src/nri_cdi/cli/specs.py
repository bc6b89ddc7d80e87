"""The specs that a verb is about: those of the node, or of the directories given."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from nri_cdi.cdi.cache import DEFAULT_SPEC_DIRS, Cache
from nri_cdi.cdi.names import parse_qualified_name
from nri_cdi.cdi.registry import Registry
from nri_cdi.cli.output import Style
from nri_cdi.cli.process import misused, say_of
from nri_cdi.errors import InvalidNameError, ResolveError
from nri_cdi.quoting import quoted

DEFAULT_CONFIG = "/etc/nri-cdi/config.yaml"

_WILD = frozenset("*?[")

# As in `nri_cdi.config.options`, which takes YAML along.
_VARIABLE = "NRI_CDI_SPEC_DIRS"


def spec_dirs(options: argparse.Namespace) -> tuple[str, ...]:
    """The directories of ``--spec-dir``, else those of the plugin's configuration.

    Raises: ConfigError.
    """
    given: Sequence[str] | None = getattr(options, "spec_dirs", None)
    if given:
        return _checked(given)
    path = config_path(options)
    if path is None and _VARIABLE not in os.environ:
        return DEFAULT_SPEC_DIRS
    from nri_cdi.config import Loader  # most nodes have nothing to load

    return Loader(path, os.environ, {}).load().spec_dirs


def config_path(options: argparse.Namespace) -> str | None:
    """The configuration of this node's plugin; None if it has none."""
    path: str | None = getattr(options, "config", None)
    if path is None and _is_there(DEFAULT_CONFIG):
        return DEFAULT_CONFIG
    return path


def _checked(given: Sequence[str]) -> tuple[str, ...]:
    # What is left of an unset variable would mean the present directory.
    if "" in given:
        raise misused("--spec-dir", "'' is not the name of a directory")
    return tuple(given)


def _is_there(path: str) -> bool:
    """Whether there is a file, be it one that this user can't see."""
    try:
        return Path(path).exists()
    except PermissionError:
        return True


def load_registry(options: argparse.Namespace) -> Registry:
    """All that the spec directories hold now.

    Raises: ConfigError.
    """
    return read_registry(spec_dirs(options))


def read_registry(directories: Sequence[str]) -> Registry:
    """All that these directories hold now."""
    return Cache(directories).snapshot()


def say_errors(registry: Registry) -> None:
    """Say which files and directories could not be used, so that nothing is hidden.

    Each has one line, with its first problem.
    """
    for error in registry.errors.values():
        first, *others = error.lines()
        more = f" (and {len(others)} more: see nri-cdi validate)" if others else ""
        say_of("not used", Style.BAD, f"{first}{more}")
    for spec_dir, reason in registry.dir_errors.items():
        say_of("can't be listed", Style.BAD, f"{spec_dir}: {reason}")


def is_pattern(text: str) -> bool:
    """Whether this stands for several names; no name has such letters."""
    return not _WILD.isdisjoint(text)


def device_or_pattern(text: str) -> str:
    """An argument that is a device's name, or a pattern of names.

    Raises: argparse.ArgumentTypeError, for what can be neither.
    """
    try:
        return text if is_pattern(text) else str(parse_qualified_name(text))
    except InvalidNameError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that a shell's pattern matches, sorted; ``*`` matches any letters."""
    return sorted(name for name in names if fnmatchcase(name, pattern))


def asked_for(arguments: Iterable[str], registry: Registry) -> tuple[str, ...]:
    """The devices that names and patterns stand for, in their order, each once.

    A name without wildcards stands for itself, whether there is such a device or not.

    Raises: ResolveError, if there is nothing that a pattern matches.
    """
    names: dict[str, None] = {}
    empty: list[str] = []
    for argument in arguments:
        if not is_pattern(argument):
            names[argument] = None
            continue
        found = matching(argument, registry.devices)
        names.update(dict.fromkeys(found))
        if not found:
            empty.append(argument)
    if empty:
        listed = ", ".join(map(quoted, empty))
        raise ResolveError(f"there is no CDI device that matches {listed}", empty)
    return tuple(names)
