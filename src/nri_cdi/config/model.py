"""The plugin's settings, as the rest of the program has them."""

from __future__ import annotations

from dataclasses import dataclass

from nri_cdi.cdi.cache import DEFAULT_SPEC_DIRS
from nri_cdi.policy import Policy

# NRI pkg/api/plugin.go. The socket's directory is what to mount into a container: the
# socket itself is replaced at every start of the runtime.
# `nri.session` has it too; to import that would load the event loop for --help.
DEFAULT_SOCKET = "/var/run/nri/nri.sock"

_OPEN = Policy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What can be set; the defaults are those of a node as its runtime comes.

    `nri_cdi.config.options.OPTIONS` says what each setting means. ``environment`` has
    pairs of a variable's name and a kind. ``status`` and ``host_dev_root`` are empty
    where there is none.
    """

    socket: str = DEFAULT_SOCKET
    name: str = "nri-cdi"
    index: str = "10"
    spec_dirs: tuple[str, ...] = DEFAULT_SPEC_DIRS
    log_level: str = "info"
    log_format: str = "text"
    injection: str = "auto"
    aliases: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    policy: Policy = _OPEN
    exclusive: tuple[str, ...] = ()
    validate: str = "false"
    status: str = ""
    host_dev_root: str = ""
