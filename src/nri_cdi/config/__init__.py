"""The plugin's configuration: what can be set, and by whom.

A file, or the text that a runtime has for a plugin that it launches; variables of the
plugin's environment; flags. A later one wins.
"""

from nri_cdi.config.checks import LEVELS
from nri_cdi.config.model import DEFAULT_SOCKET, Config
from nri_cdi.config.option import Option
from nri_cdi.config.options import BY_KEY, OPTIONS
from nri_cdi.config.overrides import check_settings
from nri_cdi.config.reading import load_config, parse_config
from nri_cdi.config.reloading import Loader, needs_restart

__all__ = [
    "BY_KEY",
    "DEFAULT_SOCKET",
    "LEVELS",
    "OPTIONS",
    "Config",
    "Loader",
    "Option",
    "check_settings",
    "load_config",
    "needs_restart",
    "parse_config",
]
