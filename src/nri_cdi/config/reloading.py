"""Reading the configuration as it was read at the start, at any time later.

What counts is, in rising order: the defaults, the file, the environment, the flags.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nri_cdi.config.model import Config
from nri_cdi.config.option import Apply
from nri_cdi.config.options import BY_KEY, OPTIONS
from nri_cdi.config.overrides import (
    COMMAND_LINE,
    check_settings,
    environment_settings,
)
from nri_cdi.config.reading import legible_settings, load_settings
from nri_cdi.errors import ConfigError

DEFAULT = "default"
"""The source of a value that nothing sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A configuration, what set each of its values, and why a part can't be used.

    With ``errors`` the configuration is what the rest of the parts make it.
    """

    config: Config
    sources: Mapping[str, str]
    errors: tuple[ConfigError, ...]


class Loader:
    """Reads the configuration of this process; the same way each time.

    ``file`` is its path; None if there is to be none. One that ``may_be_missing`` is
    read when it is there, and once it was, it has to stay: without it the policy would
    be gone. ``flags`` are by the names of `Config`'s fields, as text.
    """

    def __init__(
        self,
        file: str | None,
        environ: Mapping[str, str],
        flags: Mapping[str, Any],
        *,
        may_be_missing: bool = False,
    ) -> None:
        self._file = file
        self._may_be_missing = may_be_missing
        self._environ = MappingProxyType(dict(environ))
        self._flags = MappingProxyType(dict(flags))

    @property
    def path(self) -> str:
        """The file that is read; empty if there is none."""
        return "" if self._file is None or self._is_missing(self._file) else self._file

    def load(self) -> Config:
        """The configuration as of now.

        Raises: ConfigError, of the file if that is wrong, or else of the others.
        """
        loaded = self.read()
        for error in loaded.errors:
            raise error
        return loaded.config

    def read(self) -> Loaded:
        """The configuration as of now, with all errors instead of the first one."""
        parts = (
            _Part(take=self._of_file, name=lambda _key, _value: str(self._file)),
            _Part(
                take=partial(environment_settings, self._environ),
                name=lambda key, _value: BY_KEY[key].variable,
            ),
            _Part(
                take=partial(check_settings, self._flags, COMMAND_LINE),
                name=lambda key, value: BY_KEY[key].flag_of(value),
            ),
        )
        config, errors = Config(), []
        sources = dict.fromkeys((option.key for option in OPTIONS), DEFAULT)
        for part in parts:
            try:
                settings = part.take()
            except ConfigError as error:
                errors.append(error)
                continue
            config = replace(config, **settings)
            sources |= {key: part.name(key, each) for key, each in settings.items()}
        return Loaded(config=config, sources=sources, errors=tuple(errors))

    def legible(self) -> Config:
        """What can be made out although a part has errors; for looking only.

        A plugin that runs may still have the configuration from before: so it is found.
        """
        loaded = self.read()
        if not any(error.path == self._file for error in loaded.errors):
            return loaded.config
        settings = legible_settings(str(self._file))
        is_unset = {key for key, source in loaded.sources.items() if source == DEFAULT}
        settings = {key: each for key, each in settings.items() if key in is_unset}
        return replace(loaded.config, **settings)

    def _of_file(self) -> dict[str, Any]:
        """Raises: ConfigError."""
        if self._file is None or self._is_missing(self._file):
            return {}
        settings = load_settings(self._file)
        self._may_be_missing = False
        return settings

    def _is_missing(self, file: str) -> bool:
        return self._may_be_missing and not _is_there(file)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Where settings come from, and what that is called, by key and value."""

    take: Callable[[], dict[str, Any]]
    name: Callable[[str, Any], str]


def needs_restart(old: Config, new: Config) -> tuple[str, ...]:
    """The settings that differ and count only after a restart."""
    return tuple(
        option.key
        for option in OPTIONS
        if option.apply is Apply.RESTART
        and getattr(old, option.key) != getattr(new, option.key)
    )


def _is_there(path: str) -> bool:
    """Whether there is a file, be it one that this user can't see."""
    try:
        Path(path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
