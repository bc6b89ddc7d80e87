"""What a runtime's configuration says, as far as devices from a plugin depend on it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from nri_cdi.cdi.cache import DEFAULT_SPEC_DIRS
from nri_cdi.config import DEFAULT_SOCKET
from nri_cdi.doctor.node import Node, reason_of

Table = dict[str, Any]

_Value = TypeVar("_Value")

# Source: NRI pkg/api/plugin.go and pkg/api/timeouts.go.
DEFAULT_PLUGIN_DIR = "/opt/nri/plugins"
DEFAULT_PLUGIN_CONFIG_DIR = "/etc/nri/conf.d"
DEFAULT_REGISTRATION_TIMEOUT = "5s"
DEFAULT_REQUEST_TIMEOUT = "2s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Validator:
    """The default validator, which can refuse what plugins do or don't do."""

    enabled: bool = False
    required: tuple[str, ...] = ()
    tolerate: str = ""
    rejects_hooks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NriSettings:
    """NRI of a runtime; ``enabled`` is None where neither file nor version says it."""

    enabled: bool | None
    connections: bool = True
    socket: str = DEFAULT_SOCKET
    plugin_dir: str = DEFAULT_PLUGIN_DIR
    plugin_config_dir: str = DEFAULT_PLUGIN_CONFIG_DIR
    registration_timeout: str = DEFAULT_REGISTRATION_TIMEOUT
    request_timeout: str = DEFAULT_REQUEST_TIMEOUT
    validator: Validator = Validator()


@dataclass(frozen=True, slots=True, kw_only=True)
class CdiSettings:
    """CDI of a runtime itself; ``enabled`` is None where nothing says it."""

    enabled: bool | None
    spec_dirs: tuple[str, ...] = DEFAULT_SPEC_DIRS


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A runtime's settings; ``files`` are those that exist, the last one winning.

    ``problems`` are those of files that the runtime could not read either, by path.
    Without ``cri`` it serves no pods. ``imports`` are the patterns of its drop-ins.
    ``nri_switch`` says what to write, and where, to have NRI on.
    """

    nri: NriSettings
    cdi: CdiSettings
    files: tuple[str, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    cri: bool = True
    imports: tuple[str, ...] = ()
    nri_switch: str = ""


class SettingsError(Exception):
    """A file that its runtime can't read; the text has no path in it."""


def read_toml(node: Node, path: str) -> Table:
    """The table in a file. Raises: FileNotFoundError, SettingsError."""
    try:
        return tomllib.loads(node.read(path).decode())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SettingsError(f"it can't be read: {reason_of(error)}") from error
    except RecursionError as error:
        raise SettingsError("lists and tables are nested too deep") from error
    except ValueError as error:  # tomllib.TOMLDecodeError and UnicodeDecodeError
        words = " ".join(str(error).split())
        raise SettingsError(f"it is not TOML: {words}") from error


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> Table:
    """Both tables in one; of two values ``above`` has the one that counts."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def table(of: Mapping[str, Any], *keys: str) -> Table:
    """The table within tables; empty if there is none."""
    found: Any = of
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def value(of: Mapping[str, Any], key: str, default: _Value) -> _Value:
    """A value of the type of its default; the default, if it is of another."""
    found = of.get(key)
    return found if isinstance(found, type(default)) else default


def texts(of: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    """A list of texts; None if there is none."""
    found = of.get(key)
    if not isinstance(found, list):
        return None
    return tuple(item for item in found if isinstance(item, str))
