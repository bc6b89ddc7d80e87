"""The plugin's configuration file: a policy of which one rule changes now and then."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from soak.asks import ALIAS, EXCLUSIVE_CLASS, NAMESPACE, TRUSTED, VARIABLE
from soak.marks import VENDOR
from soak.timeline import Timeline

BAD_SETTING = "excluzive"


class Settings:
    """The file, and what of its changing rule was in force when."""

    def __init__(self, folder: Path, fixed: Mapping[str, Any]) -> None:
        """``fixed`` are the settings that stay: paths for the most part."""
        self.path = folder / "config.yaml"
        self._fixed = fixed
        self.switch = Timeline(True, time.monotonic())
        self.write(allow=True)

    def turn(self) -> None:
        """Change the rule in the file; it is in force once the plugin has read it."""
        allow = not self.switch.value
        self.switch.begin(allow, time.monotonic())
        self.write(allow=allow)

    def settle(self) -> None:
        """The plugin has read it."""
        self.switch.settle(time.monotonic())

    def spoil(self) -> None:
        """Put a setting into the file that there is none of, and the rule reversed."""
        text = _text(self._fixed, allow=not self.switch.value)
        self._put(text.replace('"exclusive"', f'"{BAD_SETTING}"'))

    def mend(self) -> None:
        """Write the file as it was."""
        self.write(allow=self.switch.value)

    def write(self, *, allow: bool) -> None:
        self._put(_text(self._fixed, allow=allow))

    def _put(self, text: str) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(text)
        new.rename(self.path)


def _text(fixed: Mapping[str, Any], *, allow: bool) -> str:
    document = {
        **fixed,
        "aliases": [ALIAS],
        "environment": {VARIABLE: f"{VENDOR}/gpu"},
        "policy": {"default": "deny", "rules": _rules(allow=allow)},
        "exclusive": [f"{VENDOR}/{EXCLUSIVE_CLASS}=*"],
        "validate": True,
    }
    # JSON is YAML, and has no anchors, of which the settings can have none.
    return json.dumps(document, indent=2)


def _rules(*, allow: bool) -> list[dict[str, Any]]:
    secrets = [f"{VENDOR}/secret=*"]
    everyone = [NAMESPACE, TRUSTED]
    return [
        {
            "name": "secrets-of-trusted",
            "namespaces": [TRUSTED],
            "devices": secrets,
            "action": "allow",
        },
        {"name": "no-secrets", "devices": secrets, "action": "deny"},
        {
            "name": "switch",
            "devices": [f"{VENDOR}/switch=*"],
            "action": "allow" if allow else "deny",
        },
        {
            "name": "networks-are-watched",
            "namespaces": everyone,
            "devices": [f"{VENDOR}/net=*"],
            "action": "audit",
        },
        {"name": "our-own", "namespaces": everyone, "action": "allow"},
    ]
