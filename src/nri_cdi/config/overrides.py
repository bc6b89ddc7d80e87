"""Settings from the plugin's environment and its flags; they win over the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from nri_cdi.config.option import VARIABLE_PREFIX, Option
from nri_cdi.config.options import BY_KEY, OPTIONS
from nri_cdi.errors import ConfigError, Problem
from nri_cdi.quoting import quoted

ENVIRONMENT = "environment"
COMMAND_LINE = "command line"

_FILE_ONLY = {
    VARIABLE_PREFIX + option.key.upper(): option.key
    for option in OPTIONS
    if not option.variable
}

_OF_THE_FILE = f"{VARIABLE_PREFIX}CONFIG"

_MISSPELT = 0.8
"""How like a variable of ours another one must be to be a misspelt one. There are
foreign ones: Kubernetes makes some for every service, after its name."""


def check_settings(settings: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Check values that came as text, from flags for one; lists become tuples.

    Raises: ConfigError, with every problem.
    """
    problems: list[Problem] = []
    checked: dict[str, Any] = {}
    for key, value in settings.items():
        option = BY_KEY[key]
        try:
            checked[key] = _checked(option, value)
        except ValueError as error:
            flag = option.flag_of(value)
            problems.append(Problem(rule="value", message=str(error), pointer=flag))
    if problems:
        raise ConfigError(source, problems)
    return checked


def environment_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings in an environment; an empty variable is the same as none.

    Raises: ConfigError, with every problem.
    """
    problems: list[Problem] = []
    checked: dict[str, Any] = {}
    for option in OPTIONS:
        text = environ.get(option.variable, "") if option.variable else ""
        if text:
            try:
                checked[option.key] = _checked(option, _split(option, text))
            except ValueError as error:
                problems.append(
                    Problem(rule="value", message=str(error), pointer=option.variable)
                )
    problems += _misplaced(environ)
    if problems:
        raise ConfigError(ENVIRONMENT, problems)
    return checked


def _checked(option: Option, value: str | Sequence[str]) -> str | tuple[str, ...]:
    """Raises: ValueError."""
    assert option.check is not None
    if isinstance(value, str):
        return option.check(value)
    return tuple(map(option.check, value))


def _split(option: Option, text: str) -> str | list[str]:
    if not option.separator:
        return text
    return [item.strip() for item in text.split(option.separator)]


def _misplaced(environ: Mapping[str, str]) -> list[Problem]:
    """What is wrong with variables that have no setting, but look like it."""
    known = {option.variable for option in OPTIONS if option.variable}
    problems = []
    for name in sorted(environ):
        if not name.startswith(VARIABLE_PREFIX) or name in known or not environ[name]:
            continue
        message = _reason(name, known)
        if message:
            problems.append(Problem(rule="unknown", message=message, pointer=name))
    return problems


def _reason(name: str, known: set[str]) -> str:
    if name == _OF_THE_FILE:
        # Whoever sets it has a policy in mind that would not be there.
        return "there is no such setting; name the file with --config"
    if name in _FILE_ONLY:
        key = _FILE_ONLY[name]
        return f"{quoted(key)} can be set in the configuration file alone"
    rests = {each.removeprefix(VARIABLE_PREFIX): each for each in {*known, *_FILE_ONLY}}
    rest = name.removeprefix(VARIABLE_PREFIX).upper()
    near = get_close_matches(rest, rests, n=1, cutoff=_MISSPELT)
    return f"there is no such setting; did you mean {rests[near[0]]!r}?" if near else ""
