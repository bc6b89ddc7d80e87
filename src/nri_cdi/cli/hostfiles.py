"""The spec files of a host whose root lies elsewhere in ours, as ``--root`` says.

What is below the root is that host's: its links are followed as the host would do it,
and none leads out. So nothing of ours is taken for the host's, nor shown. Paths that
lie elsewhere are ours, as ever.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from posixpath import join, normpath

from nri_cdi.cdi.cache import DEFAULT_SPEC_DIRS
from nri_cdi.cdi.lint import Host
from nri_cdi.cdi.reading import read_file
from nri_cdi.cdi.rules import Rule
from nri_cdi.cli.checking import OurFiles, reason_of
from nri_cdi.cli.sources import Source
from nri_cdi.cli.specs import DEFAULT_CONFIG, spec_dirs
from nri_cdi.errors import ConfigError, Problem, SpecError


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFiles(OurFiles):
    """The files of ``host``, named as we see them, and ours beside them."""

    host: Host

    def locate(self, path: str) -> str:
        """Where ``path`` is, without any link where it is the host's.

        Raises: OSError, if nothing is there, among other reasons.
        """
        inside = self._inside(path)
        return path if inside is None else self.host.locate(inside)

    def source(self, path: str) -> Source:
        """The file at ``path``."""
        if self._inside(path) is None:
            return Source(path=path)
        return _HostSource(path=path, files=self)

    def spec_dirs(self, options: argparse.Namespace) -> tuple[str, ...]:
        """The directories of ``--spec-dir``, else those of the host's plugin.

        Raises: ConfigError.
        """
        if getattr(options, "spec_dirs", None) or self.host.is_ours:
            return spec_dirs(options)
        is_told = getattr(options, "config", None) is not None
        there = spec_dirs(options) if is_told else self._configured()
        return tuple(map(self._named, there))

    def _configured(self) -> tuple[str, ...]:
        try:
            path = self.host.locate(DEFAULT_CONFIG)
        except (FileNotFoundError, NotADirectoryError):
            return DEFAULT_SPEC_DIRS
        except OSError as error:
            problem = Problem(rule="unreadable", message=reason_of(error))
            raise ConfigError(self._named(DEFAULT_CONFIG), [problem]) from error
        from nri_cdi.config import load_config  # few hosts have such a file

        return load_config(path).spec_dirs

    def _named(self, path: str) -> str:
        """What we call ``path`` of the host."""
        return join(self.host.root, path.lstrip("/"))

    def _inside(self, path: str) -> str | None:
        """What the host calls ``path``; None if it is not the host's.

        It is as soon as some directory on the way lies below the root. A ``..`` may
        lead out again.
        """
        if self.host.is_ours:
            return None
        root = Path(os.path.realpath(self.host.root))
        parts = Path(path).absolute().parts
        for length in range(1, len(parts) + 1):
            here = Path(os.path.realpath(Path(*parts[:length])))
            if here.is_relative_to(root):
                inside = join(str(here.relative_to(root)), *parts[length:])
                if normpath(inside).partition("/")[0] != "..":
                    return f"/{inside}"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _HostSource(Source):
    """A file of a host."""

    files: HostFiles

    def read(self) -> bytes:
        """All of it. Raises: SpecError, if that can't be had, or is too much."""
        try:
            # What has become a link by now is not followed.
            return read_file(self.files.locate(self.path), follow=False)
        except OSError as error:
            message = f"the file can't be read: {reason_of(error)}"
            problem = Problem(rule=Rule.UNREADABLE_FILE, message=message)
            raise SpecError(self.path, [problem]) from error
        except SpecError as error:
            raise SpecError(self.path, error.problems) from error
