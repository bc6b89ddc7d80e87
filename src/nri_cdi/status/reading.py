"""How the plugin's configuration was read: for the daemon, which may show no status."""

from __future__ import annotations

from dataclasses import dataclass

from nri_cdi.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the configuration was read last.

    ``path`` is empty where no file was read. ``loaded_at`` is in seconds since the
    epoch. ``error`` says why the file as it is now is not in use, and is empty if it
    is. Then the one before is in force, unless there was none: the plugin is
    ``refusing`` containers for it. ``wanted`` is the configuration as it was read, of
    which some settings may take a restart; None if it is in use as it is.
    """

    path: str = ""
    loaded_at: float = 0.0
    error: str = ""
    refusing: bool = False
    wanted: Config | None = None
