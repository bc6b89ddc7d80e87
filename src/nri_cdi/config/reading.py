"""A configuration's text: one YAML mapping, from a file or from the runtime.

A runtime hands a plugin that it launches the text of ``NN-name.conf`` or ``name.conf``
in its plugin configuration directory; a plugin that runs on its own reads a file.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

from nri_cdi.cdi.document import decode
from nri_cdi.cdi.events import MalformedError
from nri_cdi.cdi.problems import ProblemLog, in_order
from nri_cdi.config.model import Config
from nri_cdi.config.nodereader import NodeReader
from nri_cdi.config.nodes import Node, compose
from nri_cdi.config.options import BY_KEY
from nri_cdi.errors import ConfigError, Problem

SIZE_LIMIT = 1024 * 1024
"""Bytes of a configuration: what a ConfigMap may have. It is some pages of settings;
anything larger is another file."""

_POLICY = "policy"

# A FIFO is not waited for, and no device becomes our terminal.
_OPEN_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def load_config(path: str) -> Config:
    """Read a configuration file.

    Raises: ConfigError, with every problem.
    """
    return replace(Config(), **load_settings(path))


def load_settings(path: str) -> dict[str, Any]:
    """What a configuration file sets, by the names of `Config`'s fields.

    Raises: ConfigError, with every problem.
    """
    return settings_of_file(_read(path), path)


def settings_of_file(data: bytes, path: str) -> dict[str, Any]:
    """What the content of a configuration file sets.

    Raises: ConfigError, with every problem.
    """
    if not data.strip():
        # A file that is being written, or a lost value, would take the policy away.
        message = "it is empty; a configuration without settings is {}"
        raise _error(path, "empty", message)
    return parse_settings(data, path)


def parse_config(text: str | bytes, path: str, base: Config | None = None) -> Config:
    """Read a configuration's text; what it leaves out is as in ``base``.

    Raises: ConfigError, with every problem.
    """
    base = Config() if base is None else base
    return replace(base, **parse_settings(text, path))


def parse_settings(text: str | bytes, path: str) -> dict[str, Any]:
    """What a text sets, by the names of `Config`'s fields.

    Raises: ConfigError, with every problem.
    """
    data = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    if len(data) > SIZE_LIMIT:
        message = f"larger than the {SIZE_LIMIT} bytes that a configuration may have"
        raise _error(path, "too-large", message)
    reader = NodeReader()
    try:
        root = compose(decode(data, "a configuration"), reader.problems)
    except MalformedError as error:
        raise ConfigError(path, [error.problem]) from error
    settings = {} if root is None else _settings(reader, root)
    if reader.problems:
        raise ConfigError(path, in_order(reader.problems))
    return settings


def legible_settings(path: str) -> dict[str, Any]:
    """What a broken file sets without an error, but for the policy; for looking only.

    Nothing may be given to anybody by this: half of a configuration is another one.
    """
    try:
        root = compose(decode(_read(path), "a configuration"), ProblemLog())
    except (ConfigError, MalformedError):
        return {}
    if root is None:
        return {}
    fields = NodeReader().fields(root, "", BY_KEY, "a mapping of settings")
    legible = {}
    for key, node in fields.items():
        reader = NodeReader()
        found = BY_KEY[key].read(reader, node, key)
        if not reader.problems and key != _POLICY:
            legible[key] = found
    return legible


def _settings(reader: NodeReader, root: Node) -> dict[str, Any]:
    expected = "a mapping of settings"
    fields = reader.fields(root, "", BY_KEY, expected, what="setting")
    return {key: BY_KEY[key].read(reader, node, key) for key, node in fields.items()}


def _read(path: str) -> bytes:
    """The bytes of a file, and one too many at most. Raises: ConfigError."""
    try:
        # Asked by name first: to open a device can have effects.
        _check_regular(path, Path(path).stat())
        with os.fdopen(os.open(path, _OPEN_FLAGS), "rb") as file:
            _check_regular(path, os.fstat(file.fileno()))
            return file.read(SIZE_LIMIT + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise _error(path, "unreadable", reason) from error
    except ValueError as error:
        raise _error(path, "unreadable", "that can't be a file's name") from error


def _check_regular(path: str, status: os.stat_result) -> None:
    """Raises: ConfigError, as to read any other file could take forever."""
    if not stat.S_ISREG(status.st_mode):
        message = "a configuration must be a regular file"
        raise _error(path, "not-a-regular-file", message)


def _error(path: str, rule: str, message: str) -> ConfigError:
    return ConfigError(path, [Problem(rule=rule, message=message)])
