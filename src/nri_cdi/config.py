"""The plugin's configuration: one YAML mapping, from a file or from the runtime.

A runtime hands a plugin that it launches the text of ``NN-name.conf`` or ``name.conf``
in its plugin configuration directory; a plugin that runs on its own reads a file. Flags
win over both.

Source of the rules for names: NRI pkg/adaptation/plugin.go, since v0.12.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from nri_cdi.cdi.cache import DEFAULT_SPEC_DIRS
from nri_cdi.errors import ConfigError, Problem

# NRI pkg/api/plugin.go. The socket's directory is what to mount into a container: the
# socket itself is replaced at every start of the runtime.
# `nri.session` has it too; to import that would load the event loop for --help.
DEFAULT_SOCKET = "/var/run/nri/nri.sock"

LEVELS = ("debug", "info", "warning", "error")

# A page of settings; anything larger is another file.
SIZE_LIMIT = 1024 * 1024

# unix(7): sun_path has 108 bytes, one of them for the end.
SOCKET_PATH_LIMIT = 107

_TOO_DEEP = Problem(rule="syntax", message="lists and mappings are nested too deep")

# A FIFO is not waited for, and no device becomes our terminal.
_OPEN_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY

_INDEX = re.compile(r"[0-9][0-9]")
_NAME = re.compile(r"[A-Za-z0-9_.+-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What can be set; the defaults are those of a node as its runtime comes.

    ``socket`` is the runtime's NRI socket. ``name`` and ``index`` identify the plugin
    to the runtime, which calls its plugins in the order of their two-digit indices.
    ``spec_dirs`` are the CDI spec directories, a later one going before an earlier one.
    """

    socket: str = DEFAULT_SOCKET
    name: str = "nri-cdi"
    index: str = "10"
    spec_dirs: tuple[str, ...] = DEFAULT_SPEC_DIRS
    log_level: str = "info"


def check_index(text: str) -> str:
    """A plugin's index. Raises: ValueError."""
    if not _INDEX.fullmatch(text):
        raise ValueError(f"{text!r} is not an index: two digits, such as '10'")
    return text


def check_name(text: str) -> str:
    """A plugin's name. Raises: ValueError."""
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a plugin name: letters, digits and the characters _ . + -"
        )
    return text


def check_path(text: str) -> str:
    """An absolute path. Raises: ValueError."""
    if not text.startswith("/") or "\0" in text:
        raise ValueError(f"{text!r} is not an absolute path")
    return text


def check_socket(text: str) -> str:
    """The path of a Unix socket. Raises: ValueError."""
    path = check_path(text)
    if len(path.encode()) > SOCKET_PATH_LIMIT:
        raise ValueError(
            f"{text!r} is longer than the {SOCKET_PATH_LIMIT} bytes that the path of a "
            "socket may have"
        )
    return path


def check_log_level(text: str) -> str:
    """The name of a log level. Raises: ValueError."""
    if text not in LEVELS:
        raise ValueError(f"{text!r} is not a log level: one of {', '.join(LEVELS)}")
    return text


_CHECKS: Mapping[str, Callable[[str], str]] = {
    "socket": check_socket,
    "name": check_name,
    "index": check_index,
    "spec_dirs": check_path,
    "log_level": check_log_level,
}


def load_config(path: str) -> Config:
    """Read a configuration file.

    Raises: ConfigError, with every problem.
    """
    try:
        # Asked by name first: to open a device can have effects.
        _check_regular(path, Path(path).stat())
        with os.fdopen(os.open(path, _OPEN_FLAGS), "rb") as file:
            _check_regular(path, os.fstat(file.fileno()))
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(path, [Problem(rule="unreadable", message=reason)]) from error
    if len(data) > SIZE_LIMIT:
        message = f"larger than the {SIZE_LIMIT} bytes that a configuration may have"
        raise ConfigError(path, [Problem(rule="too-large", message=message)])
    return parse_config(data, path)


def _check_regular(path: str, status: os.stat_result) -> None:
    """Raises: ConfigError, as to read any other file could take forever."""
    if not stat.S_ISREG(status.st_mode):
        message = "a configuration must be a regular file"
        raise ConfigError(path, [Problem(rule="not-a-regular-file", message=message)])


def parse_config(text: str | bytes, path: str, base: Config | None = None) -> Config:
    """Read a configuration's text; what it leaves out is as in ``base``.

    Raises: ConfigError, with every problem.
    """
    base = Config() if base is None else base
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except RecursionError as error:
        raise ConfigError(path, [_TOO_DEEP]) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise ConfigError(path, [_syntax_problem(error)]) from error
    if root is None:
        return base
    reader = _Reader()
    values = reader.mapping(root)
    if reader.problems:
        raise ConfigError(path, reader.problems)
    return replace(base, **values)


def check_settings(settings: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Check values that came as text, from flags for one; lists become tuples.

    Raises: ConfigError, with every problem.
    """
    problems = []
    checked: dict[str, Any] = {}
    for key, value in settings.items():
        try:
            check = _CHECKS[key]
            several = isinstance(value, list | tuple)
            checked[key] = tuple(map(check, value)) if several else check(value)
        except ValueError as error:
            flag = "--" + key.removesuffix("s").replace("_", "-")
            problems.append(Problem(rule="value", message=str(error), pointer=flag))
    if problems:
        raise ConfigError(source, problems)
    return checked


class _Reader:
    """Turns YAML nodes into values, and keeps what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def mapping(self, root: yaml.Node) -> dict[str, Any]:
        if not isinstance(root, yaml.MappingNode):
            self._problem(root, "not-a-mapping", "", "expected a mapping of settings")
            return {}
        values: dict[str, Any] = {}
        for key_node, node in root.value:
            key = str(key_node.value)
            if key not in _CHECKS:
                self._problem(key_node, "unknown-key", "", _unknown(key))
            elif key in values:
                self._problem(key_node, "duplicate-key", key, "set twice")
            else:
                values[key] = self._value(key, node)
        return values

    def _value(self, key: str, node: yaml.Node) -> str | tuple[str, ...]:
        if key != "spec_dirs":
            return self._text(key, key, node)
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self._problem(node, "type", key, "expected a list of directories")
            return ()
        return tuple(
            self._text(key, f"{key}[{position}]", item)
            for position, item in enumerate(node.value)
        )

    def _text(self, key: str, pointer: str, node: yaml.Node) -> str:
        # The text as written: an index 05 stays "05", whatever YAML makes of it.
        if not isinstance(node, yaml.ScalarNode):
            self._problem(node, "type", pointer, "expected a string")
            return ""
        try:
            return _CHECKS[key](node.value)
        except ValueError as error:
            self._problem(node, "value", pointer, str(error))
            return ""

    def _problem(self, node: yaml.Node, rule: str, pointer: str, message: str) -> None:
        mark = node.start_mark
        self.problems.append(
            Problem(
                rule=rule,
                message=message,
                pointer=pointer,
                line=mark.line + 1,
                column=mark.column + 1,
            )
        )


def _unknown(key: str) -> str:
    known = [field.name for field in fields(Config)]
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    return f"unknown setting {key!r}; {hint}"


def _syntax_problem(error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    message = getattr(error, "problem", None) or " ".join(str(error).split())
    if mark is None:
        return Problem(rule="syntax", message=message)
    return Problem(
        rule="syntax", message=message, line=mark.line + 1, column=mark.column + 1
    )
